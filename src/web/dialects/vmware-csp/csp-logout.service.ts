import type { DeniableToken } from '../../../domain/tokens/issued-tokens.service.js';
import { Inject, Injectable } from '@nestjs/common';
import type { LogoutCommand } from '../../../domain/logout/command/logout.js';
import { LogoutService } from '../../../domain/logout/command/logout.service.js';
import { IssuedTokensService } from '../../../domain/tokens/issued-tokens.service.js';
import { logoutHintOf } from '../../../domain/upstreams/upstream-logout.service.js';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { endSessionUrl } from '../../../platform/oidc/end-session-url.js';
import { CspCallers } from './csp-callers.service.js';
import { IdentityProviders } from './identity-providers.service.js';
import {
  accessTokenOf,
  idTokenHint,
  registeredRedirectUri,
  toLogoutCommand,
  type CspLogoutRequest,
} from './vmware-csp.mapper.js';

/** What a request came to, with every check behind it and nothing written yet. */
interface PreparedLogout {
  readonly url: string;
  /** What is to end before the URL is handed out; undefined: nothing. */
  readonly command: LogoutCommand | undefined;
  /** The access token that was sent, to be revoked with it. */
  readonly accessToken: DeniableToken | undefined;
}

/** What a CSP logout came to. The end is committed. */
export interface CspLogout {
  /** Where the person signs out at the identity provider. */
  readonly url: string;
  /** The session of the cookie ended by it. */
  readonly endedCookie: boolean;
}

/** Carries out CSP logouts: every check, then one write, then the URL, so that a refusal has changed nothing. */
@Injectable()
export class CspLogoutService {
  constructor(
    private readonly callers: CspCallers,
    private readonly providers: IdentityProviders,
    private readonly logoutService: LogoutService,
    private readonly issued: IssuedTokensService,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /**
   * @param cookie the session cookie, where it may be believed
   * @throws CspError before anything is written
   */
  async logout(request: CspLogoutRequest, cookie: string | undefined): Promise<CspLogout> {
    const { url, command, accessToken } = await this.prepare(request, cookie);
    if (command !== undefined) {
      // The token that was sent ends too, where it does not hang on the session alone.
      await this.logoutService.logout(
        command,
        accessToken && { before: (tx) => this.issued.revokeAccessToken(accessToken, tx) },
      );
    } else if (accessToken !== undefined) await this.issued.revokeAccessToken(accessToken);
    return { url, endedCookie: command?.target.kind === 'cookie' };
  }

  /**
   * @param cookie the session cookie, where it may be believed
   * @throws CspError in this order (docs/wire/vmware-csp.md#behaviour): ID token, person, organization, identity
   * provider, redirect URI
   */
  private async prepare(request: CspLogoutRequest, cookie: string | undefined): Promise<PreparedLogout> {
    const caller = await this.callers.identify(request, cookie);
    const { upstream, endSessionEndpoint } = await this.providers.of(request, caller);
    const postLogoutRedirectUri = registeredRedirectUri(request, caller.idToken);
    const hint = idTokenHint(upstream, caller);
    const own = caller.idToken?.issuer === 'own' ? caller.idToken.client.clientId : undefined;
    return {
      url: endSessionUrl(endSessionEndpoint, {
        idTokenHint: hint,
        clientId: upstream?.clientId ?? own,
        logoutHint: upstream === undefined ? undefined : logoutHintOf(hint),
        postLogoutRedirectUri,
        // Without a way back there is nowhere to send it (docs/wire/vmware-csp.md#the-url).
        state: postLogoutRedirectUri === undefined ? undefined : request.state,
      }),
      command: this.settings.cspLogoutEndsSession ? toLogoutCommand(caller) : undefined,
      accessToken: this.settings.cspLogoutEndsSession ? accessTokenOf(caller) : undefined,
    };
  }
}
