import { Injectable } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.js';
import { sha256 } from '../../platform/oidc/secret.js';
import { AccessTokensService, type ActiveAccessToken } from './access-tokens.service.js';
import { RefreshTokenRepository, type RefreshTokenState } from './refresh-token.repository.js';

/** What the form of a token says of it. Whether it is one of this provider's is asked of its signature, or of storage. */
export type IdentifiedToken =
  | { readonly kind: 'jwt'; readonly jwt: string }
  /** An access token or a refresh token, by the hash that it is stored under. */
  | { readonly kind: 'opaque'; readonly hash: Buffer };

/** A token that is good now. */
export type InspectedToken =
  | { readonly kind: 'access_token'; readonly token: ActiveAccessToken }
  | { readonly kind: 'refresh_token'; readonly token: RefreshTokenState };

/** Tokens of every kind, by their text. The one place that knows which kinds there are. */
@Injectable()
export class Tokens {
  constructor(
    private readonly accessTokens: AccessTokensService,
    private readonly refreshTokens: RefreshTokenRepository,
    private readonly clock: Clock,
  ) {}

  /** JWTs have dots between their parts (RFC 7515 §3.1), and the alphabet of opaque tokens has none. Asks nothing. */
  identify(token: string): IdentifiedToken {
    return token.includes('.') ? { kind: 'jwt', jwt: token } : { kind: 'opaque', hash: sha256(token) };
  }

  /** The access token, if it is good at this moment on every count; one round trip. */
  findAccessToken(token: string): Promise<ActiveAccessToken | undefined> {
    return this.activeAccessToken(this.identify(token));
  }

  /** The token, if it is good at this moment. One round trip for an access token, two for a refresh token. */
  async inspect(token: string): Promise<InspectedToken | undefined> {
    const identified = this.identify(token);
    const active = await this.activeAccessToken(identified);
    if (active !== undefined) return { kind: 'access_token', token: active };
    if (identified.kind === 'jwt') return undefined;
    const state = await this.refreshTokens.state(identified.hash);
    return state !== undefined && this.isGood(state) ? { kind: 'refresh_token', token: state } : undefined;
  }

  /**
   * The token is not usable, on any node, from now on: an access token by itself, a refresh token with its grant (RFC 7009
   * §2.1). Nothing happens for one that is unknown, expired or another client's (§2.2). One round trip.
   */
  async revoke(token: string, clientId: string): Promise<void> {
    const identified = this.identify(token);
    if (identified.kind === 'jwt') await this.accessTokens.revokeJwt(identified.jwt, clientId);
    else await this.refreshTokens.revoke(identified.hash, clientId);
  }

  private activeAccessToken(token: IdentifiedToken): Promise<ActiveAccessToken | undefined> {
    return token.kind === 'jwt'
      ? this.accessTokens.findActiveJwt(token.jwt)
      : this.accessTokens.findActiveOpaque(token.hash);
  }

  private isGood({ grantAlive, consumedAt, expiresAt }: RefreshTokenState): boolean {
    return grantAlive && consumedAt === null && expiresAt > this.clock.now();
  }
}
