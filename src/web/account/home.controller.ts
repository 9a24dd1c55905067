import { Get, HttpCode, Inject } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { PATHS } from '../../platform/oidc/endpoints.js';
import { ApiPage } from '../kit/api-errors.js';
import { type Browser, CurrentBrowser } from '../kit/browser.js';
import { page, type HttpResponse } from '../kit/http-response.js';
import { PageController } from '../kit/page-controller.js';
import { renderHomePage } from '../pages/pages.js';
import { accountView } from '../pages/session-view.js';

@ApiTags('Own sessions')
@PageController()
export class HomeController {
  constructor(@Inject(SETTINGS) private readonly settings: Settings) {}

  @Get()
  @HttpCode(200)
  @ApiOperation({ summary: 'What this service is' })
  @ApiPage(200, 'A page for a person who opens the service.')
  async home(@CurrentBrowser() browser: Browser): Promise<HttpResponse<string>> {
    const session = await browser.session();
    return page(renderHomePage, {
      issuer: this.settings.issuer,
      docsUrl: this.settings.docs ? PATHS.docs : undefined,
      sessionsUrl: PATHS.sessions,
      signedInAs: session && accountView(session),
    });
  }
}
