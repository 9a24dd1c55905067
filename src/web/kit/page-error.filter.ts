import { Catch, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { waysOf, type WayOn } from '../../platform/oidc/ways-on.js';
import { renderErrorPage } from '../pages/pages.js';
import { toFailure, type Failure } from './failure.js';
import { page, type HttpResponse } from './http-response.js';
import type { IdentifiedRequest } from './observation/identified-request.js';
import { ResponseWriter } from './response-writer.js';

/** Errors as a page for a person: what happened, what to do now, and an id to quote when asking for help. */
@Catch()
export class PageErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger(PageErrorFilter.name);

  constructor(private readonly writer: ResponseWriter) {}

  catch(error: unknown, host: ArgumentsHost): void | Promise<void> {
    this.show(error, host);
  }

  /** @param ways where the person continues; the way to our front page is there besides */
  protected show(error: unknown, host: ArgumentsHost, ways = waysOf(error)): void {
    const request = host.switchToHttp().getRequest<IdentifiedRequest>();
    const failure = toFailure(error, { logger: this.logger, request, referenceIsShown: true });
    this.writer.send(host, toPage(failure, ways));
  }
}

function toPage(failure: Failure, ways: readonly WayOn[]): HttpResponse {
  const { status, retryAfterSeconds, requestId } = failure;
  const view = {
    status,
    ...wordsFor(failure),
    message: failure.description,
    requestId,
    ways: [...ways, HOME],
    code: status < 500 ? failure.code : undefined,
  };
  const refresh = ways.find((way) => way.atOnce === true);
  return page(renderErrorPage, view, { status, retryAfterSeconds, refresh });
}

const HOME: WayOn = { url: '/', label: 'Go to the start page' };

function wordsFor(failure: Failure): { readonly title: string; readonly whatNow: string } {
  if (failure.status === 503)
    return { title: 'We cannot answer just now', whatNow: 'Wait a moment and reload this page.' };
  if (failure.status >= 500)
    return {
      title: 'Something went wrong',
      whatNow: 'Go back and try again. If it happens again, tell your administrator the number below.',
    };
  if (failure.status === 429) return { title: 'Too many requests', whatNow: 'Wait a moment and reload this page.' };
  if (failure.code === 'invalid_form')
    return {
      title: 'This form cannot be sent',
      whatNow: 'Allow cookies for this site, then go back to the application and start again.',
    };
  if (failure.code === 'interaction_answered')
    return { title: 'This sign-in is finished', whatNow: 'You are on your way on. If nothing happens, use the link.' };
  if (failure.code === 'not_found')
    return { title: 'There is no such page', whatNow: 'Check the address, or go on from our start page.' };
  if (failure.code === 'interaction_lost')
    return { title: 'This sign-in has lapsed', whatNow: 'Go back to the application and sign in again.' };
  if (failure.code === 'not_an_operator')
    return { title: 'This is for operators', whatNow: 'Sign in at /console/sign-in, or ask your administrator.' };
  return {
    title: 'This request cannot be answered',
    whatNow: 'Go back to the application that sent you here and tell its owner what this page says.',
  };
}
