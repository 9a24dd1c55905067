import { Catch, Logger, NotFoundException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { toFailure } from '../../kit/failure.js';
import type { HttpResponse } from '../../kit/http-response.js';
import { ResponseWriter } from '../../kit/response-writer.js';
import { ProtocolError } from '../../../platform/oidc/errors.js';
import { RealmAuthenticationError } from './realm-errors.js';
import { pathOf, toErrorResponse, type ElasticsearchRequest } from './elasticsearch-answer.js';
import {
  ElasticsearchError,
  illegalArgument,
  incorrectMethod,
  internalError,
  noHandler,
  requestTooLarge,
  unavailable,
  unsupportedContentType,
} from './elasticsearch-error.js';
import { toElasticsearchError } from './error.mapper.js';
import { methodsOf } from './routes.js';

/** Every error under `/_security/` in this dialect's words, those of the router and of the body parsers too. */
@Catch()
export class ElasticsearchErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger(ElasticsearchErrorFilter.name);

  constructor(private readonly writer: ResponseWriter) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<ElasticsearchRequest>();
    this.writer.send(host, this.refusal(error, request));
  }

  /** The response to what was refused. */
  refusal(error: unknown, request: ElasticsearchRequest): HttpResponse {
    return toErrorResponse(request, this.describe(error, request));
  }

  private describe(error: unknown, request: ElasticsearchRequest): ElasticsearchError {
    if (error instanceof RealmAuthenticationError)
      this.logger.warn(`authentication at a realm failed: ${error.detail}`);
    const { status, description, retryAfterSeconds } = toFailure(error, { logger: this.logger, request });
    if (error instanceof ElasticsearchError) return error;
    if (error instanceof NotFoundException) return noRoute(request);
    // The clients send 503 again by themselves, so it is for what may be sent again.
    if (status === 503) return unavailable(retryAfterSeconds);
    if (status >= 500) return internalError();
    if (error instanceof ProtocolError) return toElasticsearchError(error);
    if (status === 413) return requestTooLarge();
    if (isCharsetUnsupported(error)) return unsupportedContentType(request.headers['content-type']);
    return illegalArgument(description, status);
  }
}

function noRoute(request: ElasticsearchRequest): ElasticsearchError {
  const path = pathOf(request);
  const allowed = methodsOf(path);
  return allowed === undefined ? noHandler(path, request.method) : incorrectMethod(path, request.method, allowed);
}

/**
 * Of the body parser's 415s the one that is about `Content-Type`; the others are about `Content-Encoding`. Nest wraps what
 * the parser threw.
 */
function isCharsetUnsupported(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return (cause as { readonly type?: unknown } | undefined)?.type === 'charset.unsupported';
}
