import { Controller, Cookies, Get, HttpCode, Param, Query, Res, UseFilters, UsePipes } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiPage, ApiSeeOther } from '../../kit/api-errors.js';
import { HttpEdge, type Cookies as CookieJar, type Response } from '../../kit/http-edge.js';
import { PageErrorFilter } from '../../kit/page-error.filter.js';
import { OAuthParametersPipe } from '../../kit/parameters.pipe.js';
import { NotFoundError } from '../../../platform/oidc/errors.js';
import { appendQuery } from '../../../platform/oidc/redirect-uri.js';
import { renderSignedOutPage } from '../../pages/pages.js';
import { SessionsService } from '../../../domain/sessions/sessions.service.js';
import { UpstreamsService } from '../../../domain/upstreams/upstreams.service.js';
import { UpstreamReturnDto } from './dto/end-session.dto.js';
import { UpstreamLeg } from './upstream-leg.js';
import { TAG } from './vocabulary.js';

/** Where another provider sends the browser back to after its own logout. Ends nothing: that was done before. */
@ApiTags(TAG)
@Controller('upstreams/:name/signed-out')
@UseFilters(PageErrorFilter)
@UsePipes(OAuthParametersPipe)
export class UpstreamReturnController {
  constructor(
    private readonly upstreams: UpstreamsService,
    private readonly leg: UpstreamLeg,
    private readonly sessions: SessionsService,
    private readonly edge: HttpEdge,
  ) {}

  @Get()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Come back from another provider’s logout',
    description: 'Register this address as a post-logout redirect URI at the provider.',
  })
  @ApiPage(200, 'Signed out here, and back from there.')
  @ApiSeeOther('On to the application that asked for the logout; or to our own pages when somebody is signed in.')
  @ApiPage(404, 'There is no such provider.')
  async show(
    @Param('name') name: string,
    @Query() query: UpstreamReturnDto,
    @Cookies() cookies: CookieJar,
    @Res() response: Response,
  ): Promise<void> {
    const upstream = await this.upstreams.find(name);
    if (upstream === undefined) throw new NotFoundError('There is no such provider.');
    const { redirectUri, state, linkTo } = this.leg.returned(name, query.state);
    const back = redirectUri === undefined ? undefined : appendQuery(redirectUri, [['state', state]]);
    if (back !== undefined && linkTo === undefined) return this.edge.redirect(response, back);
    // Somebody is signed in: the page must not say otherwise.
    if ((await this.sessions.findByCookie(this.edge.cookie(cookies, 'session'))) !== undefined)
      return this.edge.redirect(response, '/');
    const nonce = this.edge.newNonce();
    const html = renderSignedOutPage({
      nonce,
      alreadySignedOut: true,
      applications: [],
      returnedFromUpstream: upstream.displayName,
      ...(back === undefined || linkTo === undefined ? {} : { continueTo: { url: back, clientName: linkTo } }),
    });
    this.edge.page(response, html, { nonce });
  }
}
