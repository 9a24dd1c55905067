import { Inject, Injectable } from '@nestjs/common';
import { ClientsService } from '../../../domain/clients/clients.service.js';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import type { LogoutCommand } from '../../../domain/logout/command/logout.js';
import { endSessionUrl } from '../../../platform/oidc/end-session-url.js';
import { SessionsService } from '../../../domain/sessions/sessions.service.js';
import { Tokens } from '../../../domain/tokens/tokens.js';
import { HintVerifier } from '../../../domain/tokens/hint-verifier.js';
import { IdTokenIssuer } from '../../../domain/tokens/id-token.issuer.js';
import { OrganizationsService, type Organization } from '../../../domain/upstreams/organizations.service.js';
import { logoutHintOf, UpstreamLogout } from '../../../domain/upstreams/upstream-logout.service.js';
import { isOpenTo, type Upstream } from '../../../domain/upstreams/upstream.js';
import { UpstreamsService } from '../../../domain/upstreams/upstreams.service.js';
import { CspError } from './csp-error.js';
import {
  accessTokenOf,
  checkFederated,
  checkSamePerson,
  idTokenHint,
  registeredRedirectUri,
  requestedOrgId,
  toLogoutCommand,
  type CookieSession,
  type CspCaller,
  type CspLogoutRequest,
  type VerifiedIdToken,
} from './vmware-csp.mapper.js';
import { NAME } from './vocabulary.js';

/** What a request came to, with every check behind it and nothing written yet. */
export interface PreparedLogout {
  readonly url: string;
  /** What is to end before the URL is handed out; undefined: nothing. */
  readonly command: LogoutCommand | undefined;
  /** The access token that was sent, to be revoked with it. */
  readonly accessToken: { readonly jti: string; readonly expiresAt: Date } | undefined;
}

/** `upstream` is undefined where we are the identity provider ourselves. */
interface IdentityProvider {
  readonly upstream: Upstream | undefined;
  readonly endSessionEndpoint: string;
}

/**
 * Works out a CSP logout: who asks, which identity provider is meant, where the browser goes. Reads only, so that
 * whatever is refused has changed nothing.
 */
