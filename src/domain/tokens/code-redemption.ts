import { Injectable } from '@nestjs/common';
import { InvalidGrantError, InvalidRequestError } from '../../platform/oidc/errors.js';
import { sha256 } from '../../platform/oidc/secret.js';
import type { Client } from '../clients/client.js';
import { AccessTokensService } from './access-tokens.service.js';
import { GrantReuse } from './ports/grant-reuse.js';
import { GrantRepository } from './grant.repository.js';
import { PresentedTokens } from './presented-tokens.js';
import { TokenMint } from './token-mint.js';
import { TokenResponder, type TokenResponse } from './token-responder.js';
import type { PresentedCode } from './token-routing.js';

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
    private readonly presented: PresentedTokens,
    private readonly mint: TokenMint,
  ) {}

  /**
   * Redeems a code: once, by the client it was issued to, with the redirect URI and the verifier of its request, while
   * the session is alive. A second use revokes what the first one issued (RFC 6749 §4.1.2).
   * @throws InvalidGrantError
   */
  async redeem(client: Client, request: CodeRequest, withRefreshToken: boolean): Promise<TokenResponse> {
    // A verifier without a challenge in the request fits as little as the other way round (RFC 9700 §4.8.2).
    const codeChallenge = request.codeVerifier === undefined ? undefined : s256(request.codeVerifier);
    const code = await this.presented.code(request.code);
    if (code === undefined) throw unfit();
    const refresh = withRefreshToken ? this.mint.firstRefreshToken(code) : undefined;
    const prepared = this.accessTokens.prepare(client, undefined, code.accountId);
    const exchanged = await this.grants.exchangeCode({
      ...code,
      clientId: client.clientId,
      redirectUri: request.redirectUri,
      codeChallenge,
      newSid: this.mint.newSid(code.accountId),
      refreshRootHash: refresh?.rootHash,
      refreshExpiresAt: this.mint.refreshExpiresAt(),
      opaque: prepared.opaque,
    });
    if (exchanged === undefined) {
      await this.detectCodeReuse(code, client);
      throw unfit();
    }
    return this.responder.respond(client, {
      ...exchanged,
      scope: exchanged.grant.scope,
      prepared,
      refreshToken: refresh?.token,
    });
  }

  private async detectCodeReuse(code: PresentedCode, client: Client): Promise<void> {
    const state = await this.grants.codeState(code);
    if (state?.consumedAt == null || state.clientId !== client.clientId) return;
    await this.reuse.detected(code, state.clientId, 'code_reuse');
  }
}

function unfit(): InvalidGrantError {
  return new InvalidGrantError('The code is unknown, expired or used, or redirect_uri or code_verifier do not fit it.');
}

/** RFC 7636 §4.6. A verifier outside of §4.1's alphabet and length never fits. */
function s256(verifier: string): string {
  if (!/^[A-Za-z0-9\-._~]{43,128}$/.test(verifier))
    throw new InvalidRequestError('code_verifier must be 43 to 128 unreserved characters.');
  return sha256(verifier).toString('base64url');
}
