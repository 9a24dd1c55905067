import { Catch, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { toFailure, type Failure } from '../../kit/failure.js';
import { json, type Header } from '../../kit/http-response.js';
import type { IdentifiedRequest } from '../../kit/observation/identified-request.js';
import { ResponseWriter } from '../../kit/response-writer.js';
import { InvalidRequestError } from '../../../platform/oidc/errors.js';
import { CSP_ERRORS, CspError, MODULE_CODE, type CspErrorCode } from './csp-error.js';
import type { CspErrorResponseDto } from './dto/csp-logout.dto.js';

/** What Nest, a parser or a pipe refuses, by status. */
const CODES: Readonly<Record<number, CspErrorCode>> = {
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  413: 'REQUEST_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
};

/**
 * Errors as `CspErrorResponse`, always with its six fields (docs/wire/vmware-csp.md#errors); the request id
 * is that of the header.
 *
 * The document knows no 503: a failure of storage is its 500, with no detail, and never success
 * (docs/threat-model.md#success-without-storage).
 */
@Catch()
export class CspErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger(CspErrorFilter.name);

  constructor(private readonly writer: ResponseWriter) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<IdentifiedRequest>();
    const failure = toFailure(error, { logger: this.logger, request, referenceIsShown: true });
    const body = toCspErrorResponse(failure);
    this.writer.send(host, json(body, body.statusCode).with(...headersOf(failure, body)));
  }
}

function headersOf({ retryAfterSeconds }: Failure, { statusCode }: CspErrorResponseDto): readonly Header[] {
  if (statusCode === 405) return [['Allow', 'POST']];
  return statusCode === 429 && retryAfterSeconds !== undefined ? [['Retry-After', String(retryAfterSeconds)]] : [];
}

function toCspErrorResponse(failure: Failure): CspErrorResponseDto {
  const errorCode = toErrorCode(failure);
  const { status, cspErrorCode, message } = CSP_ERRORS[errorCode];
  return {
    cspErrorCode,
    // The pipe's words name the parameter and never quote it.
    message: failure.error instanceof InvalidRequestError ? failure.description : message,
    errorCode,
    requestId: failure.requestId,
    moduleCode: MODULE_CODE,
    statusCode: status,
  };
}

function toErrorCode(failure: Failure): CspErrorCode {
  if (failure.error instanceof CspError) return failure.error.code;
  if (failure.status >= 500) return 'INTERNAL_ERROR';
  return CODES[failure.status] ?? 'INVALID_REQUEST';
}
