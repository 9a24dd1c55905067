import { Injectable } from '@nestjs/common';
import { AccessTokenRepository } from './access-token.repository.js';
import { AccessTokensService, type ActiveAccessToken } from './access-tokens.service.js';
import { PresentedTokens, type IdentifiedToken } from './presented-tokens.js';
import type { PresentedRefreshToken } from './refresh-token-form.js';
import { RefreshTokenRepository, type RefreshTokenState } from './refresh-token.repository.js';

/** A token that is good now. */
export type InspectedToken =
  | { readonly kind: 'access_token'; readonly token: ActiveAccessToken }
  | { readonly kind: 'refresh_token'; readonly token: RefreshTokenState };

/** Tokens of every kind, by their text. The one place that knows which kinds there are. */
@Injectable()
export class Tokens {
  constructor(
    private readonly accessTokens: AccessTokensService,
    private readonly opaqueTokens: AccessTokenRepository,
    private readonly refreshTokens: RefreshTokenRepository,
    private readonly presented: PresentedTokens,
  ) {}

  /** The access token, if it is good at this moment on every count; one round trip. */
  async findAccessToken(token: string): Promise<ActiveAccessToken | undefined> {
    return this.activeAccessToken(await this.presented.identify(token));
  }

  /** The token, if it is good at this moment. One round trip. */
  async inspect(token: string): Promise<InspectedToken | undefined> {
    const identified = await this.presented.identify(token);
    if (identified.kind === 'refresh_token') return this.inspectRefreshToken(identified.presented);
    const active = await this.activeAccessToken(identified);
    return active === undefined ? undefined : { kind: 'access_token', token: active };
  }

  /**
   * The token is not usable, on any node, from now on: an access token by itself, a refresh token with its grant (RFC 7009
   * §2.1). Nothing happens for one that is unknown, expired or another client's (§2.2). One round trip.
   */
  async revoke(token: string, clientId: string): Promise<void> {
    const identified = await this.presented.identify(token);
    if (identified.kind === 'jwt') await this.accessTokens.revokeJwt(identified.jwt, clientId);
    if (identified.kind === 'refresh_token') await this.refreshTokens.revoke(identified.presented, clientId);
    if (identified.kind === 'access_token')
      await this.opaqueTokens.denyOpaque(identified.accountId, identified.hash, clientId);
  }

  private async activeAccessToken(token: IdentifiedToken): Promise<ActiveAccessToken | undefined> {
    if (token.kind === 'jwt') return this.accessTokens.findActiveJwt(token.jwt);
    if (token.kind === 'access_token') return this.accessTokens.findActiveOpaque(token.accountId, token.hash);
    return undefined;
  }

  private async inspectRefreshToken(presented: PresentedRefreshToken): Promise<InspectedToken | undefined> {
    const state = await this.refreshTokens.state(presented);
    return state?.isGood === true ? { kind: 'refresh_token', token: state } : undefined;
  }
}
