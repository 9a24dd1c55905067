import { hash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { v7 as uuid } from 'uuid';
import type { Client } from '../clients/client.js';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { Clock } from '../../platform/clock/clock.js';
import { JwtSigner } from '../../platform/keys/jwt-signer.js';
import { JwtVerifier } from '../../platform/keys/jwt-verifier.js';
import { KeysService } from '../../platform/keys/keys.service.js';
import { ACCESS_TOKEN_ALGORITHM } from '../../platform/oidc/algorithms.js';
import { parseScope } from '../../platform/oidc/claims.js';
import { newSecret, sha256 } from '../../platform/oidc/secret.js';
import { AccessTokenRepository, stillHeld, type LiveGrant } from './access-token.repository.js';
import type { OpaqueToStore } from './opaque-tokens.sql.js';
import type { Grant } from './grant.js';

/** An access token that is good now: signature, lifetime, denylist, grant, session and account all say so. */
export interface ActiveAccessToken {
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

/** Claims of our JWT access tokens (RFC 9068 §2.2), plus the grant they hang on. */
interface AccessTokenClaims {
  readonly iss: string;
  readonly sub: string;
  readonly aud: string | string[];
  readonly client_id: string;
  readonly iat: number;
  readonly exp: number;
  readonly jti: string;
  readonly scope: string;
  readonly sid?: string;
  readonly auth_time?: number;
  readonly grant?: string;
  /** Of the client, in a token of its own; absent in the first. */
  readonly token_generation?: number;
}

/** The token handed out, and what must be stored for it in the statement that mints it (opaque ones only). */
export interface PreparedAccessToken {
  readonly opaque: OpaqueToStore | undefined;
  readonly expiresIn: number;
  /** Call once the grant is known. */
  finish(grant: Grant, scope: readonly string[]): Promise<string>;
}

const VERIFIED_TOKENS = 20_000;

/** Mints access tokens and says whether one is good. */
@Injectable()
export class AccessTokensService {
  /** Claims by token hash. What a signature says never changes, so it is checked once; liveness is asked every time. */
  private readonly verified = new LRUCache<string, { readonly claims: AccessTokenClaims; readonly kid: string }>({
    max: VERIFIED_TOKENS,
  });

  constructor(
    private readonly repository: AccessTokenRepository,
    private readonly signer: JwtSigner,
    private readonly verifier: JwtVerifier,
    private readonly keys: KeysService,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** @param scope what the token is narrowed to; undefined: everything that was granted */
  prepare(client: Client, scope: readonly string[] | undefined): PreparedAccessToken {
    const expiresIn = this.settings.accessTokenTtlSeconds;
    if (client.metadata.access_token_format === 'jwt') {
      return { opaque: undefined, expiresIn, finish: (grant, granted) => this.signForGrant(client, grant, granted) };
    }
    const token = newSecret();
    const audience = this.personalAudience(client, []);
    return {
      opaque: {
        tokenHash: sha256(token),
        jti: uuid(),
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
      const token = newSecret();
      await this.repository.storeOpaque({
        tokenHash: sha256(token),
        jti: uuid(),
        clientId: client.clientId,
        scope: scope.join(' '),
        audience,
        expiresAt: this.clock.in(expiresIn * 1000),
        generation: client.tokenGeneration,
      });
      return { token, expiresIn };
    }
    const now = this.clock.seconds();
    const token = await this.signer.sign(ACCESS_TOKEN_ALGORITHM, 'at+jwt', {
      iss: this.settings.issuer,
      sub: client.clientId,
      aud: audience.length === 1 ? audience[0] : audience,
      client_id: client.clientId,
      iat: now,
      exp: now + expiresIn,
      jti: uuid(),
      scope: scope.join(' '),
      ...(client.tokenGeneration === 0 ? {} : { token_generation: client.tokenGeneration }),
    });
    return { token, expiresIn };
  }

  /**
   * What one of our JWT access tokens says, dead or alive. `expired` ones count only where the caller says so; nothing
   * is asked of storage.
   */
  async readJwt(token: string): Promise<AccessTokenClaims | undefined> {
    const read = await this.readHint(token);
    return read?.vouchedFor === true ? read.claims : undefined;
  }

  /**
   * What one of our JWT access tokens says, also when its key has been retired since: then it says who was meant and
   * proves nothing (`vouchedFor`).
   */
  async readHint(
    token: string,
  ): Promise<{ readonly claims: AccessTokenClaims; readonly vouchedFor: boolean } | undefined> {
    const key = hash('sha256', token, 'base64url');
    const verified = this.verified.get(key) ?? (await this.verify(token));
    if (verified === undefined) return undefined;
    this.verified.set(key, verified);
    const { claims, kid } = verified;
    return { claims, vouchedFor: await this.keys.vouchesForAccess(kid, this.settings.accessTokenTtlSeconds * 1000) };
  }

  private async verify(
    token: string,
  ): Promise<{ readonly claims: AccessTokenClaims; readonly kid: string } | undefined> {
    const jwt = await this.verifier.verify(token, 'at+jwt');
    if (jwt === undefined || jwt.claims.iss !== this.settings.issuer || !isAccessTokenClaims(jwt.claims))
      return undefined;
    return { claims: jwt.claims, kid: jwt.kid };
  }

  /**
   * Denies one access token from now until it would have expired. Nothing happens for unknown and expired ones and for
   * another client's (RFC 7009 §2.1, §2.2).
   */
  async revokeJwt(token: string, clientId: string): Promise<void> {
    const claims = await this.readJwt(token);
    if (claims === undefined || claims.client_id !== clientId || claims.exp <= this.clock.seconds()) return;
    await this.repository.deny(claims.jti, new Date(claims.exp * 1000));
  }

  /** A JWT, if it is good at this moment on every count; one round trip. */
  async findActiveJwt(token: string): Promise<ActiveAccessToken | undefined> {
    const claims = await this.readJwt(token);
    if (claims === undefined || claims.exp <= this.clock.seconds()) return undefined;
    const live = claims.grant === undefined ? undefined : await this.repository.findLiveGrant(claims.grant, claims.jti);
    const held = claims.grant === undefined ? await this.heldByClient(claims) : live?.grant.scope;
    if (held === undefined) return undefined;
    return {
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
  private async heldByClient(claims: AccessTokenClaims): Promise<readonly string[] | undefined> {
    const live = await this.repository.findLiveClientToken({
      clientId: claims.client_id,
      jti: claims.jti,
      issuedAt: new Date(claims.iat * 1000),
      generation: claims.token_generation ?? 0,
    });
    return live?.registeredScope;
  }

  /** An opaque one, as {@link findActiveJwt}. */
  async findActiveOpaque(tokenHash: Buffer): Promise<ActiveAccessToken | undefined> {
    const state = await this.repository.findOpaque(tokenHash);
    if (state === undefined) return undefined;
    return {
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

  private signForGrant(client: Client, grant: Grant, scope: readonly string[]): Promise<string> {
    const now = this.clock.seconds();
    const audience = this.personalAudience(client, scope);
    return this.signer.sign(ACCESS_TOKEN_ALGORITHM, 'at+jwt', {
      iss: this.settings.issuer,
      sub: grant.accountId,
      aud: audience.length === 1 ? audience[0] : audience,
      client_id: grant.clientId,
      iat: now,
      exp: now + this.settings.accessTokenTtlSeconds,
      jti: uuid(),
      scope: scope.join(' '),
      auth_time: Math.floor(grant.authenticatedAt.getTime() / 1000),
      ...(grant.sid === null ? {} : { sid: grant.sid }),
      grant: grant.id,
    });
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

function isAccessTokenClaims(claims: object): claims is AccessTokenClaims {
  const { sub, client_id, iat, exp, jti, scope } = claims as Partial<AccessTokenClaims>;
  return (
    [sub, client_id, jti, scope].every((claim) => typeof claim === 'string') &&
    typeof iat === 'number' &&
    typeof exp === 'number'
  );
}
