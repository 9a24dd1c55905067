import { Get, HttpCode, Param, Query, UsePipes } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { UpstreamsService } from '../../../domain/upstreams/upstreams.service.js';
import { PATHS } from '../../../platform/oidc/endpoints.js';
import { NotFoundError } from '../../../platform/oidc/errors.js';
import { appendQuery } from '../../../platform/oidc/redirect-uri.js';
import { ApiPage, ApiSeeOther } from '../../kit/api-errors.js';
import { CurrentBrowser, type Browser } from '../../kit/browser.js';
import { page, redirect, type HttpResponse } from '../../kit/http-response.js';
import { PageController } from '../../kit/page-controller.js';
import { OAuthParametersPipe } from '../../kit/parameters.pipe.js';
import { renderSignedOutPage } from '../../pages/pages.js';
import { UpstreamReturnDto } from './dto/end-session.dto.js';
import { FederatedLogout } from './federated-logout.service.js';
import { TAG } from './vocabulary.js';

/** Where another provider sends the browser back to after its own logout. Ends nothing: that was done before. */
@ApiTags(TAG)
@PageController(`${PATHS.upstreams}/:name/signed-out`)
@UsePipes(OAuthParametersPipe)
export class UpstreamReturnController {
  constructor(
    private readonly upstreams: UpstreamsService,
    private readonly federated: FederatedLogout,
  ) {}

  @Get()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Come back from another provider’s logout',
    description: 'Register this address as a post-logout redirect URI at the provider.',
  })
  @ApiPage(200, 'Signed out here, and back from there.')
  @ApiSeeOther('To the application that asked for the logout; or to our own pages when a person is signed in.')
  @ApiPage(404, 'There is no such provider.')
  async show(
    @Param('name') name: string,
    @Query() query: UpstreamReturnDto,
    @CurrentBrowser() browser: Browser,
  ): Promise<HttpResponse> {
    const upstream = await this.upstreams.find(name);
    if (upstream === undefined) throw new NotFoundError('There is no such provider.');
    const { redirectUri, state, linkTo } = this.federated.returned(name, query.state);
    const back = redirectUri === undefined ? undefined : appendQuery(redirectUri, [['state', state]]);
    if (back !== undefined && linkTo === undefined) return redirect(back);
    // A person is signed in: the page must not say otherwise.
    if ((await browser.session()) !== undefined) return redirect(PATHS.home);
    return page(renderSignedOutPage, {
      alreadySignedOut: true,
      applications: [],
      returnedFromUpstream: upstream.displayName,
      ...(back === undefined || linkTo === undefined ? {} : { continueTo: { url: back, clientName: linkTo } }),
    });
  }
}
