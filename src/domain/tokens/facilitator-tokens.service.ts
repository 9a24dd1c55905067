import { Injectable } from '@nestjs/common';
import type { Client } from '../clients/client.js';
import { CodeRedemption } from './code-redemption.js';
import { GrantsService, type AuthenticatedSession } from './grants.service.js';
import { RefreshRotation } from './refresh-rotation.js';
import type { TokenResponse } from './token-responder.js';
import { Tokens } from './tokens.js';

/** Tokens for facilitators: applications that sign people in on pages of their own, and always get a pair. */
@Injectable()
export class FacilitatorTokens {
  constructor(
    private readonly grantsService: GrantsService,
    private readonly codes: CodeRedemption,
    private readonly refreshTokens: RefreshRotation,
    private readonly tokens: Tokens,
  ) {}

  /**
   * Tokens for a session that was begun without a browser, by a facilitator that signs people in on its pages: always a
   * pair. Undefined when the session ended meanwhile.
   */
  async issue(
    client: Client,
    session: AuthenticatedSession,
    request: { readonly scope: readonly string[]; readonly upstream: string | undefined },
  ): Promise<TokenResponse | undefined> {
    const authorization = await this.grantsService.authorize(
      {
        clientId: client.clientId,
        redirectUri: undefined,
        scope: request.scope,
        claims: undefined,
        nonce: undefined,
        codeChallenge: undefined,
        offline: false,
        upstream: request.upstream,
      },
      session,
    );
    if (authorization.kind !== 'code') return undefined;
    const { code } = authorization;
    return this.codes.redeem(client, { code, redirectUri: undefined, codeVerifier: undefined }, true);
  }

  /** Redeems a code for a facilitator, which always gets a pair. */
  redeem(client: Client, code: string, redirectUri: string): Promise<TokenResponse> {
    return this.codes.redeem(client, { code, redirectUri, codeVerifier: undefined }, true);
  }

  /** Rotates a refresh token; the grace is the dialect's. */
  refresh(client: Client, refreshToken: string, graceMs: number): Promise<TokenResponse> {
    return this.refreshTokens.rotate(client, { refreshToken, scope: undefined }, graceMs);
  }

  /** Takes back what was issued a moment ago and never handed out. */
  async takeBack(client: Client, issued: TokenResponse): Promise<void> {
    if (issued.refresh_token !== undefined) await this.tokens.revoke(issued.refresh_token, client.clientId);
  }
}
