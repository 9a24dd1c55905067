import { Injectable } from '@nestjs/common';
import type { Client } from '../clients/client.js';
import { SessionActivity } from '../sessions/session-activity.js';
import type { PreparedAccessToken } from './access-tokens.service.js';
import type { Grant } from './grant.js';
import { IdTokenIssuer } from './id-token.issuer.js';

/** A successful answer of the token endpoint (RFC 6749 §5.1, OpenID Connect Core 1.0 §3.1.3.3). */
export interface TokenResponse {
  readonly access_token: string;
  readonly token_type: 'Bearer';
  readonly expires_in: number;
  readonly scope: string;
  readonly refresh_token?: string;
  readonly id_token?: string;
}

/** What a grant came to in storage, and what was prepared for it. */
export interface Minted {
  readonly grant: Grant;
  readonly accountClaims: Readonly<Record<string, unknown>>;
  readonly scope: readonly string[];
  readonly prepared: PreparedAccessToken;
  readonly refreshToken: string | undefined;
  readonly nonce?: string | undefined;
}

/** Writes the answer to a grant that hangs on a session: the access token, the ID token, the refresh token. */
@Injectable()
export class TokenResponder {
  constructor(
    private readonly idTokens: IdTokenIssuer,
    private readonly sessions: SessionActivity,
  ) {}

  async respond(client: Client, minted: Minted): Promise<TokenResponse> {
    const { grant, prepared } = minted;
    if (grant.sessionId !== null && !grant.offline)
      this.sessions.note({ accountId: grant.accountId, sessionId: grant.sessionId });
    const accessToken = await prepared.finish(grant, minted.scope);
    return {
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: prepared.expiresIn,
      scope: minted.scope.join(' '),
      ...(minted.refreshToken === undefined ? {} : { refresh_token: minted.refreshToken }),
      ...(grant.scope.includes('openid')
        ? {
            id_token: await this.idTokens.issue(client, grant, {
              nonce: minted.nonce,
              accessToken,
              about: minted,
            }),
          }
        : {}),
    };
  }
}
