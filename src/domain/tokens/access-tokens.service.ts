import { Inject, Injectable } from '@nestjs/common';
import { newId } from '../../platform/clock/time-ordered-id.js';
import type { Client } from '../clients/client.js';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { Clock } from '../../platform/clock/clock.js';
import { JwtSigner } from '../../platform/keys/jwt-signer.js';
import { ACCESS_TOKEN_ALGORITHM } from '../../platform/oidc/algorithms.js';
import { parseScope } from '../../platform/oidc/claims.js';
import { sha256 } from '../../platform/oidc/secret.js';
import { AccessTokenReader, type AccessTokenClaims, type ReadAccessToken } from './access-token-reader.js';
import { AccessTokenRepository, stillHeld, type LiveGrant } from './access-token.repository.js';
import type { OpaqueToStore } from './opaque-tokens.sql.js';
import type { Grant } from './grant.js';
import { NO_ACCOUNT, TokenRouting, type GrantKey } from './token-routing.js';

/** An access token that is good now: signature, lifetime, denylist, grant, session and account all say so. */
export interface ActiveAccessToken {
  /** Under which its revocation is: the nil uuid for a client's own. */
  readonly accountId: string;
  readonly clientId: string;
  /** The account; the client itself for `client_credentials` (RFC 9068 §2.2). */
  readonly sub: string;
  /** Of what it was issued for, what the client may still have. */
  readonly scope: readonly string[];
  readonly audience: readonly string[];
  readonly jti: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly sid: string | undefined;
  readonly authTime: number | undefined;
  /** Absent for `client_credentials`. */
  readonly live: LiveGrant | undefined;
}

/** The token handed out, and what must be stored for it in the statement that mints it (opaque ones only). */
export interface PreparedAccessToken {
  readonly opaque: OpaqueToStore | undefined;
  readonly expiresIn: number;
  /** Call once the grant is known. */
  finish(grant: Grant, scope: readonly string[]): Promise<string>;
}

