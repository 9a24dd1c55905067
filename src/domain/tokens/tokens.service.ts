import { createHmac, randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { registeredScope, type Client } from '../clients/client.js';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { Clock } from '../../platform/clock/clock.js';
import { isScopeToken, parseScope, STANDARD_SCOPES } from '../../platform/oidc/claims.js';
import {
  InvalidGrantError,
  InvalidRequestError,
  InvalidScopeError,
  UnauthorizedClientError,
} from '../../platform/oidc/errors.js';
import { newSecret, sha256 } from '../../platform/oidc/secret.js';
import { SessionActivity } from '../sessions/session-activity.js';
import { AccessTokensService, type PreparedAccessToken } from './access-tokens.service.js';
import { GrantReuse } from './grant-reuse.js';
import { GrantRepository, type RefreshTokenState } from './grant.repository.js';
import type { Grant } from './grant.js';
import { GrantsService, type AuthenticatedSession } from './grants.service.js';
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

interface Minted {
  readonly grant: Grant;
  readonly accountClaims: Readonly<Record<string, unknown>>;
  readonly scope: readonly string[];
  readonly prepared: PreparedAccessToken;
  readonly refreshToken: string | undefined;
  readonly nonce?: string | undefined;
}

/**
 * The three grants of the token endpoint. A code exchange and a refresh are one statement each; what did not fit is
 * asked only when it did not.
 */
@Injectable()
export class TokensService {
  constructor(
    private readonly grants: GrantRepository,
    private readonly grantsService: GrantsService,
    private readonly accessTokens: AccessTokensService,
    private readonly idTokens: IdTokenIssuer,
    private readonly sessions: SessionActivity,
    private readonly reuse: GrantReuse,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /**
   * Redeems a code: once, by the client it was issued to, with the redirect URI and the verifier of its request, while
   * the session goes on. A second use revokes what the first one issued (RFC 6749 §4.1.2).
   */
  async exchangeCode(
    client: Client,
    request: {
      readonly code: string;
      readonly redirectUri: string | undefined;
      readonly codeVerifier: string | undefined;
    },
  ): Promise<TokenResponse> {
    requireGrantType(client, 'authorization_code');
    return this.redeem(client, request, client.metadata.grant_types.includes('refresh_token'));
  }

  /**
   * Tokens for a session that was begun without a browser, by a facilitator that signs people in on its pages: always a
   * pair. Undefined when the session ended meanwhile.
   */
  async issue(
    client: Client,
    session: AuthenticatedSession,
    request: { readonly scope: readonly string[]; readonly realm: string | undefined },
  ): Promise<TokenResponse | undefined> {
    const code = await this.grantsService.authorize(
      {
        clientId: client.clientId,
        redirectUri: undefined,
        scope: request.scope,
        claims: undefined,
        nonce: undefined,
        codeChallenge: undefined,
        offline: false,
        realm: request.realm,
      },
      session,
    );
    if (code === undefined) return undefined;
    return this.redeem(client, { code, redirectUri: undefined, codeVerifier: undefined }, true);
  }

  /** Redeems a code for a facilitator, which always gets a pair. */
  redeemForFacilitator(client: Client, code: string, redirectUri: string): Promise<TokenResponse> {
    return this.redeem(client, { code, redirectUri, codeVerifier: undefined }, true);
  }

  /** Takes back what was issued a moment ago and never handed out. */
  async revoke(client: Client, issued: TokenResponse): Promise<void> {
    if (issued.refresh_token !== undefined)
      await this.grants.revokeByToken(sha256(issued.refresh_token), client.clientId);
  }

  private async redeem(
    client: Client,
    request: {
      readonly code: string;
      readonly redirectUri: string | undefined;
      readonly codeVerifier: string | undefined;
    },
    withRefreshToken: boolean,
  ): Promise<TokenResponse> {
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
      refreshExpiresAt: this.refreshExpiry(),
      withRefreshToken,
      opaque: prepared.opaque,
    });
    if (exchanged === undefined) {
      await this.detectCodeReuse(codeHash, client);
      throw new InvalidGrantError(
        'The code is unknown, expired or used, or redirect_uri or code_verifier do not fit it.',
      );
    }
    return this.respond(client, {
      ...exchanged,
      scope: exchanged.grant.scope,
      prepared,
      refreshToken: withRefreshToken ? refreshToken : undefined,
    });
  }

  /**
   * Rotates a refresh token. Used a second time within the grace it gives the same successor; later, or once the
   * successor was used, the grant dies (RFC 9700 §4.14.2).
   */
  async refresh(
    client: Client,
    request: { readonly refreshToken: string; readonly scope: string | undefined },
  ): Promise<TokenResponse> {
    requireGrantType(client, 'refresh_token');
    return this.rotate(client, request, this.settings.refreshGraceMs);
  }

  /** As {@link refresh}, for a facilitator: its pairs are part of what it may do, and the grace is its dialect's. */
  refreshForFacilitator(client: Client, refreshToken: string, graceMs: number): Promise<TokenResponse> {
    return this.rotate(client, { refreshToken, scope: undefined }, graceMs);
  }

  private async rotate(
    client: Client,
    request: { readonly refreshToken: string; readonly scope: string | undefined },
    graceMs: number,
  ): Promise<TokenResponse> {
    const tokenHash = sha256(request.refreshToken);
    const scope = request.scope === undefined ? undefined : requestedScope(request.scope);
    const salt = randomBytes(16);
    const successor = successorOf(request.refreshToken, salt);
    const prepared = this.accessTokens.prepare(client, scope);
    const rotated = await this.grants.rotate({
      tokenHash,
      clientId: client.clientId,
      scope,
      successorHash: sha256(successor),
      successorSalt: salt,
      successorExpiresAt: this.refreshExpiry(),
      opaque: prepared.opaque,
    });
    if (rotated !== undefined) {
      return this.respond(client, {
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
      await this.grants.refreshTokenState(tokenHash),
      graceMs,
    );
  }

  /** RFC 6749 §4.4. Costs no round trip. */
  async clientCredentials(client: Client, scope: string | undefined): Promise<TokenResponse> {
    requireGrantType(client, 'client_credentials');
    const people: readonly string[] = STANDARD_SCOPES;
    const allowed = registeredScope(client).filter((value) => !people.includes(value));
    const wanted = scope === undefined ? allowed : requestedScope(scope);
    if (wanted.some((value) => !allowed.includes(value))) {
      throw new InvalidScopeError('The client may not ask for one of these scopes with client_credentials.');
    }
    const { token, expiresIn } = await this.accessTokens.issueToClient(client, wanted);
    return { access_token: token, token_type: 'Bearer', expires_in: expiresIn, scope: wanted.join(' ') };
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
    if (inGrace && (await this.grants.repeatRotation(sha256(successor), grant.id, prepared.opaque))) {
      return this.respond(client, {
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

  private async detectCodeReuse(codeHash: Buffer, client: Client): Promise<void> {
    const state = await this.grants.codeState(codeHash);
    if (state?.consumedAt == null || state.clientId !== client.clientId) return;
    await this.reuse.detected(state.grantId, state.clientId, 'code_reuse');
  }

  private async respond(client: Client, minted: Minted): Promise<TokenResponse> {
    const { grant, prepared } = minted;
    if (grant.sessionId !== null && !grant.offline) this.sessions.note(grant.sessionId);
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

  private refreshExpiry(): Date {
    return this.clock.in(this.settings.refreshTokenTtlSeconds * 1000);
  }

  /** RFC 7009 §2.1: a refresh token's grant dies with it; an opaque access token goes alone; another client's is left. */
  async revokeOpaque(token: string, clientId: string): Promise<void> {
    await this.grants.revokeByToken(sha256(token), clientId);
  }
}

/**
 * The successor follows from the token and a salt that only the database has: whoever repeats the request within the
 * grace gets the same successor, without it being stored anywhere (docs/decisions/0004-refresh-grace-by-derivation.md).
 */
function successorOf(token: string, salt: Buffer): string {
  return createHmac('sha256', token).update(salt).digest('base64url');
}

/** RFC 7636 §4.6. A verifier outside of §4.1's alphabet and length never fits. */
function s256(verifier: string): string {
  if (!/^[A-Za-z0-9\-._~]{43,128}$/.test(verifier))
    throw new InvalidRequestError('code_verifier must be 43 to 128 unreserved characters.');
  return sha256(verifier).toString('base64url');
}

/** RFC 6749 §5.2: a malformed scope is an invalid one. */
function requestedScope(scope: string): readonly string[] {
  const values = parseScope(scope);
  if (!values.every(isScopeToken))
    throw new InvalidScopeError('scope has a character that RFC 6749 §3.3 does not allow.');
  return values;
}

function invalidRefreshToken(): InvalidGrantError {
  return new InvalidGrantError('The refresh token is unknown, expired, used or revoked.');
}

function requireGrantType(client: Client, type: Client['metadata']['grant_types'][number]): void {
  if (!client.metadata.grant_types.includes(type))
    throw new UnauthorizedClientError(`This client is not registered for ${type}.`);
}
