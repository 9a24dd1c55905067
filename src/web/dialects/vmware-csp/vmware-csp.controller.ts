import {
  All,
  Body,
  Controller,
  Cookies,
  Headers,
  HttpCode,
  Inject,
  Ip,
  Options,
  Post,
  Query,
  Res,
  UseFilters,
  UseGuards,
} from '@nestjs/common';
import { ApiExcludeEndpoint, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { ApiSeeOther } from '../../kit/api-errors.js';
import { HttpEdge, type Cookies as CookieJar, type Response } from '../../kit/http-edge.js';
import { OAuthParametersPipe } from '../../kit/parameters.pipe.js';
import { LogoutService } from '../../../domain/logout/command/logout.service.js';
import type { AddressLimiter } from '../../../platform/rate-limits/address-limiter.js';
import { RateLimits } from '../../../platform/rate-limits/rate-limits.js';
import { IssuedTokensService } from '../../../domain/tokens/issued-tokens.service.js';
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
export class VmwareCspController {
  private readonly limiter: AddressLimiter;

  constructor(
    private readonly logoutService: LogoutService,
    private readonly cspLogout: CspLogoutService,
    private readonly issued: IssuedTokensService,
    private readonly edge: HttpEdge,
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
    @Cookies() cookies: CookieJar,
    @Headers('sec-fetch-site') fetchSite: string | undefined,
    @Ip() address: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<UrlResponseDto> {
    const cookie = this.believedCookie(cookies, fetchSite);
    return { url: await this.end(toCspLogoutRequest(query, body), cookie, address, response) };
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
    @Cookies() cookies: CookieJar,
    @Headers('sec-fetch-site') fetchSite: string | undefined,
    @Ip() address: string,
    @Res() response: Response,
  ): Promise<void> {
    const cookie = this.believedCookie(cookies, fetchSite);
    this.edge.redirect(response, await this.end(toCspLogoutRequest(query, body), cookie, address, response));
  }

  /** Whose origin it is was looked up by {@link CspCorsGuard}. */
  @Options(['auth/logout', 'v2/auth/logout'])
  @ApiExcludeEndpoint()
  preflight(@Headers('origin') origin: string | undefined, @Res() response: Response): void {
    if (origin === undefined) throw new CspError('METHOD_NOT_ALLOWED');
    this.edge.empty(response, 204);
  }

  @All(['auth/logout', 'v2/auth/logout'])
  @ApiExcludeEndpoint()
  otherMethods(): never {
    throw new CspError('METHOD_NOT_ALLOWED');
  }

  /** The URL. When this returns, the end is committed. */
  private async end(
    request: CspLogoutRequest,
    cookie: string | undefined,
    address: string,
    response: Response,
  ): Promise<string> {
    this.edge.noStore(response);
    const secondsToWait = await this.limiter.consume(address);
    if (secondsToWait !== undefined) throw new CspError('TOO_MANY_REQUESTS', secondsToWait);
    const { url, command, accessToken } = await this.cspLogout.prepare(request, cookie);
    if (command !== undefined) {
      // The token that was sent ends too, where it does not hang on the session alone.
      await this.logoutService.logout(
        command,
        accessToken && { before: (tx) => this.issued.revokeAccessToken(accessToken, tx) },
      );
      if (command.target.kind === 'cookie') this.edge.clearCookie(response, 'session');
    } else if (accessToken !== undefined) await this.issued.revokeAccessToken(accessToken);
    return url;
  }

  /**
   * `SameSite=Lax` keeps the cookie out of other sites' requests; a cookie that a browser sends all the same is not
   * read.
   */
  private believedCookie(cookies: CookieJar, fetchSite: string | undefined): string | undefined {
    return fetchSite === 'cross-site' ? undefined : this.edge.cookie(cookies, 'session');
  }
}
