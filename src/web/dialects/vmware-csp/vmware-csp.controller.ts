import {
  All,
  Body,
  Controller,
  Headers,
  HttpCode,
  Inject,
  Ip,
  Options,
  Post,
  Query,
  UseFilters,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { ApiExcludeEndpoint, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { ApiSeeOther } from '../../kit/api-errors.js';
import { CurrentBrowser, type Browser } from '../../kit/browser.js';
import { empty, json, redirect, type HttpResponse } from '../../kit/http-response.js';
import { ResponseInterceptor } from '../../kit/response.interceptor.js';
import { OAuthParametersPipe } from '../../kit/parameters.pipe.js';
import type { AddressLimiter } from '../../../platform/rate-limits/address-limiter.js';
import { RateLimits } from '../../../platform/rate-limits/rate-limits.js';
import { ApiCspLogout } from './api-csp-logout.js';
import { CspCorsGuard } from './csp-cors.guard.js';
import { CspErrorFilter } from './csp-error.filter.js';
import { CspError } from './csp-error.js';
import { CspLogoutService } from './csp-logout.service.js';
import { CspLogoutQueryDto, CspLogoutV2QueryDto, IdTokenDto, UrlResponseDto } from './dto/csp-logout.dto.js';
import { IdTokenBodyPipe } from './id-token-body.pipe.js';
import { JsonBodyGuard } from './json-body.guard.js';
import { toCspLogoutRequest, type CspLogoutRequest } from './vmware-csp.mapper.js';
import { TAG } from './vocabulary.js';

/**
 * The VMware Cloud Services Platform's "get identity provider logout url" (docs/wire/vmware-csp.md).
 *
 * Decision: the answer is a URL at the identity provider, from our registry and never from the request
 * (docs/threat-model.md#host-header, docs/threat-model.md#logout-address-of-another); the session here ends before it
 * is handed out. Anybody may ask and `Authorization` is not looked at; what proves something is the cookie and the ID
 * token. All checks come before the one write, so a refusal changes nothing.
 *
 * @see [Get Identity Provider Logout Url Using POST](https://developer.vmware.com/apis/csp/csp-iam/latest/)
 */
@ApiTags(TAG)
@Controller('csp/gateway/am/api')
@UseFilters(CspErrorFilter)
@UseGuards(CspCorsGuard)
@UseInterceptors(ResponseInterceptor)
export class VmwareCspController {
  private readonly limiter: AddressLimiter;

  constructor(
    private readonly cspLogout: CspLogoutService,
    rateLimits: RateLimits,
    @Inject(SETTINGS) settings: Settings,
  ) {
    this.limiter = rateLimits.addressLimiter('csp_logout', settings.cspLogoutPerMinute, 60);
  }

  @Post('auth/logout')
  @HttpCode(200)
  @UseGuards(JsonBodyGuard)
  @ApiCspLogout({
    summary: 'Get Identity Provider Logout Url Using POST',
    description:
      'Returns the identity provider logout url as a redirect url. In order to log out there, an explicit redirect to this URL is needed. The session here has ended by then. Anonymous: `Authorization` is ignored.',
  })
  @ApiOkResponse({ type: UrlResponseDto, description: 'The logout URL of the identity provider.' })
  async logout(
    @Query(OAuthParametersPipe) query: CspLogoutQueryDto,
    @Body(IdTokenBodyPipe) body: IdTokenDto,
    @CurrentBrowser() browser: Browser,
    @Headers('sec-fetch-site') fetchSite: string | undefined,
    @Ip() address: string,
  ): Promise<HttpResponse<UrlResponseDto>> {
    const { url, after } = await this.end(toCspLogoutRequest(query, body), browser, fetchSite, address);
    return json({ url }).for(after);
  }

  @Post('v2/auth/logout')
  @HttpCode(303)
  @UseGuards(JsonBodyGuard)
  @ApiCspLogout({
    summary: 'Get Identity Provider Logout Url Using POST, by redirect',
    description:
      'As `/csp/gateway/am/api/auth/logout`, but answers with a redirect to the URL, and knows no `orgLink`. Anonymous: `Authorization` is ignored.',
  })
  @ApiSeeOther('The logout URL of the identity provider.')
  async logoutV2(
    @Query(OAuthParametersPipe) query: CspLogoutV2QueryDto,
    @Body(IdTokenBodyPipe) body: IdTokenDto,
    @CurrentBrowser() browser: Browser,
    @Headers('sec-fetch-site') fetchSite: string | undefined,
    @Ip() address: string,
  ): Promise<HttpResponse> {
    const { url, after } = await this.end(toCspLogoutRequest(query, body), browser, fetchSite, address);
    return redirect(url).for(after);
  }

  /** Whose origin it is was looked up by {@link CspCorsGuard}. */
  @Options(['auth/logout', 'v2/auth/logout'])
  @ApiExcludeEndpoint()
  preflight(@Headers('origin') origin: string | undefined): HttpResponse {
    if (origin === undefined) throw new CspError('METHOD_NOT_ALLOWED');
    return empty(204);
  }

  @All(['auth/logout', 'v2/auth/logout'])
  @ApiExcludeEndpoint()
  otherMethods(): never {
    throw new CspError('METHOD_NOT_ALLOWED');
  }

  /**
   * When this returns, the end is committed. `SameSite=Lax` keeps the cookie out of other sites' requests; one that a browser
   * sends all the same is not believed.
   */
  private async end(
    request: CspLogoutRequest,
    browser: Browser,
    fetchSite: string | undefined,
    address: string,
  ): Promise<{ readonly url: string; readonly after: Browser }> {
    const secondsToWait = await this.limiter.consume(address);
    if (secondsToWait !== undefined) throw new CspError('TOO_MANY_REQUESTS', secondsToWait);
    const cookie = fetchSite === 'cross-site' ? undefined : browser.cookie('session');
    const { url, endedCookie } = await this.cspLogout.logout(request, cookie);
    return { url, after: endedCookie ? browser.signedOut() : browser };
  }
}
