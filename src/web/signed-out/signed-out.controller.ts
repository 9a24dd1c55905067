import { Controller, Cookies, Get, HttpCode, Ip, Param, Res, Sse, UseFilters, type MessageEvent } from '@nestjs/common';
import { ApiOperation, ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Observable } from 'rxjs';
import { ApiPage, ApiSeeOther } from '../kit/api-errors.js';
import { HttpEdge, type Cookies as CookieJar, type Response } from '../kit/http-edge.js';
import { LiveStreams } from '../kit/live-streams.js';
import { PageErrorFilter } from '../kit/page-error.filter.js';
import { NotFoundError } from '../../platform/oidc/errors.js';
import { renderSignedOutPage } from '../pages/pages.js';
import { SessionsService } from '../../domain/sessions/sessions.service.js';
import { SignedOutProgress } from './signed-out-progress.js';

/** The signed-out page, once more and live. Whoever has its address learns names and states for a quarter of an hour. */
@ApiTags('Logout: end_session')
@Controller('session/signed-out/:token')
@UseFilters(PageErrorFilter)
export class SignedOutController {
  constructor(
    private readonly progress: SignedOutProgress,
    private readonly sessions: SessionsService,
    private readonly streams: LiveStreams,
    private readonly edge: HttpEdge,
  ) {}

  @Get()
  @HttpCode(200)
  @ApiOperation({
    summary: 'See how a logout stands',
    description: 'The link on the signed-out page, for browsers without JavaScript. It lapses after 15 minutes.',
  })
  @ApiPage(200, 'Each application with its state; without them when the address has lapsed.')
  @ApiSeeOther('To the front page, when the address has lapsed and somebody is signed in.')
  @ApiPage(503, 'Storage is away.')
  async show(@Param('token') token: string, @Cookies() cookies: CookieJar, @Res() response: Response): Promise<void> {
    const followed = this.progress.open(token);
    if (followed === undefined) return this.lapsed(cookies, response);
    const page = await this.progress.page(followed);
    const follows = page.applications.some(({ state }) => state === 'pending');
    const nonce = this.edge.newNonce();
    const html = renderSignedOutPage({ ...page, nonce, ...(follows ? { live: this.progress.viewOf(token) } : {}) });
    this.edge.page(response, html, { nonce, live: follows });
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

  private async lapsed(cookies: CookieJar, response: Response): Promise<void> {
    // Somebody is signed in: the page must not say otherwise.
    if ((await this.sessions.findByCookie(this.edge.cookie(cookies, 'session'))) !== undefined)
      return this.edge.redirect(response, '/');
    const nonce = this.edge.newNonce();
    this.edge.page(response, renderSignedOutPage({ nonce, alreadySignedOut: true, applications: [] }), { nonce });
  }
}
