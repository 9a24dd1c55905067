import { domainToASCII } from 'node:url';
import { acceptableClaims } from '../accounts/claims-check.js';
import { STANDARD_CLAIMS } from '../../platform/oidc/claims.js';
import { isStorableText } from '../../platform/oidc/text.js';
import type { Upstream } from './upstream.js';

type Claims = Readonly<Record<string, unknown>>;

/** A word for an address is about that address, so both are taken from one place. */
const PAIRS = [
  ['email', 'email_verified'],
  ['phone_number', 'phone_number_verified'],
] as const;

/**
 * What an upstream says of a person, by its own names: the ID token's word goes before that of userinfo. An address and
 * whether it is verified come from the same one of the two, or one would vouch for what the other says.
 */
export function mergedClaims(upstream: Upstream, idToken: Claims, userinfo: Claims): Claims {
  const merged: Record<string, unknown> = { ...userinfo, ...idToken };
  for (const pair of PAIRS) {
    const [value, flag] = pair.map((name) => sourceOf(upstream, name)) as [string, string];
    const from = isAddress(idToken[value]) ? idToken : userinfo;
    merged[value] = from[value];
    merged[flag] = from[flag];
  }
  return merged;
}

/**
 * Claims of our account, from what the upstream says. Whether an address is verified is its word only where the operator
 * trusts it for that: applications know people by verified addresses.
 */
export function mappedClaims(upstream: Upstream, claims: Claims): Record<string, unknown> {
  const mapped: Record<string, unknown> = {};
  for (const name of STANDARD_CLAIMS) mapped[name] = displayable(name, claims[sourceOf(upstream, name)]);
  const checked = acceptableClaims(mapped);
  for (const [value, flag] of PAIRS) {
    const trusted = checked[flag] === true && isTrusted(upstream, value, checked[value]);
    if (checked[value] === undefined) delete checked[flag];
    else if (checked[flag] === true && !trusted) checked[flag] = false;
  }
  return checked;
}

/** The domain of an address, in the one spelling that can be compared. Empty: there is none. */
export function domainOf(address: string): string {
  return domainToASCII(address.slice(address.lastIndexOf('@') + 1).toLowerCase());
}

function sourceOf(upstream: Upstream, name: string): string {
  return upstream.claimMapping[name] ?? name;
}

function isAddress(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function isTrusted(upstream: Upstream, claim: (typeof PAIRS)[number][0], value: unknown): boolean {
  if (claim === 'phone_number') return upstream.trustsPhoneNumber;
  if (!upstream.trustsEmail || typeof value !== 'string' || !/^[^\s\p{Cc}@]+@[^\s\p{Cc}@]+$/u.test(value)) return false;
  return upstream.trustedEmailDomains?.includes(domainOf(value)) ?? true;
}

/** A name that was cut in the middle of a character is still a name. An address is one to the letter. */
function displayable(name: string, value: unknown): unknown {
  if (typeof value !== 'string' || isStorableText(value)) return value;
  return PAIRS.some(([address]) => address === name) ? undefined : value.toWellFormed();
}
