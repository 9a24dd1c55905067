import { createHmac, randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.js';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { InvalidGrantError, InvalidScopeError } from '../../platform/oidc/errors.js';
import { sha256 } from '../../platform/oidc/secret.js';
import type { Client } from '../clients/client.js';
import { AccessTokensService, type PreparedAccessToken } from './access-tokens.service.js';
import { GrantReuse } from './ports/grant-reuse.js';
import { RefreshTokenRepository, type RefreshTokenState } from './refresh-token.repository.js';
import { requestedScope } from './requested-scope.js';
import { TokenResponder, type TokenResponse } from './token-responder.js';

/** Rotates refresh tokens: one statement each; what did not fit is asked only when it did not. */
@Injectable()
export class RefreshRotation {
  constructor(
    private readonly refreshTokens: RefreshTokenRepository,
    private readonly accessTokens: AccessTokensService,
    private readonly responder: TokenResponder,
    private readonly reuse: GrantReuse,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
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
    const tokenHash = sha256(request.refreshToken);
    const scope = request.scope === undefined ? undefined : requestedScope(request.scope);
    const salt = randomBytes(16);
    const successor = successorOf(request.refreshToken, salt);
    const prepared = this.accessTokens.prepare(client, scope);
    const rotated = await this.refreshTokens.rotate({
      tokenHash,
      clientId: client.clientId,
      scope,
      successorHash: sha256(successor),
      successorSalt: salt,
      successorExpiresAt: this.clock.in(this.settings.refreshTokenTtlSeconds * 1000),
      opaque: prepared.opaque,
    });
    if (rotated !== undefined) {
      return this.responder.respond(client, {
        ...rotated,
        scope: scope ?? rotated.grant.scope,
        prepared,
        refreshToken: successor,
      });
    }
    return this.repeatOrRefuse(
      client,
      request.refreshToken,
      scope,
      prepared,
      await this.refreshTokens.state(tokenHash),
      graceMs,
    );
  }

  private async repeatOrRefuse(
    client: Client,
    presented: string,
    scope: readonly string[] | undefined,
    prepared: PreparedAccessToken,
    state: RefreshTokenState | undefined,
    graceMs: number,
  ): Promise<TokenResponse> {
    // Nothing is said about another client's token, and nothing happens to it.
    if (state === undefined || state.grant.clientId !== client.clientId) throw invalidRefreshToken();
    const { grant } = state;
    if (!state.grantAlive) throw invalidRefreshToken();
    if (scope !== undefined && scope.some((value) => !grant.scope.includes(value))) {
      throw new InvalidScopeError('The scope exceeds what was granted.');
    }
    if (state.consumedAt === null || state.successorSalt === null) throw invalidRefreshToken();
    const successor = successorOf(presented, state.successorSalt);
    const inGrace = this.clock.now().getTime() - state.consumedAt.getTime() <= graceMs;
    if (inGrace && (await this.refreshTokens.repeatRotation(sha256(successor), grant.id, prepared.opaque))) {
      return this.responder.respond(client, {
        grant,
        accountClaims: state.accountClaims,
        scope: scope ?? grant.scope,
        prepared,
        refreshToken: successor,
      });
    }
    await this.reuse.detected(grant.id, grant.clientId, 'refresh_token_reuse');
    throw invalidRefreshToken();
  }
}

/**
 * The successor follows from the token and a salt that only the database has: a repeated request within the grace gets
 * the same successor, without it being stored anywhere (docs/decisions/0004-refresh-grace-by-derivation.md).
 */
function successorOf(token: string, salt: Buffer): string {
  return createHmac('sha256', token).update(salt).digest('base64url');
}

function invalidRefreshToken(): InvalidGrantError {
  return new InvalidGrantError('The refresh token is unknown, expired, used or revoked.');
}