@Injectable()
export class CspLogoutService {
  constructor(
    private readonly hints: HintVerifier,
    private readonly tokens: Tokens,
    private readonly idTokens: IdTokenIssuer,
    private readonly clients: ClientsService,
    private readonly sessions: SessionsService,
    private readonly organizations: OrganizationsService,
    private readonly upstreams: UpstreamsService,
    private readonly upstreamLogout: UpstreamLogout,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /**
   * @param cookie the session cookie, where it may be believed
   * @throws CspError in this order (docs/wire/vmware-csp.md#behaviour): ID token, person, organization, identity
   * provider, redirect URI
   */
  async prepare(request: CspLogoutRequest, cookie: string | undefined): Promise<PreparedLogout> {
    const caller = await this.identify(request, cookie);
    const { upstream, endSessionEndpoint } = await this.identityProvider(request, caller);
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

  private async identify(request: CspLogoutRequest, cookie: string | undefined): Promise<CspCaller> {
    const idToken = request.idToken === undefined ? undefined : await this.verifyIdToken(request.idToken);
    const caller = { idToken, session: await this.findSession(cookie, idToken) };
    checkSamePerson(caller);
    return caller;
  }

  /** Ours, else one that another provider issued to us. It may have expired: it only says who is meant. */
  private async verifyIdToken(token: string): Promise<VerifiedIdToken> {
    const hint = await this.hints.idTokenHint(token);
    if (hint !== undefined) {
      const client = await this.clients.find(hint.clientId);
      if (client === undefined) throw new CspError('CLIENT_NOT_FOUND');
      return { issuer: 'own', token, hint, client };
    }
    const own = await this.verifyAccessToken(token);
    if (own !== undefined) return own;
    const foreign = await this.upstreamLogout.verifyIdToken(token);
    if (foreign === undefined) throw new CspError('ID_TOKEN_INVALID');
    return { issuer: 'upstream', token, upstream: foreign.upstream, sub: foreign.sub };
  }

  /** A script that signs out has an access token and nothing else. The holder of a live one may end what it is for. */
  private async verifyAccessToken(token: string): Promise<VerifiedIdToken | undefined> {
    const active = await this.tokens.findAccessToken(token);
    const client = active === undefined ? undefined : await this.clients.findEnabled(active.clientId);
    if (active === undefined || client === undefined) return undefined;
    const { clientId, sub, sid, jti, live } = active;
    // A hint for the URL: the access token itself is dead when the browser gets there.
    const idToken =
      live === undefined ? undefined : await this.idTokens.issue(client, { ...live.grant, sid: sid ?? null }, {});
    return {
      issuer: 'own',
      token: idToken,
      hint: { clientId, sub, sid, expired: false },
      client,
      accessToken: { jti, expiresAt: new Date(active.expiresAt * 1000) },
    };
  }

  private async findSession(
    cookie: string | undefined,
    idToken: VerifiedIdToken | undefined,
  ): Promise<CookieSession | undefined> {
    const session = await this.sessions.findByCookie(cookie);
    if (cookie === undefined || session === undefined) return undefined;
    return { id: session.id, accountId: session.accountId, cookie, upstream: await this.kept(session, idToken) };
  }

  private async kept(
    session: { readonly id: string; readonly upstreamId: string | undefined },
    idToken: VerifiedIdToken | undefined,
  ): Promise<CookieSession['upstream']> {
    const kept = session.upstreamId === undefined ? undefined : await this.upstreamLogout.ofSession(session.id);
    if (kept === undefined) return undefined;
    // The person it is about matters only beside another ID token of the same provider.
    const compared = idToken?.issuer === 'upstream' && kept.idToken !== undefined;
    const sub = compared ? (await this.upstreamLogout.verifyIdToken(kept.idToken))?.sub : undefined;
    return { name: kept.upstream.name, idToken: kept.idToken, sub };
  }

  /**
   * The organization's; without one, that of the ID token, of the session that the cookie proves, of the default
   * organization (docs/wire/vmware-csp.md#organization).
   */
  private async identityProvider(
    request: CspLogoutRequest,
    { idToken, session }: CspCaller,
  ): Promise<IdentityProvider> {
    const org = await this.findOrganization(request);
    if (org !== undefined) checkFederated(org, idToken);
    if (idToken?.issuer === 'upstream') return this.usable(idToken.upstream);
    if (org === undefined && session?.upstream !== undefined) {
      const found = await this.findUsable(await this.upstreams.find(session.upstream.name));
      // One that cannot be used is no reason to strand the person.
      if (found !== undefined) return found;
    }
    const { upstream } = org ?? (await this.organizations.default());
    if (upstream === undefined)
      return { upstream: undefined, endSessionEndpoint: `${this.settings.issuer}/session/end_session` };
    return this.usable(await this.upstreams.find(upstream));
  }

  private async findOrganization(request: CspLogoutRequest): Promise<Organization | undefined> {
    const orgId = requestedOrgId(request);
    if (orgId === undefined) return undefined;
    const org = await this.organizations.find(orgId);
    if (org === undefined) throw new CspError('ORG_NOT_FOUND');
    return org;
  }

  private async usable(upstream: Upstream | undefined): Promise<IdentityProvider> {
    const found = await this.findUsable(upstream);
    if (found === undefined) throw new CspError('IDP_NOT_FOUND');
    return found;
  }

  private async findUsable(upstream: Upstream | undefined): Promise<IdentityProvider | undefined> {
    if (upstream === undefined || !isOpenTo(upstream, NAME)) return undefined;
    const endSessionEndpoint = await this.upstreamLogout.endSessionEndpoint(upstream);
    return endSessionEndpoint === undefined ? undefined : { upstream, endSessionEndpoint };
  }
}
