import { Inject, Injectable } from '@nestjs/common';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { Clock } from '../../platform/clock/clock.js';
import { JwtVerifier } from '../../platform/keys/jwt-verifier.js';
import { AccessTokensService } from './access-tokens.service.js';
import { IssuedTokenRepository } from './issued-token.repository.js';
import { Tokens } from './tokens.js';

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
    private readonly tokens: Tokens,
    private readonly accessTokens: AccessTokensService,
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
    const identified = this.tokens.identify(token);
    return identified.kind === 'jwt' ? this.jwtHint(identified.jwt) : this.opaqueHint(identified.hash);
  }

  private async jwtHint(token: string): Promise<TokenHint | undefined> {
    const read = await this.accessTokens.readHint(token);
    const { grant, client_id: clientId, sub, sid, jti, exp } = read?.claims ?? {};
    if (grant === undefined || clientId === undefined || sub === undefined || jti === undefined || exp === undefined)
      return undefined;
    const issued = await this.issuedTokens.ofGrant(grant, jti, new Date(exp * 1000));
    if (issued?.revoked === true) return undefined;
    return { clientId, sub, sid, expired: read?.vouchedFor !== true || issued?.alive !== true };
  }

  private async opaqueHint(tokenHash: Buffer): Promise<TokenHint | undefined> {
    const issued = await this.issuedTokens.opaque(tokenHash, undefined);
    if (issued?.grant === undefined || issued.revoked) return undefined;
    const { clientId, accountId: sub, sid } = issued.grant;
    return { clientId, sub, sid: sid ?? undefined, expired: !issued.alive };
  }
}
