import { Injectable } from '@nestjs/common';
import type { Client } from '../../../domain/clients/client.js';
import { LogoutService } from '../../../domain/logout/command/logout.service.js';
import { IssuedTokensService, type IssuedRefreshToken } from '../../../domain/tokens/issued-tokens.service.js';
import { RealmLogout } from './realm-logout.service.js';
import { foreignRefreshToken } from './elasticsearch-error.js';
import { tokensToLogOut, toLogoutCommand, type OidcLogoutRequest } from './oidc.mapper.js';

/**
 * Logout by tokens: every check, then the answer, then one transaction. In the original a bad access token still costs
 * the caller its refresh token.
 */
@Injectable()
export class OidcLogoutService {
  constructor(
    private readonly issued: IssuedTokensService,
    private readonly logoutService: LogoutService,
    private readonly realmLogout: RealmLogout,
  ) {}

  /**
   * Ends the person's session for every application, and answers where the browser may sign out at the provider too.
   * The facilitator's own refresh token ends with the session whether it was sent or not, unless the person granted
   * offline access. Repeating it is safe and answers the same.
   *
   * @throws ElasticsearchError, UnknownRealmError before anything is written
   */
  async logout(facilitator: Client, request: OidcLogoutRequest): Promise<string | null> {
    const refresh = await this.findRefreshToken(facilitator, request.refreshToken);
    const { access, grant } = tokensToLogOut(await this.issued.findAccessToken(facilitator, request.token), refresh);
    // Before the end, so that once it is committed nothing is left that could fail.
    const redirect = await this.realmLogout.redirect(facilitator, grant);
    await this.logoutService.logout(toLogoutCommand(facilitator.clientId, grant), {
      before: (tx) => this.issued.releaseForLogout(tx, access, refresh),
    });
    return redirect;
  }

  /** Unknown ones are ignored. One that was used or invalidated still says which grant is meant. */
  private async findRefreshToken(
    facilitator: Client,
    token: string | undefined,
  ): Promise<IssuedRefreshToken | undefined> {
    if (token === undefined) return undefined;
    const refresh = await this.issued.findRefreshToken(facilitator, token);
    if (refresh === undefined && (await this.issued.isRefreshTokenOfAnotherClient(facilitator, token)))
      throw foreignRefreshToken();
    return refresh;
  }
}
