import { Injectable } from '@nestjs/common';
import { sha256 } from '../../platform/oidc/secret.js';
import { BeforeRouting } from './before-routing.js';
import { RefreshTokenForm, type PresentedRefreshToken } from './refresh-token-form.js';
import { TokenRouting, type PresentedCode } from './token-routing.js';

/** What the text of a token says of it. Whether it is one of this provider's is asked of its signature, or of storage. */
export type IdentifiedToken =
  | { readonly kind: 'jwt'; readonly jwt: string }
  /** An opaque access token: whose it is, and the hash that it is stored under. */
  | { readonly kind: 'access_token'; readonly accountId: string; readonly hash: Buffer }
  | { readonly kind: 'refresh_token'; readonly presented: PresentedRefreshToken }
  | { readonly kind: 'unknown' };

const UNKNOWN: IdentifiedToken = { kind: 'unknown' };

/** Reads codes and tokens. Asks nothing of storage but for those that were issued before they named the account. */
@Injectable()
export class PresentedTokens {
  constructor(
    private readonly routing: TokenRouting,
    private readonly refreshTokens: RefreshTokenForm,
    private readonly before: BeforeRouting,
  ) {}

  async identify(token: string): Promise<IdentifiedToken> {
    // JWTs have dots between their parts (RFC 7515 §3.1), and the alphabet of opaque tokens has none.
    if (token.includes('.')) return { kind: 'jwt', jwt: token };
    const accountId = this.routing.accountOfAccessToken(token);
    if (accountId !== undefined) return { kind: 'access_token', accountId, hash: sha256(token) };
    const read = this.refreshTokens.read(token);
    if (read === 'forged') return UNKNOWN;
    return read === undefined ? this.identifyOld(token) : { kind: 'refresh_token', presented: read };
  }

  /** Undefined: it is none that was made here. */
  async refreshToken(token: string): Promise<PresentedRefreshToken | undefined> {
    const read = this.refreshTokens.read(token);
    if (read === 'forged') return undefined;
    return read ?? this.before.findRefreshToken(token);
  }

  async code(code: string): Promise<PresentedCode | undefined> {
    return this.routing.readCode(code) ?? this.before.findCode(code);
  }

  private async identifyOld(token: string): Promise<IdentifiedToken> {
    const hash = sha256(token);
    const accountId = await this.before.accountOfAccessToken(hash);
    if (accountId !== undefined) return { kind: 'access_token', accountId, hash };
    const presented = await this.before.findRefreshToken(token);
    return presented === undefined ? UNKNOWN : { kind: 'refresh_token', presented };
  }
}
