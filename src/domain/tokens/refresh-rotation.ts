import { Injectable } from '@nestjs/common';
import { InvalidGrantError, InvalidScopeError } from '../../platform/oidc/errors.js';
import type { Client } from '../clients/client.js';
import { AccessTokensService, type PreparedAccessToken } from './access-tokens.service.js';
import { GrantReuse } from './ports/grant-reuse.js';
import { PresentedTokens } from './presented-tokens.js';
import type { PresentedRefreshToken } from './refresh-token-form.js';
import { RefreshTokenRepository, type RefreshTokenState } from './refresh-token.repository.js';
import { requestedScope } from './requested-scope.js';
import { TokenMint } from './token-mint.js';
import { TokenResponder, type TokenResponse } from './token-responder.js';

/** Rotates refresh tokens: one statement each; what did not fit is asked only when it did not. */
@Injectable()
export class RefreshRotation {
  constructor(
    private readonly refreshTokens: RefreshTokenRepository,
    private readonly accessTokens: AccessTokensService,
    private readonly responder: TokenResponder,
    private readonly reuse: GrantReuse,
    private readonly presented: PresentedTokens,
    private readonly mint: TokenMint,
  ) {}

  /**
   * Rotates a refresh token. Used a second time within the grace it gives the same successor; later, or once the
   * successor was used, the grant dies (RFC 9700 §4.14.2).
   * @throws InvalidGrantError, InvalidScopeError
   */
  async rotate(
    client: Client,
    request: { readonly refreshToken: string; readonly scope: string | undefined },
    graceMs: number,
  ): Promise<TokenResponse> {
    const scope = request.scope === undefined ? undefined : requestedScope(request.scope);
    const presented = await this.presented.refreshToken(request.refreshToken);
    if (presented === undefined) throw invalidRefreshToken();
    const prepared = this.accessTokens.prepare(client, scope, presented.accountId);
    const rotated = await this.refreshTokens.rotate({
      presented,
      clientId: client.clientId,
      scope,
      successorExpiresAt: this.mint.refreshExpiresAt(),
      opaque: prepared.opaque,
    });
    const state = rotated ?? (await this.repeatOrRefuse(client, presented, scope, prepared, graceMs));
    return this.responder.respond(client, {
      grant: state.grant,
      accountClaims: state.accountClaims,
      scope: scope ?? state.grant.scope,
      prepared,
      refreshToken: presented.successor,
    });
  }

  /** The state of a grant whose successor goes out once more. */
  private async repeatOrRefuse(
    client: Client,
    presented: PresentedRefreshToken,
    scope: readonly string[] | undefined,
    prepared: PreparedAccessToken,
    graceMs: number,
  ): Promise<RefreshTokenState> {
    const state = await this.refreshTokens.state(presented);
    // Nothing is said about another client's token, and nothing happens to it.
    if (state === undefined || state.grant.clientId !== client.clientId) throw invalidRefreshToken();
    if (!state.grantAlive) throw invalidRefreshToken();
    if (scope !== undefined && scope.some((value) => !state.grant.scope.includes(value))) {
      throw new InvalidScopeError('The scope exceeds what was granted.');
    }
    if (presented.generation >= state.generation) throw invalidRefreshToken();
    const inGrace = state.usedMsAgo !== undefined && state.usedMsAgo <= graceMs;
    if (inGrace && (await this.refreshTokens.repeatRotation(presented, prepared.opaque))) return state;
    await this.reuse.detected(presented, client.clientId, 'refresh_token_reuse');
    throw invalidRefreshToken();
  }
}

function invalidRefreshToken(): InvalidGrantError {
  return new InvalidGrantError('The refresh token is unknown, expired, used or revoked.');
}
