import { STANDARD_CLAIMS } from '../../platform/oidc/claims.js';
import { InvalidRequestError } from '../../platform/oidc/errors.js';
import { textProblem } from '../../platform/oidc/text.js';
import { isEmailAddress } from './email-address.js';

const BOOLEAN = new Set(['email_verified', 'phone_number_verified']);
const MAX_TEXT = 2000;

/**
 * Standard claims with the JSON types that OpenID Connect Core 1.0 §5.1 gives them. Empty ones are left out: they would
 * be left out of every answer anyway (§5.3.2). `updated_at` is ours.
 *
 * @throws InvalidRequestError for an unknown claim or a wrong type
 */
export function checkedClaims(claims: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const checked: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(claims)) {
    if (name === 'updated_at' || value === null || value === '') continue;
    if (!STANDARD_CLAIMS.includes(name)) throw new InvalidRequestError(`${name.slice(0, 50)} is not a standard claim.`);
    if (!hasRightType(name, value)) {
      throw new InvalidRequestError(
        name === 'email' ? 'email is not an e-mail address.' : `The claim ${name} has the wrong type.`,
      );
    }
    checked[name] = name === 'email' && typeof value === 'string' ? value.normalize('NFC') : value;
  }
  return checked;
}

/**
 * Those of the claims that {@link checkedClaims} would take: what another provider says about a person is not our
 * error.
 */
export function acceptableClaims(claims: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(claims).filter(
      ([name, value]) =>
        STANDARD_CLAIMS.includes(name) &&
        name !== 'updated_at' &&
        value !== undefined &&
        value !== null &&
        value !== '' &&
        hasRightType(name, value) &&
        textProblem(value) === undefined,
    ),
  );
}

function hasRightType(name: string, value: unknown): boolean {
  if (BOOLEAN.has(name)) return typeof value === 'boolean';
  if (name === 'address') {
    return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isText);
  }
  if (name === 'email') return typeof value === 'string' && isEmailAddress(value);
  if (name === 'birthdate') return typeof value === 'string' && /^\d{4}(-\d{2}-\d{2})?$/.test(value);
  return isText(value);
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.length <= MAX_TEXT;
}