/** Mints access tokens and says whether one is good. */
@Injectable()
export class AccessTokensService {
  constructor(
    private readonly repository: AccessTokenRepository,
    private readonly signer: JwtSigner,
    private readonly reader: AccessTokenReader,
    private readonly routing: TokenRouting,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /**
   * @param scope what the token is narrowed to; undefined: everything that was granted
   * @param accountId of the grant that it is going to hang on
   */
  prepare(client: Client, scope: readonly string[] | undefined, accountId: string): PreparedAccessToken {
    const expiresIn = this.settings.accessTokenTtlSeconds;
    if (client.metadata.access_token_format === 'jwt') {
      return { opaque: undefined, expiresIn, finish: (grant, granted) => this.signForGrant(client, grant, granted) };
    }
    const token = this.routing.newAccessToken(accountId);
    const audience = this.personalAudience(client, []);
    return {
      opaque: {
        tokenHash: sha256(token),
        jti: newId(),
        scope: scope?.join(' ') ?? null,
        audience,
        audienceOfOpenid: this.personalAudience(client, ['openid']).slice(audience.length),
        expiresAt: this.clock.in(expiresIn * 1000),
      },
      expiresIn,
      finish: async () => token,
    };
  }

  /** A token for the client itself (RFC 6749 §4.4). A JWT needs no round trip. */
  async issueToClient(
    client: Client,
    scope: readonly string[],
  ): Promise<{ readonly token: string; readonly expiresIn: number }> {
    const expiresIn = this.settings.accessTokenTtlSeconds;
    const audience = this.audienceOf(client);
    if (client.metadata.access_token_format === 'opaque') {
      const token = this.routing.newAccessToken(NO_ACCOUNT);
      await this.repository.storeOpaque({
        tokenHash: sha256(token),
        jti: newId(),
        clientId: client.clientId,
        scope: scope.join(' '),
        audience,
        expiresAt: this.clock.in(expiresIn * 1000),
        generation: client.tokenGeneration,
      });
      return { token, expiresIn };
    }
    const now = this.clock.seconds();
    const token = await this.sign({
      iss: this.settings.issuer,
      sub: client.clientId,
      aud: audOf(audience),
      client_id: client.clientId,
      iat: now,
      exp: now + expiresIn,
      jti: newId(),
      scope: scope.join(' '),
      ...(client.tokenGeneration === 0 ? {} : { token_generation: client.tokenGeneration }),
    });
    return { token, expiresIn };
  }

  /** What one of our JWT access tokens says, dead or alive; nothing is asked of storage. */
  async readJwt(token: string): Promise<ReadAccessToken['claims'] | undefined> {
    return (await this.reader.read(token))?.claims;
  }

  /**
   * Denies one access token from now until it would have expired. Nothing happens for unknown and expired ones and for
   * another client's (RFC 7009 §2.1, §2.2).
   */
  async revokeJwt(token: string, clientId: string): Promise<void> {
    const read = await this.reader.read(token);
    if (read === undefined || read.claims.client_id !== clientId || read.claims.exp <= this.clock.seconds()) return;
    const { accountId, claims } = read;
    await this.repository.deny({ accountId, jti: claims.jti, expiresAt: new Date(claims.exp * 1000) });
  }

  /** A JWT, if it is good at this moment on every count; one round trip, two for one that does not name its account. */
  async findActiveJwt(token: string): Promise<ActiveAccessToken | undefined> {
    const read = await this.reader.read(token);
    if (read === undefined || read.claims.exp <= this.clock.seconds() || (await this.reader.wasDeniedBefore(read)))
      return undefined;
    const { accountId, claims, grant } = read;
    const live = grant === undefined ? undefined : await this.repository.findLiveGrant(grant, claims.jti);
    const held = grant === undefined ? await this.heldByClient(claims) : live?.grant.scope;
    if (held === undefined) return undefined;
    return {
      accountId,
      clientId: claims.client_id,
      sub: claims.sub,
      scope: stillHeld(parseScope(claims.scope), held),
      audience: typeof claims.aud === 'string' ? [claims.aud] : claims.aud,
      jti: claims.jti,
      issuedAt: claims.iat,
      expiresAt: claims.exp,
      sid: claims.sid,
      authTime: claims.auth_time,
      live,
    };
  }

  /** Undefined: a token of the client's own that is dead. */
  private async heldByClient(claims: ReadAccessToken['claims']): Promise<readonly string[] | undefined> {
    const live = await this.repository.findLiveClientToken({
      clientId: claims.client_id,
      jti: claims.jti,
      issuedAt: new Date(claims.iat * 1000),
      generation: claims.token_generation ?? 0,
    });
    return live?.registeredScope;
  }

  /** An opaque one, as {@link findActiveJwt}. */
  async findActiveOpaque(accountId: string, tokenHash: Buffer): Promise<ActiveAccessToken | undefined> {
    const state = await this.repository.findOpaque(accountId, tokenHash);
    if (state === undefined) return undefined;
    return {
      accountId,
      clientId: state.clientId,
      sub: state.sub ?? state.clientId,
      scope: state.scope,
      audience: state.audience,
      jti: state.jti,
      issuedAt: Math.floor(state.issuedAt.getTime() / 1000),
      expiresAt: Math.floor(state.expiresAt.getTime() / 1000),
      sid: state.grant?.sid ?? undefined,
      authTime: state.grant === undefined ? undefined : Math.floor(state.grant.authenticatedAt.getTime() / 1000),
      live: state.live,
    };
  }

  private async sign(claims: AccessTokenClaims, grant?: GrantKey): Promise<string> {
    const signed = await this.signer.signed(ACCESS_TOKEN_ALGORITHM, 'at+jwt', claims);
    this.reader.remember(signed, claims, grant);
    return signed.token;
  }

  private signForGrant(client: Client, grant: Grant, scope: readonly string[]): Promise<string> {
    const now = this.clock.seconds();
    const audience = this.personalAudience(client, scope);
    const key = { accountId: grant.accountId, grantId: grant.id };
    return this.sign(
      {
        iss: this.settings.issuer,
        sub: grant.accountId,
        aud: audOf(audience),
        client_id: grant.clientId,
        iat: now,
        exp: now + this.settings.accessTokenTtlSeconds,
        jti: newId(),
        scope: scope.join(' '),
        auth_time: Math.floor(grant.authenticatedAt.getTime() / 1000),
        ...(grant.sid === null ? {} : { sid: grant.sid }),
        grant: this.routing.grantClaim(key),
      },
      key,
    );
  }

  /**
   * Of a person's token. One with `openid` is meant for our userinfo endpoint too, and a facilitator's for its own
   * `_authenticate`, whichever API was registered besides: then we are named as well (RFC 9068 §3, §4).
   */
  private personalAudience(client: Client, scope: readonly string[]): readonly string[] {
    const registered = this.audienceOf(client);
    const isMeantForUs = scope.includes('openid') || client.metadata.permissions.length > 0;
    return isMeantForUs ? [...new Set([...registered, this.settings.issuer])] : registered;
  }

  private audienceOf(client: Client): readonly string[] {
    return client.metadata.audience.length === 0 ? [this.settings.issuer] : client.metadata.audience;
  }
}

/** As a claim: one audience stands by itself (RFC 7519 §4.1.3). */
function audOf(audience: readonly string[]): string | readonly string[] {
  const [only = '', ...others] = audience;
  return others.length === 0 ? only : audience;
}
