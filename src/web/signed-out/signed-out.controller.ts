import {
  Controller,
  Get,
  HttpCode,
  Ip,
  Param,
  Sse,
  UseFilters,
  UseInterceptors,
  type MessageEvent,
} from '@nestjs/common';
import { ApiOperation, ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Observable } from 'rxjs';
import { PATHS } from '../../platform/oidc/endpoints.js';
import { NotFoundError } from '../../platform/oidc/errors.js';
import { ApiPage, ApiSeeOther } from '../kit/api-errors.js';
import { type Browser, CurrentBrowser } from '../kit/browser.js';
import { page, redirect, type HttpResponse } from '../kit/http-response.js';
import { LiveStreams } from '../kit/live-streams.js';
import { PageErrorFilter } from '../kit/page-error.filter.js';
import { ResponseInterceptor } from '../kit/response.interceptor.js';
import { renderSignedOutPage } from '../pages/pages.js';
import { SignedOutProgress } from './signed-out-progress.js';

/** The signed-out page, once more and live. A holder of its address sees names and states for a quarter of an hour. */
@ApiTags('Logout: end_session')
@Controller(`${PATHS.signedOut}/:token`)
@UseFilters(PageErrorFilter)
export class SignedOutController {
  constructor(
    private readonly progress: SignedOutProgress,
    private readonly streams: LiveStreams,
  ) {}

  @Get()
  @HttpCode(200)
  @UseInterceptors(ResponseInterceptor)
  @ApiOperation({
    summary: 'See how a logout stands',
    description: 'The link on the signed-out page, for browsers without JavaScript. It lapses after 15 minutes.',
  })
  @ApiPage(200, 'Each application with its state; without them when the address has lapsed.')
  @ApiSeeOther('To the front page, when the address has lapsed and a person is signed in.')
  @ApiPage(503, 'Storage is away.')
  async show(@Param('token') token: string, @CurrentBrowser() browser: Browser): Promise<HttpResponse<string>> {
    const followed = this.progress.open(token);
    if (followed === undefined) return lapsed(browser);
    const view = await this.progress.page(followed);
    const follows = view.applications.some(({ state }) => state === 'pending');
    const live = follows ? this.progress.viewOf(token) : undefined;
    return page(renderSignedOutPage, { ...view, live }, { live: follows });
  }

  @Sse('events')
  @ApiOperation({
    summary: 'Follow a logout',
    description:
      'Server-sent events: `update` with the list as HTML, then `end`. Ends when nothing is pending, after two minutes at most.',
  })
  @ApiProduces('text/event-stream')
  @ApiResponse({ status: 200, content: { 'text/event-stream': { schema: { type: 'string' } } } })
  @ApiPage(404, 'The address has lapsed.')
  @ApiPage(503, 'Too many pages are following along; `Retry-After` says when to come back.')
  events(@Param('token') token: string, @Ip() address: string): Observable<MessageEvent> {
    const followed = this.progress.open(token);
    if (followed === undefined) throw new NotFoundError('This page has lapsed.');
    return this.streams.stream(followed.terminationId, this.progress.updates(followed), { address });
  }
}

async function lapsed(browser: Browser): Promise<HttpResponse<string>> {
  // A person is signed in: the page must not say otherwise.
  if ((await browser.session()) !== undefined) return redirect(PATHS.home);
  return page(renderSignedOutPage, { alreadySignedOut: true, applications: [] });
}
