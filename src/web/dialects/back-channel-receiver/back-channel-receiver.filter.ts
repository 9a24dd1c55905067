import { Catch, HttpException, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { toFailure } from '../../kit/failure.js';
import { HttpEdge, type Response } from '../../kit/http-edge.js';

/** The fallback is asked by prefix, so also for what lies below. */
const RECEIVER = /^\/api\/v1\/auth\/oidc\/backchannel-logout\/?(\?|$)/;
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

  constructor(private readonly edge: HttpEdge) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<Response>();
    const { url = '' } = host.switchToHttp().getRequest<{ readonly url?: string }>();
    // Where the path is right, the method is not.
    if (error instanceof HttpException && error.getStatus() === 404 && RECEIVER.test(url))
      return this.methodNotAllowed(response);
    const failure = toFailure(error, this.logger);
    if (failure.retryAfterSeconds !== undefined)
      this.edge.header(response, 'Retry-After', String(failure.retryAfterSeconds));
    if (failure.status >= 500)
      return this.edge.json(response, { error: 'temporarily_unavailable', error_description: FAILED }, 400);
    const known = failure.status === 429 || failure.status === 404;
    this.edge.json(
      response,
      { error: known ? failure.code : 'invalid_request', error_description: failure.description },
      known ? failure.status : 400,
    );
  }

  private methodNotAllowed(response: Response): void {
    this.edge.header(response, 'Allow', 'POST');
    this.edge.json(response, { error: 'invalid_request', error_description: 'Send logout_token by POST.' }, 405);
  }
}
