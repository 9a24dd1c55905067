import { PASSWORD_ACR, UPSTREAM_ACR } from '../../platform/oidc/authentication-context.js';
import { REQUESTABLE_CLAIMS, type ClaimRequest, type ClaimsParameter } from '../../platform/oidc/claims.js';
import { textProblem } from '../../platform/oidc/text.js';
import type { Fail } from './authorization-error.js';

/** The `claims` parameter (OpenID Connect Core 1.0 §5.5). */
export function parseClaims(text: string | undefined, fail: Fail): ClaimsParameter | undefined {
  if (text === undefined) return undefined;
  const claims = parseObject(text) ?? fail('invalid_request', 'claims must be a JSON object.');
  // The text is JSON inside a parameter, so what it says comes to light only here.
  const badText = textProblem(claims);
  if (badText !== undefined) fail('invalid_request', `claims: ${badText.words}`);
  const { userinfo, id_token: idToken } = claims;
  if (![userinfo, idToken].every((member) => member === undefined || member === null || isObject(member))) {
    fail('invalid_request', 'claims has a member that is not an object.');
  }
  return {
    ...(isObject(userinfo) ? { userinfo: claimRequests(userinfo, fail) } : {}),
    ...(isObject(idToken) ? { id_token: claimRequests(idToken, fail) } : {}),
  };
}

/**
 * Those of our contexts that an essential `acr` leaves; undefined when it is not essential, or any will do. What cannot
 * be given at all fails the authentication at once (Core §5.5.1.1).
 */
export function essentialAcr(claims: ClaimsParameter | undefined, fail: Fail): readonly string[] | undefined {
  const acr: unknown = claims?.id_token?.acr;
  if (!isObject(acr)) return undefined;
  const { essential, value, values } = acr;
  if (value !== undefined && typeof value !== 'string') fail('invalid_request', 'claims: acr.value must be a string.');
  if (values !== undefined && !isTexts(values))
    fail('invalid_request', 'claims: acr.values must be a list of strings.');
  if (essential !== true || (value === undefined && values === undefined)) return undefined;
  const given = [PASSWORD_ACR, UPSTREAM_ACR].filter(
    (context) => (value === undefined || value === context) && (!isTexts(values) || values.includes(context)),
  );
  if (given.length === 0) fail('unmet_authentication_requirements', 'The requested acr cannot be given.');
  return given;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((member) => typeof member === 'string');
}

/**
 * The requests for claims that there are. Others are ignored (Core §5.5), so they are neither kept nor shown: a name is
 * free text of the link's author.
 */
function claimRequests(requests: Record<string, unknown>, fail: Fail): Record<string, ClaimRequest | null> {
  const known = Object.entries(requests).filter(([name]) => REQUESTABLE_CLAIMS.has(name));
  return Object.fromEntries(
    known.map(([name, request]) => {
      if (!isObject(request)) return [name, null];
      const { essential, value, values } = request;
      // Core §5.5.1
      if (values !== undefined && !Array.isArray(values))
        fail('invalid_request', `claims: values of ${name} must be an array.`);
      return [
        name,
        {
          ...(typeof essential === 'boolean' ? { essential } : {}),
          ...(value === undefined ? {} : { value }),
          ...(Array.isArray(values) ? { values: values as readonly unknown[] } : {}),
        },
      ];
    }),
  );
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    // The caller answers invalid_request.
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
