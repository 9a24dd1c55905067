import { Catch, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import {
  InsufficientScopeError,
  InvalidClientError,
  InvalidTokenError,
  MissingTokenError,
} from '../../platform/oidc/errors.js';
import { toFailure, type Failure } from './failure.js';
import { json, type HttpResponse } from './http-response.js';
import type { IdentifiedRequest } from './observation/identified-request.js';
import { ResponseWriter } from './response-writer.js';

/**
 * Errors as `{"error", "error_description"}` with `no-store` (RFC 6749 §5.2, RFC 6750 §3, RFC 7591 §3.2.2). Used by the
 * standard endpoints and the admin API; each dialect has a filter of its own.
 */
@Catch()
export class JsonErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger(JsonErrorFilter.name);

  constructor(private readonly writer: ResponseWriter) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<IdentifiedRequest>();
    this.writer.send(host, jsonError(toFailure(error, { logger: this.logger, request })));
  }
}

/** The response that {@link JsonErrorFilter} sends, for an edge that adds to it. */
export function jsonError(failure: Failure): HttpResponse {
  const { status, retryAfterSeconds } = failure;
  const challenge = challengeOf(failure);
  return json(bodyOf(failure), status).with(
    ...(challenge === undefined ? [] : [['WWW-Authenticate', challenge] as const]),
    ...(retryAfterSeconds === undefined ? [] : [['Retry-After', String(retryAfterSeconds)] as const]),
  );
}

function bodyOf(failure: Failure): object {
  const body = {
    error: failure.error instanceof MissingTokenError ? 'invalid_token' : failure.code,
    error_description: failure.description,
  };
  return failure.status >= 500 ? { ...body, request_id: failure.requestId } : body;
}

/** Every 401 says how to do better (RFC 9110 §15.5.2), also to a client that sent its secret in the form. */
function challengeOf({ error, status }: Failure): string | undefined {
  if (error instanceof InvalidTokenError)
    return `Bearer realm="exeunt", error="invalid_token", error_description="${quotable(error.description)}"`;
  if (error instanceof InsufficientScopeError)
    return `Bearer realm="exeunt", error="insufficient_scope", scope="${quotable(error.scope)}"`;
  if (status !== 401) return undefined;
  return error instanceof InvalidClientError ? 'Basic realm="exeunt", charset="UTF-8"' : 'Bearer realm="exeunt"';
}

/** The characters that RFC 6750 §3 has for these, which end no quotes and no header. */
function quotable(text: string): string {
  return text.replaceAll(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?');
}
