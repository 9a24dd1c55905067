import { Inject, Injectable } from '@nestjs/common';
import { SETTINGS, type Settings } from '../config/settings.js';
import { Clock } from '../database/clock.js';
import { JwtVerifier } from '../keys/jwt-verifier.js';
import { AccessTokensService } from './access-tokens.service.js';

/** A verified hint: who it was issued to, about whom, in which session as that client knows it. */
export interface TokenHint {
  readonly clientId: string;
  readonly sub: string;
  readonly sid: string | undefined;
  /** Past its `exp`: it still names who it was issued to, but whoever shows it may have found it. */
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
    private readonly accessTokens: AccessTokensService,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** Undefined for anything that is not an ID token of ours: other issuer, bad signature, `none`, access token. */
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

  /** A hint that is unknown, expired or revoked counts as not sent (wire.md C.2). One round trip. */
  async accessTokenHint(token: string): Promise<TokenHint | undefined> {
    const active = await this.accessTokens.findActive(token);
    if (active?.live === undefined) return undefined;
    return { clientId: active.clientId, sub: active.sub, sid: active.sid, expired: false };
  }
}
