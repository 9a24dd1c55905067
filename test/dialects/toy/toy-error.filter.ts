import { Catch, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { toFailure } from '../../../src/web/kit/failure.js';
import { HttpEdge, type Response } from '../../../src/web/kit/http-edge.js';
import { BadSessionTokenError } from './toy-error.js';

/** Errors as `{"toy_error": "<word>"}`. */
@Catch()
export class ToyErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger(ToyErrorFilter.name);

  constructor(private readonly edge: HttpEdge) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const failure = toFailure(error, this.logger);
    const word =
      failure.status >= 500
        ? 'try_again'
        : failure.error instanceof BadSessionTokenError
          ? failure.code
          : 'bad_request';
    this.edge.json(host.switchToHttp().getResponse<Response>(), { toy_error: word }, failure.status);
  }
}
