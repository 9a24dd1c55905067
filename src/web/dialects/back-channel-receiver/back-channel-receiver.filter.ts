import { Catch, HttpException, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { PATHS } from '../../../platform/oidc/endpoints.js';
import { toFailure, type Failure } from '../../kit/failure.js';
import { json, type HttpResponse } from '../../kit/http-response.js';
import type { IdentifiedRequest } from '../../kit/observation/identified-request.js';
import { ResponseWriter } from '../../kit/response-writer.js';

const FAILED = 'The logout could not be carried out now. The token was not used up.';

/**
 * Errors as Back-Channel Logout 1.0 §2.8 has them: 400 for whatever was not obeyed, for the sender's log.
 *
 * Deviates: a failure of storage or of keys is 400 and not 503, because §2.8 knows no other status for a logout that
 * failed; `temporarily_unavailable` tells it from a refusal.
 */
@Catch()
export class BackChannelReceiverFilter implements ExceptionFilter {
  private readonly logger = new Logger(BackChannelReceiverFilter.name);

  constructor(private readonly writer: ResponseWriter) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<IdentifiedRequest & { readonly url?: string }>();
    const { url = '' } = request;
    // Where the path is right, the method is not.
    const isMethod = error instanceof HttpException && error.getStatus() === 404 && isReceiver(url);
    this.writer.send(host, isMethod ? methodNotAllowed() : refusal(toFailure(error, { logger: this.logger, request })));
  }
}

/** The fallback is asked by prefix, so also for what lies below. */
function isReceiver(url: string): boolean {
  return (url.split('?', 1)[0] ?? '').replace(/\/$/, '') === PATHS.backchannelLogout;
}

function methodNotAllowed(): HttpResponse {
  return json({ error: 'invalid_request', error_description: 'Send logout_token by POST.' }, 405).with([
    'Allow',
    'POST',
  ]);
}

function refusal({ status, code, description, retryAfterSeconds }: Failure): HttpResponse {
  const known = status === 429 || status === 404;
  const response =
    status >= 500
      ? json({ error: 'temporarily_unavailable', error_description: FAILED }, 400)
      : json({ error: known ? code : 'invalid_request', error_description: description }, known ? status : 400);
  return retryAfterSeconds === undefined ? response : response.with(['Retry-After', String(retryAfterSeconds)]);
}
