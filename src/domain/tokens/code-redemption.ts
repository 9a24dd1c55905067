import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.js';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { InvalidGrantError, InvalidRequestError } from '../../platform/oidc/errors.js';
import { newSecret, sha256 } from '../../platform/oidc/secret.js';
import type { Client } from '../clients/client.js';
import { AccessTokensService } from './access-tokens.service.js';
import { GrantReuse } from './ports/grant-reuse.js';
import { GrantRepository } from './grant.repository.js';
import { TokenResponder, type TokenResponse } from './token-responder.js';

/** What a client sends to redeem a code. */
export interface CodeRequest {
  readonly code: string;
  readonly redirectUri: string | undefined;
  readonly codeVerifier: string | undefined;
}

/** Redeems authorization codes: one statement each; what did not fit is asked only when it did not. */
@Injectable()
export class CodeRedemption {
  constructor(
    private readonly grants: GrantRepository,
    private readonly accessTokens: AccessTokensService,
    private readonly responder: TokenResponder,
    private readonly reuse: GrantReuse,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /**
   * Redeems a code: once, by the client it was issued to, with the redirect URI and the verifier of its request, while
   * the session is alive. A second use revokes what the first one issued (RFC 6749 §4.1.2).
   * @throws InvalidGrantError
   */
  async redeem(client: Client, request: CodeRequest, withRefreshToken: boolean): Promise<TokenResponse> {
    const codeHash = sha256(request.code);
    const refreshToken = newSecret();
    const prepared = this.accessTokens.prepare(client, undefined);
    const exchanged = await this.grants.exchangeCode({
      codeHash,
      clientId: client.clientId,
      redirectUri: request.redirectUri,
      // A verifier without a challenge in the request fits as little as the other way round (RFC 9700 §4.8.2).
      codeChallenge: request.codeVerifier === undefined ? undefined : s256(request.codeVerifier),
      newSid: randomBytes(24).toString('base64url'),
      refreshTokenHash: sha256(refreshToken),
      refreshExpiresAt: this.clock.in(this.settings.refreshTokenTtlSeconds * 1000),
      withRefreshToken,
      opaque: prepared.opaque,
    });
    if (exchanged === undefined) {
      await this.detectCodeReuse(codeHash, client);
      throw new InvalidGrantError(
        'The code is unknown, expired or used, or redirect_uri or code_verifier do not fit it.',
      );
    }
    return this.responder.respond(client, {
      ...exchanged,
      scope: exchanged.grant.scope,
      prepared,
      refreshToken: withRefreshToken ? refreshToken : undefined,
    });
  }

  private async detectCodeReuse(codeHash: Buffer, client: Client): Promise<void> {
    const state = await this.grants.codeState(codeHash);
    if (state?.consumedAt == null || state.clientId !== client.clientId) return;
    await this.reuse.detected(state.grantId, state.clientId, 'code_reuse');
  }
}

/** RFC 7636 §4.6. A verifier outside of §4.1's alphabet and length never fits. */
function s256(verifier: string): string {
  if (!/^[A-Za-z0-9\-._~]{43,128}$/.test(verifier))
    throw new InvalidRequestError('code_verifier must be 43 to 128 unreserved characters.');
  return sha256(verifier).toString('base64url');
}
