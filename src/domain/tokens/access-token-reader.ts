import { hash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import type { SignedJwt } from '../../platform/keys/jwt-signer.js';
import { JwtVerifier } from '../../platform/keys/jwt-verifier.js';
import { KeysService } from '../../platform/keys/keys.service.js';
import { BeforeRouting } from './before-routing.js';
import { NO_ACCOUNT, TokenRouting, type GrantKey } from './token-routing.js';

/** Claims of our JWT access tokens (RFC 9068 §2.2), plus the grant they hang on. */
export interface AccessTokenClaims {
  readonly iss: string;
  readonly sub: string;
  readonly aud: string | readonly string[];
  readonly client_id: string;
  readonly iat: number;
  readonly exp: number;
  readonly jti: string;
  readonly scope: string;
  readonly sid?: string;
  readonly auth_time?: number;
  /** Opaque: `grant` of {@link ReadAccessToken} says what it means. */
  readonly grant?: string;
  /** Of the client, in a token of its own; absent in the first. */
  readonly token_generation?: number;
}

/** What one of our JWT access tokens says, dead or alive. */
export interface ReadAccessToken {
  readonly claims: AccessTokenClaims;
  /** Undefined: it is the client's own. */
  readonly grant: GrantKey | undefined;
  /** Under which account its revocation is: the nil uuid for a client's own. */
  readonly accountId: string;
  /** It was issued before tokens named the account, and may have been revoked then. */
  readonly beforeRouting: boolean;
}

interface Verified extends ReadAccessToken {
  readonly kid: string;
}

const VERIFIED_TOKENS = 20_000;

/**
 * Reads JWT access tokens. What a signature says never changes, so it is checked once, and never where it was made
 * ({@link AccessTokenReader.remember}); liveness is asked elsewhere.
 */
@Injectable()
export class AccessTokenReader {
  /** By token hash. */
  private readonly verified = new LRUCache<string, Verified>({ max: VERIFIED_TOKENS });

  constructor(
    private readonly verifier: JwtVerifier,
    private readonly keys: KeysService,
    private readonly routing: TokenRouting,
    private readonly before: BeforeRouting,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** A token that was signed in this process: it need not be verified here. @param grant undefined: the client's own */
  remember({ token, kid }: SignedJwt, claims: AccessTokenClaims, grant: GrantKey | undefined): void {
    const accountId = grant?.accountId ?? NO_ACCOUNT;
    this.verified.set(nameOf(token), { claims, kid, grant, accountId, beforeRouting: false });
  }

  /**
   * What one of our JWT access tokens says. `expired` ones count only where the caller says so; nothing is asked of
   * storage.
   */
  async read(token: string): Promise<ReadAccessToken | undefined> {
    const read = await this.readHint(token);
    return read?.vouchedFor === true ? read.token : undefined;
  }

  /**
   * As {@link read}, also when its key has been retired since: then it says who was meant and proves nothing
   * (`vouchedFor`).
   */
  async readHint(
    token: string,
  ): Promise<{ readonly token: ReadAccessToken; readonly vouchedFor: boolean } | undefined> {
    const name = nameOf(token);
    let verified = this.verified.get(name);
    if (verified === undefined) {
      verified = await this.verify(token);
      if (verified === undefined) return undefined;
      this.verified.set(name, verified);
    }
    const lifetimeMs = this.settings.accessTokenTtlSeconds * 1000;
    return { token: verified, vouchedFor: await this.keys.vouchesForAccess(verified.kid, lifetimeMs) };
  }

  /** Whether it was revoked before tokens named the account. Asks storage only for one of that time. */
  async wasDeniedBefore({ beforeRouting, claims }: ReadAccessToken): Promise<boolean> {
    return beforeRouting && (await this.before.isDenied(claims.jti));
  }

  private async verify(token: string): Promise<Verified | undefined> {
    const jwt = await this.verifier.verify(token, 'at+jwt');
    const claims: object | undefined = jwt?.claims;
    if (jwt?.claims.iss !== this.settings.issuer || claims === undefined || !isAccessTokenClaims(claims))
      return undefined;
    const { kid } = jwt;
    if (claims.grant === undefined)
      return { claims, kid, grant: undefined, accountId: NO_ACCOUNT, beforeRouting: false };
    const routed = this.routing.readGrantClaim(claims.grant);
    // The subject of one that names its grant alone is the account.
    const grant = routed ?? { accountId: claims.sub, grantId: claims.grant };
    return { claims, kid, grant, accountId: grant.accountId, beforeRouting: routed === undefined };
  }
}

function nameOf(token: string): string {
  return hash('sha256', token, 'base64url');
}

function isAccessTokenClaims(claims: object): claims is AccessTokenClaims {
  const { sub, client_id, iat, exp, jti, scope } = claims as Partial<AccessTokenClaims>;
  return (
    [sub, client_id, jti, scope].every((claim) => typeof claim === 'string') &&
    typeof iat === 'number' &&
    typeof exp === 'number'
  );
}
