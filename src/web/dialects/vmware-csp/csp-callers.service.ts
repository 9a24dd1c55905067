import { Injectable } from '@nestjs/common';
import { ClientsService } from '../../../domain/clients/clients.service.js';
import type { SignedInSession } from '../../../domain/sessions/session.js';
import { SessionsService } from '../../../domain/sessions/sessions.service.js';
import { HintVerifier } from '../../../domain/tokens/hint-verifier.js';
import { IdTokenIssuer } from '../../../domain/tokens/id-token.issuer.js';
import { Tokens } from '../../../domain/tokens/tokens.js';
import { UpstreamLogout } from '../../../domain/upstreams/upstream-logout.service.js';
import { CspError } from './csp-error.js';
import {
  checkSamePerson,
  type CookieSession,
  type CspCaller,
  type CspLogoutRequest,
  type VerifiedIdToken,
} from './vmware-csp.mapper.js';

/** Says who asks for a CSP logout, as far as an ID token and the cookie prove it. Reads only. */
@Injectable()
export class CspCallers {
  constructor(
    private readonly hints: HintVerifier,
    private readonly tokens: Tokens,
    private readonly idTokens: IdTokenIssuer,
    private readonly clients: ClientsService,
    private readonly sessions: SessionsService,
    private readonly upstreamLogout: UpstreamLogout,
  ) {}

  /**
   * @param cookie the session cookie, where it may be believed
   * @throws CspError when the ID token is not good, or is about another person than the cookie's
   */
  async identify(request: CspLogoutRequest, cookie: string | undefined): Promise<CspCaller> {
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
    const { accountId, clientId, sub, sid, jti, live } = active;
    // A hint for the URL: the access token itself is dead when the browser gets there.
    const idToken =
      live === undefined ? undefined : await this.idTokens.issue(client, { ...live.grant, sid: sid ?? null }, {});
    return {
      issuer: 'own',
      token: idToken,
      hint: { clientId, sub, sid, expired: false },
      client,
      accessToken: { accountId, jti, expiresAt: new Date(active.expiresAt * 1000) },
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
    { id: sessionId, accountId, upstreamId }: SignedInSession,
    idToken: VerifiedIdToken | undefined,
  ): Promise<CookieSession['upstream']> {
    const kept = upstreamId === undefined ? undefined : await this.upstreamLogout.ofSession({ accountId, sessionId });
    if (kept === undefined) return undefined;
    // The person it is about matters only beside another ID token of the same provider.
    const compared = idToken?.issuer === 'upstream' && kept.idToken !== undefined;
    const sub = compared ? (await this.upstreamLogout.verifyIdToken(kept.idToken))?.sub : undefined;
    return { name: kept.upstream.name, idToken: kept.idToken, sub };
  }
}
