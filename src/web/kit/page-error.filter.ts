import { Catch, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { waysOf, type WayOn } from '../../platform/oidc/ways-on.js';
import { renderErrorPage } from '../pages/pages.js';
import { toFailure, type Failure } from './failure.js';
import { HttpEdge, type Response } from './http-edge.js';

/** Errors as a page for a person: what happened, what to do now, and an id to quote when asking for help. */
@Catch()
export class PageErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger(PageErrorFilter.name);

  constructor(private readonly edge: HttpEdge) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<Response>();
    const failure = toFailure(error, this.logger, true);
    if (failure.retryAfterSeconds !== undefined)
      this.edge.header(response, 'Retry-After', String(failure.retryAfterSeconds));
    const nonce = this.edge.newNonce();
    const ways = waysOf(failure.error);
    const atOnce = ways.find((way) => way.atOnce === true);
    if (atOnce !== undefined) this.edge.refresh(response, atOnce.url);
    const html = renderErrorPage({
      nonce,
      status: failure.status,
      ...wordsFor(failure),
      message: failure.description,
      requestId: failure.requestId,
      ways: [...ways, HOME],
      ...(failure.status < 500 ? { code: failure.code } : {}),
    });
    this.edge.page(response, html, { nonce, status: failure.status });
  }
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
