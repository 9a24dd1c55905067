import { Injectable } from '@nestjs/common';
import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload } from 'jose';
import { Clock } from '../../platform/clock/clock.js';
import type { Tx } from '../../platform/database/transaction.js';
import { UPSTREAM_SIGNING_ALGORITHMS } from '../../platform/oidc/algorithms.js';
import type { LogoutTokenRefusal } from '../../platform/oidc/logout-token-refusals.js';
import { sha256 } from '../../platform/oidc/secret.js';
import { isStorableText } from '../../platform/oidc/text.js';
import { InvalidLogoutTokenError, ReplayedLogoutTokenError } from './upstream-errors.js';
import { UpstreamKeys } from './upstream-keys.js';
import { UpstreamLogoutTokenRepository, type UpstreamSubject } from './upstream-logout-token.repository.js';
import { isOpenTo, type Upstream } from './upstream.js';
import { UpstreamsService } from './upstreams.service.js';

const CLOCK_SKEW_SECONDS = 60;
/** A logout token is for now. Older ones are copies. */
const MAX_AGE_SECONDS = 300;
const MAX_LENGTH = 16_384;
const MAX_CLAIM = 255;
const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const MISSING: Readonly<Record<string, LogoutTokenRefusal>> = {
  iat: 'iat_missing',
  exp: 'exp_missing',
  jti: 'jti_missing',
  events: 'events_missing',
};
const TYPES = ['jwt', 'logout+jwt', 'application/logout+jwt'];
/**
 * How long a token that was carried out is remembered: longer than it could be replayed, which its `iat` bounds
 * whatever its `exp` says, and long enough for a sign-in that was under way when it came to find it.
 */
const KEEP_SECONDS = 3600;

/** What an upstream ordered, verified in every respect but whether it was carried out before. */
export interface VerifiedLogoutToken extends UpstreamSubject {
  readonly upstream: Upstream;
  readonly jti: string;
}

/**
 * Logout tokens that other providers send us.
 *
 * Decision: `iat` says how fresh a token is, so `exp` may be missing, unless the upstream is registered to send it, or
 * far away. Providers are in use that send none, and a logout that is refused leaves a person signed in.
 *
 * Decision: the `jti` is stored in the transaction that ends the sessions. A token whose work failed was not used, so
 * the provider's retry succeeds (docs/threat-model.md#identifier-burnt-before-the-work); one that was carried out is
 * used up on every node.
 *
 * @see [Back-Channel Logout 1.0](https://openid.net/specs/openid-connect-backchannel-1_0.html) §2.4, §2.6
 */
@Injectable()
export class UpstreamLogoutTokens {
  constructor(
    private readonly upstreams: UpstreamsService,
    private readonly keys: UpstreamKeys,
    private readonly clock: Clock,
    private readonly repository: UpstreamLogoutTokenRepository,
  ) {}

  /**
   * What the token orders, in the order of §2.6.
   * @param dialect the one that received it, which the upstream must be open to
   * @throws InvalidLogoutTokenError when it must not be obeyed
   * @throws UpstreamUnavailableError when that cannot be found out because the keys cannot be had
   */
  async verify(token: string, dialect: string): Promise<VerifiedLogoutToken> {
    const { header, claims: unverified } = decoded(token);
    // Unverified, and used for nothing but to choose whose keys it is verified with.
    const upstream = await this.senderOf(unverified, dialect);
    checkHeader(header, upstream);
    const claims = await this.verifiedClaims(upstream, token);
    return { upstream, ...this.orderOf(claims, upstream) };
  }

  /**
   * Uses the token up, as a part of `tx`.
   * @throws ReplayedLogoutTokenError when it was used before; then the transaction must not commit
   */
  async consume(tx: Tx, order: VerifiedLogoutToken): Promise<void> {
    await this.repository.lock(tx, order);
    const expiresAt = this.clock.seconds() + KEEP_SECONDS;
    if (!(await this.repository.record(tx, order, sha256(order.jti), expiresAt)))
      throw new ReplayedLogoutTokenError('The logout token was used before.');
  }

  /**
   * Whether a sign-in that the upstream vouched for is over already, because its logout came while the browser was on
   * its way back. Holds the identity's lock until `tx` ends: a logout that comes next sees the session.
   */
  async endedMeanwhile(tx: Tx, person: UpstreamSubject): Promise<boolean> {
    await this.repository.lock(tx, person);
    return this.repository.endedSince(tx, person);
  }

  private async senderOf({ iss, aud }: JWTPayload, dialect: string): Promise<Upstream> {
    const known = typeof iss === 'string' ? await this.upstreams.findByIssuer(iss) : [];
    const open = known.filter((upstream) => isOpenTo(upstream, dialect));
    if (open.length === 0)
      throw new InvalidLogoutTokenError('iss is not an issuer that we take logout tokens from.', 'unknown_issuer');
    const audience: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
    const upstream = open.find(({ clientId }) => audience.includes(clientId));
    if (upstream === undefined) throw new InvalidLogoutTokenError('aud does not name us.', 'wrong_audience');
    return upstream;
  }

