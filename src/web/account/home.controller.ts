import { Controller, Cookies, Get, HttpCode, Inject, Res, UseFilters } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { ApiPage } from '../kit/api-errors.js';
import { HttpEdge, type Cookies as CookieJar, type Response } from '../kit/http-edge.js';
import { PageErrorFilter } from '../kit/page-error.filter.js';
import { renderHomePage } from '../pages/pages.js';
import { accountView } from '../pages/session-view.js';
import { SessionsService } from '../../domain/sessions/sessions.service.js';

@ApiTags('Own sessions')
@Controller()
@UseFilters(PageErrorFilter)
export class HomeController {
  constructor(
    private readonly sessions: SessionsService,
    private readonly edge: HttpEdge,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  @Get()
  @HttpCode(200)
  @ApiOperation({ summary: 'What this service is' })
  @ApiPage(200, 'A page for a person who opens the service.')
  async home(@Cookies() cookies: CookieJar, @Res() response: Response): Promise<void> {
    const session = await this.sessions.findByCookie(this.edge.cookie(cookies, 'session'));
    const nonce = this.edge.newNonce();
    const html = renderHomePage({
      nonce,
      issuer: this.settings.issuer,
      ...(this.settings.docs ? { docsUrl: '/docs' } : {}),
      sessionsUrl: '/account/sessions',
      ...(session === undefined ? {} : { signedInAs: accountView(session) }),
    });
    this.edge.page(response, html, { nonce });
  }
}
