import { Catch, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { toFailure } from '../../../src/web/kit/failure.js';
import type { IdentifiedRequest } from '../../../src/web/kit/observation/identified-request.js';
import { json } from '../../../src/web/kit/http-response.js';
import { ResponseWriter } from '../../../src/web/kit/response-writer.js';
import { BadSessionTokenError } from './toy-error.js';

/** Errors as `{"toy_error": "<word>"}`. */
@Catch()
export class ToyErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger(ToyErrorFilter.name);

  constructor(private readonly writer: ResponseWriter) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const failure = toFailure(error, {
      logger: this.logger,
      request: host.switchToHttp().getRequest<IdentifiedRequest>(),
    });
    const word =
      failure.status >= 500
        ? 'try_again'
        : failure.error instanceof BadSessionTokenError
          ? failure.code
          : 'bad_request';
    this.writer.send(host, json({ toy_error: word }, failure.status));
  }
}