  private async verifiedClaims(upstream: Upstream, token: string): Promise<JWTPayload> {
    try {
      const { payload } = await this.keys.verify(upstream, token, {
        algorithms: [upstream.idTokenSignedResponseAlg],
        issuer: upstream.issuer,
        audience: upstream.clientId,
        requiredClaims: ['iat', 'jti', 'events', ...(upstream.requiresLogoutTokenExp ? ['exp'] : [])],
        clockTolerance: CLOCK_SKEW_SECONDS,
        currentDate: this.clock.now(),
      });
      return payload;
    } catch (error) {
      if (error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired) throw badClaim(error);
      if (error instanceof errors.JOSEError)
        throw new InvalidLogoutTokenError('The signature of the logout token is not good.', 'bad_signature', {
          cause: error,
        });
      throw error;
    }
  }

  private orderOf(claims: JWTPayload, { clientId }: Upstream): Omit<VerifiedLogoutToken, 'upstream'> {
    const { iss = '', iat = 0, jti = '' } = claims;
    const now = this.clock.seconds();
    // We know of no other audience that could be trusted with our tokens (OpenID Connect Core 1.0 §3.1.3.7, steps 3 to
    // 5).
    if (Array.isArray(claims.aud) && claims.aud.length > 1 && claims.azp !== clientId)
      throw new InvalidLogoutTokenError('aud names others beside us, and azp does not name us.', 'wrong_audience');
    if (iat > now + CLOCK_SKEW_SECONDS) throw new InvalidLogoutTokenError('iat is in the future.', 'iat_in_the_future');
    if (iat < now - MAX_AGE_SECONDS - CLOCK_SKEW_SECONDS)
      throw new InvalidLogoutTokenError('iat is too long ago.', 'iat_too_long_ago');
    if (typeof jti !== 'string' || jti.trim() === '' || jti.length > MAX_CLAIM)
      throw new InvalidLogoutTokenError('jti must be a string.', 'bad_claim');
    if (!isLogoutEvent(claims.events))
      throw new InvalidLogoutTokenError('events does not have the back-channel logout event.', 'events_missing');
    // Prohibited, so that an ID token is never taken for a logout token (§2.4).
    if ('nonce' in claims) throw new InvalidLogoutTokenError('The logout token carries a nonce.', 'has_nonce');
    const sub = textClaim(claims, 'sub');
    const sid = textClaim(claims, 'sid');
    if (sub === undefined && sid === undefined)
      throw new InvalidLogoutTokenError('sub or sid is required.', 'sub_and_sid_missing');
    return { issuer: iss, jti, sub, sid, issuedAt: iat };
  }
}

function badClaim(error: errors.JWTClaimValidationFailed | errors.JWTExpired): InvalidLogoutTokenError {
  const { claim } = error;
  if (error instanceof errors.JWTExpired)
    return new InvalidLogoutTokenError(notAsItMustBe(claim), 'expired', { cause: error });
  const missing = error.reason === 'missing' ? MISSING[claim] : undefined;
  // The one that a provider may have to be set to send.
  const words = missing === 'exp_missing' ? 'exp is missing from the logout token.' : notAsItMustBe(claim);
  return new InvalidLogoutTokenError(words, missing ?? 'bad_claim', { cause: error });
}

function notAsItMustBe(claim: string): string {
  return `${claim} of the logout token is not as it must be.`;
}

function decoded(token: string): { readonly header: Record<string, unknown>; readonly claims: JWTPayload } {
  if (token.length > MAX_LENGTH) throw new InvalidLogoutTokenError('logout_token is too long.');
  if (token.split('.').length === 5) throw new InvalidLogoutTokenError('Encrypted logout tokens are not taken.');
  try {
    return { header: { ...decodeProtectedHeader(token) }, claims: decodeJwt(token) };
  } catch (cause) {
    throw new InvalidLogoutTokenError('logout_token is not a JWT.', 'malformed', { cause });
  }
}

/**
 * `alg` as agreed and from a fixed list (§2.6, step 3; docs/threat-model.md#unsigned-tokens); `typ` may be missing
 * (§4.1).
 */
function checkHeader(header: Record<string, unknown>, upstream: Upstream): void {
  const offered: readonly unknown[] = UPSTREAM_SIGNING_ALGORITHMS;
  if (!offered.includes(header.alg) || header.alg !== upstream.idTokenSignedResponseAlg)
    throw new InvalidLogoutTokenError('alg is not the one that was agreed.', 'wrong_alg');
  if (header.typ !== undefined && !(typeof header.typ === 'string' && TYPES.includes(header.typ.toLowerCase())))
    throw new InvalidLogoutTokenError('typ is not that of a logout token.', 'wrong_typ');
}

function isLogoutEvent(events: unknown): boolean {
  if (typeof events !== 'object' || events === null || Array.isArray(events)) return false;
  const event: unknown = Object.hasOwn(events, EVENT) ? (events as Record<string, unknown>)[EVENT] : undefined;
  return typeof event === 'object' && event !== null && !Array.isArray(event);
}

function textClaim(claims: JWTPayload, name: 'sub' | 'sid'): string | undefined {
  const value: unknown = claims[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value === '' || value.length > MAX_CLAIM || !isStorableText(value))
    throw new InvalidLogoutTokenError(`${name} must be a string of at most ${MAX_CLAIM} characters.`, 'bad_claim');
  return value;
}
