import { Catch, Injectable, type ArgumentsHost } from '@nestjs/common';
import { PageErrorFilter } from '../kit/page-error.filter.js';
import { ResponseWriter } from '../kit/response-writer.js';
import { LeadingOn } from './leading-on.js';

/** Error pages of the authorization endpoint and its interactions: with the ways that lead on from there. */
@Catch()
@Injectable()
export class InteractionErrorFilter extends PageErrorFilter {
  constructor(
    writer: ResponseWriter,
    private readonly leadingOn: LeadingOn,
  ) {
    super(writer);
  }

  /** Nest does not wait for a filter, so nothing in here may fail. */
  override async catch(error: unknown, host: ArgumentsHost): Promise<void> {
    try {
      this.show(error, host, await this.leadingOn.waysFrom(error));
    } catch (failure) {
      this.show(failure, host);
    }
  }
}
