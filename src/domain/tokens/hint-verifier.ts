import { Inject, Injectable } from '@nestjs/common';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { Clock } from '../../platform/clock/clock.js';
import { JwtVerifier } from '../../platform/keys/jwt-verifier.js';
import { AccessTokenReader } from './access-token-reader.js';
import { IssuedTokenRepository } from './issued-token.repository.js';
import { PresentedTokens } from './presented-tokens.js';

/** A verified hint: who it was issued to, about whom, in which session as that client knows it. */
export interface TokenHint {
  readonly clientId: string;
  readonly sub: string;
  readonly sid: string | undefined;
  /**
   * Past its time, or, of an access token, its session is over: it still names who it was issued to, but its sender may
   * have found it.
   */
  readonly expired: boolean;
}

/**
 * Verifies tokens that come back as hints. An ID token may have expired long ago: it names a client and a session, it
 * proves nothing about who is there (RP-Initiated Logout 1.0 §2).
 */
@Injectable()
export class HintVerifier {
  constructor(
    private readonly verifier: JwtVerifier,
    private readonly presented: PresentedTokens,
    private readonly reader: AccessTokenReader,
    private readonly issuedTokens: IssuedTokenRepository,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /**
   * Undefined for anything that is not an ID token that we issued: other issuer, bad signature, `none`, access token.
   */
  async idTokenHint(token: string): Promise<TokenHint | undefined> {
    const claims = (await this.verifier.verify(token, 'JWT'))?.claims;
    if (claims?.iss !== this.settings.issuer || typeof claims.sub !== 'string' || typeof claims.aud !== 'string')
      return undefined;
    return {
      clientId: claims.aud,
      sub: claims.sub,
      sid: typeof claims.sid === 'string' ? claims.sid : undefined,
      expired: (claims.exp ?? 0) <= this.clock.seconds(),
    };
  }

  /**
   * An access token of a session that is or was. It is "previously issued" as an ID token is, so one that has expired still
   * names the application; one that was revoked, and one that stands for no session, counts as not sent. One round trip.
   */
  async accessTokenHint(token: string): Promise<TokenHint | undefined> {
    const identified = await this.presented.identify(token);
    if (identified.kind === 'jwt') return this.jwtHint(identified.jwt);
    return identified.kind === 'access_token' ? this.opaqueHint(identified.accountId, identified.hash) : undefined;
  }

  private async jwtHint(token: string): Promise<TokenHint | undefined> {
    const read = await this.reader.readHint(token);
    if (read?.token.grant === undefined) return undefined;
    const { client_id: clientId, sub, sid, jti, exp } = read.token.claims;
    const issued = await this.issuedTokens.ofGrant(read.token.grant, jti, new Date(exp * 1000));
    if (issued?.revoked === true || (await this.reader.wasDeniedBefore(read.token))) return undefined;
    return { clientId, sub, sid, expired: !read.vouchedFor || issued?.alive !== true };
  }

  private async opaqueHint(accountId: string, tokenHash: Buffer): Promise<TokenHint | undefined> {
    const issued = await this.issuedTokens.opaque(accountId, tokenHash, undefined);
    if (issued?.grant === undefined || issued.revoked) return undefined;
    const { clientId, sid } = issued.grant;
    return { clientId, sub: accountId, sid: sid ?? undefined, expired: !issued.alive };
  }
}
