import { errors } from 'jose';
import * as oauth from 'oauth4webapi';
import { EgressError } from '../../platform/egress/egress.js';
import { isStorableText } from '../../platform/oidc/text.js';
import { UpstreamNotFreshError, UpstreamSignInError, UpstreamUnavailableError } from './upstream-errors.js';

export const CLOCK_SKEW_SECONDS = 60;
/** Less than for a signature: a person who was asked a minute before was not asked again. */
const AUTH_TIME_SKEW_SECONDS = 30;
const MAX_IDENTIFIER = 255;
const MAX_AMR = 100;
const MAX_AMR_VALUES = 20;

/** Who signed in at the upstream, proved by its ID token. */
export interface UpstreamPerson {
  readonly issuer: string;
  readonly sub: string;
  readonly sid: string | undefined;
  /** Seconds since 1970. */
  readonly issuedAt: number;
  /** When the upstream says that it asked the person; undefined when it does not say. */
  readonly authTime?: Date | undefined;
  readonly amr: readonly string[];
  /** What the upstream says about the person, by its own names. */
  readonly claims: Readonly<Record<string, unknown>>;
  readonly idToken: string;
}

/** How lately the person must have signed in there. */
export interface FreshnessDemand {
  /** Seconds before `leftAt`. */
  readonly maxAge?: number | undefined;
  /** When the browser left, which `maxAge` is counted from: a person may take their time there. */
  readonly leftAt?: Date | undefined;
}

/**
 * Who an ID token is about. Its claims were validated, its signature too.
 * @throws UpstreamSignInError when it names the person in a way that cannot be kept
 */
export function personOf(
  issuer: string,
  idToken: string,
  claims: oauth.IDToken,
  now: Date,
): Omit<UpstreamPerson, 'claims'> {
  const sid = typeof claims.sid === 'string' && claims.sid !== '' ? claims.sid : undefined;
  checkIdentifiers(claims, sid, Math.floor(now.getTime() / 1000));
  return {
    issuer,
    sub: claims.sub,
    sid,
    issuedAt: claims.iat,
    authTime: authTimeOf(claims, now),
    amr: amrOf(claims),
    idToken,
  };
}

/**
 * What was demanded of the sign-in must be seen in its answer (Core §3.1.2.1, §3.1.3.7): a provider that reports
 * nothing may have asked nothing.
 * @throws UpstreamNotFreshError
 */
export function checkFreshness({ authTime }: UpstreamPerson, { maxAge, leftAt }: FreshnessDemand): void {
  if (maxAge === undefined || leftAt === undefined) return;
  if (authTime === undefined) throw new UpstreamNotFreshError('auth_time is missing');
  const oldest = leftAt.getTime() - (maxAge + AUTH_TIME_SKEW_SECONDS) * 1000;
  if (authTime.getTime() < oldest) throw new UpstreamNotFreshError('auth_time is too long ago');
}

/**
 * What is kept, and looked up by when the person signs out there: it could not be found again, or two people be taken
 * for one, if it were changed on the way (Core §2: `sub` has at most 255 characters).
 */
function checkIdentifiers({ sub, iat }: oauth.IDToken, sid: string | undefined, now: number): void {
  if (sub === '' || sub.length > MAX_IDENTIFIER || !isStorableText(sub))
    throw new UpstreamSignInError('sub is no identifier that can be kept');
  if (sid !== undefined && (sid.length > MAX_IDENTIFIER || !isStorableText(sid)))
    throw new UpstreamSignInError('sid is no identifier that can be kept');
  if (iat < 0 || iat > now + CLOCK_SKEW_SECONDS) throw new UpstreamSignInError('iat is not a time that has been');
}

/** Passed on, and nothing more: what is not a string is left out. */
function amrOf({ amr }: oauth.IDToken): string[] {
  const values: readonly unknown[] = Array.isArray(amr) ? amr : [];
  return values
    .filter((value): value is string => typeof value === 'string' && value.length <= MAX_AMR && isStorableText(value))
    .slice(0, MAX_AMR_VALUES);
}

/** Of foreign text, for a log and a record: in one line, and without what a terminal obeys (RFC 6749 §5.2). */
export function quotable(text: string, length: number): string {
  return text.slice(0, length).replaceAll(/[^\x20-\x7e]/g, '?');
}

/** Not in the future: their clock may be ahead of ours. */
function authTimeOf({ auth_time: seconds }: oauth.IDToken, now: Date): Date | undefined {
  return seconds === undefined ? undefined : new Date(Math.min(seconds * 1000, now.getTime()));
}

/**
 * Nothing of the upstream's words leaves this place: a code, oauth4webapi's or our own, is enough to find the cause.
 */
export function asSignInError(error: unknown): unknown {
  if (error instanceof UpstreamSignInError || error instanceof UpstreamUnavailableError) return error;
  if (error instanceof EgressError)
    return new UpstreamUnavailableError(`The other provider cannot be reached: ${error.code}.`, { cause: error });
  if (error instanceof oauth.AuthorizationResponseError || error instanceof oauth.ResponseBodyError)
    return new UpstreamSignInError(`it answered ${quotable(error.error, 50)}`, { cause: error });
  if (error instanceof oauth.WWWAuthenticateChallengeError)
    return new UpstreamSignInError('it refused our request', { cause: error });
  if (error instanceof oauth.OperationProcessingError || error instanceof oauth.UnsupportedOperationError)
    return new UpstreamSignInError(`${error.name} ${String(error.code)}`, { cause: error });
  if (error instanceof errors.JOSEError) return new UpstreamSignInError(`ID token: ${error.code}`, { cause: error });
  return error;
}
