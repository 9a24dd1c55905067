import { Inject, Injectable } from '@nestjs/common';
import type { Client } from '../../../domain/clients/client.js';
import type { Grant } from '../../../domain/tokens/grant.js';
import { IdTokenIssuer } from '../../../domain/tokens/id-token.issuer.js';
import { logoutHintOf, UpstreamLogout } from '../../../domain/upstreams/upstream-logout.service.js';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { endSessionUrl, type EndSessionParameters } from '../../../platform/oidc/end-session-url.js';
import { PATHS } from '../../../platform/oidc/endpoints.js';
import { newSecret } from '../../../platform/oidc/secret.js';
import { Realms } from './realms.service.js';

/** The logout at the realm that a person came by. */
@Injectable()
export class RealmLogout {
  constructor(
    private readonly realms: Realms,
    private readonly upstreamLogout: UpstreamLogout,
    private readonly idTokens: IdTokenIssuer,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /**
   * Where the browser goes to sign out at the realm too. Null when the realm has no end-session endpoint, or nothing is
   * left to name the person by.
   * @throws UnknownRealmError when the realm was removed
   */
  async redirect(facilitator: Client, grant: Grant): Promise<string | null> {
    if (grant.upstream === null) return this.ownLogoutUrl(facilitator, grant);
    const kept =
      grant.sessionId === null
        ? undefined
        : await this.upstreamLogout.ofSession({ accountId: grant.accountId, sessionId: grant.sessionId });
    if (kept === undefined) {
      await this.realms.mustExist(grant.upstream);
      return null;
    }
    // The one that issued the ID token, not the one that has the realm's name now: an upstream may be renamed, and
    // another one be given its name.
    const { upstream, idToken } = kept;
    const endpoint = await this.upstreamLogout.endSessionEndpoint(upstream);
    if (endpoint === undefined || idToken === undefined) return null;
    const whom = { idTokenHint: idToken, clientId: upstream.clientId, logoutHint: logoutHintOf(idToken) };
    return logoutUrl(endpoint, whom, upstream.postLogoutRedirectUri);
  }

  private async ownLogoutUrl(facilitator: Client, grant: Grant): Promise<string> {
    // Made now, as the refresh made new ones all along: it names the client and the session, which is all a hint does.
    const idToken = await this.idTokens.issue(facilitator, grant, {});
    const [registered] = facilitator.metadata.post_logout_redirect_uris;
    const whom = { idTokenHint: idToken, clientId: facilitator.clientId };
    return logoutUrl(`${this.settings.issuer}${PATHS.endSession}`, whom, registered);
  }
}

/**
 * URL with a fresh state, which cannot be checked later, as in the original; without a URI to come back to there is
 * none.
 */
function logoutUrl(endpoint: string, whom: EndSessionParameters, postLogoutRedirectUri: string | undefined): string {
  return endSessionUrl(
    endpoint,
    postLogoutRedirectUri === undefined ? whom : { ...whom, postLogoutRedirectUri, state: newSecret() },
  );
}
