import type { EgressErrorCode } from '../../../platform/egress/egress.js';

/** `error`: people stay signed in there. `warning`: it works, and may not always. `info`: worth knowing. */
export type FindingSeverity = 'error' | 'warning' | 'info';

const FINDINGS = {
  ok: ['info', 'The endpoint accepted a genuine logout token and refused a forged one.'],
  no_backchannel_logout_uri: [
    'error',
    'The application has no backchannel_logout_uri, so it is told of no logout on the back channel.',
  ],
  dns: ['error', 'The name of the host could not be resolved.'],
  address_refused: [
    'error',
    'The host has an address that is not of the public internet. Allow it by EXEUNT_EGRESS_ALLOW if that is meant to be.',
  ],
  unreachable: ['error', 'No connection came about: nobody listens there, or a firewall is in between.'],
  tls: ['error', 'The TLS handshake failed: look at the certificate, its chain, its host name and its dates.'],
  timeout: ['error', 'There was no answer within the time limit of a delivery.'],
  reset: ['error', 'The connection was closed before there was an answer.'],
  invalid_url: ['error', 'The registered address is no URL that a logout token can be sent to.'],
  answer_too_large: ['error', 'The headers of the answer are larger than anybody needs.'],
  failed: ['error', 'What answered does not speak HTTP.'],
  redirect: [
    'error',
    'The endpoint answered with a redirect, which is never followed: register the address that it leads to, or let requests without a session through.',
  ],
  refuses_genuine_token: [
    'error',
    'The endpoint answered 400 to a genuine logout token about a session that it does not know. A session that is over, or never was, is a logout that succeeded.',
  ],
  unauthorized: [
    'error',
    'The endpoint answered 401: it wants somebody to sign in. The logout token is the only credential on the back channel.',
  ],
  forbidden: [
    'error',
    'The endpoint answered 403, as a filter against forged forms (CSRF) does: exempt this path from it, since the token is signed and no cookie is involved.',
  ],
  not_found: ['error', 'The endpoint answered 404: there is nothing at this path.'],
  method_not_allowed: ['error', 'The endpoint answered 405: it does not take POST requests.'],
  unsupported_media_type: [
    'error',
    'The endpoint answered 415: it does not take application/x-www-form-urlencoded, which is how a logout token comes.',
  ],
  too_many_requests: ['error', 'The endpoint answered 429: it limits how often it is told.'],
  server_error: ['error', 'The endpoint answered with a fault of its own (5xx).'],
  unexpected_status: ['error', 'The endpoint answered with a status that is neither 200 nor 204.'],
  accepts_forged_token: [
    'error',
    'The endpoint accepted a token whose signature is wrong: anybody can sign people out of this application.',
  ],
  fails_on_forged_token: ['warning', 'The endpoint does not answer a forged token with 400, but fails.'],
  slow: [
    'warning',
    'The endpoint took more than two seconds: people wait for it on the signed-out page, and not all do.',
  ],
  cacheable: ['warning', 'The answer has no Cache-Control: no-store.'],
  answers_204: [
    'info',
    'The endpoint answers 204. That counts as success here, but not at every provider: prefer 200.',
  ],
} as const satisfies Record<string, readonly [FindingSeverity, string]>;

export type FindingCode = keyof typeof FINDINGS;
export const FINDING_CODES = Object.keys(FINDINGS) as readonly FindingCode[];

/** Something that the check found, in words, by a code that stays the same. */
export interface Finding {
  readonly code: FindingCode;
  readonly severity: FindingSeverity;
  readonly message: string;
}

/** What one token brought back. */
export interface ProbeAnswer {
  readonly status: number | undefined;
  readonly errorCode: EgressErrorCode | undefined;
  readonly durationMs: number;
  readonly cacheControl: string | undefined;
}

const SLOW_MS = 2_000;
const UNANSWERED: Readonly<Record<EgressErrorCode, FindingCode>> = {
  invalid_url: 'invalid_url',
  address_refused: 'address_refused',
  dns_failed: 'dns',
  connect_failed: 'unreachable',
  tls_failed: 'tls',
  timeout: 'timeout',
  reset: 'reset',
  response_too_large: 'answer_too_large',
  failed: 'failed',
};
const STATUSES: Readonly<Record<number, FindingCode>> = {
  400: 'refuses_genuine_token',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  415: 'unsupported_media_type',
  429: 'too_many_requests',
};

export function finding(code: FindingCode): Finding {
  const [severity, message] = FINDINGS[code];
  return { code, severity, message };
}

/**
 * What the answers to a genuine and a forged token mean. Pure.
 *
 * @param forged undefined when it was not sent: the endpoint could not be reached
 * @see Back-Channel Logout 1.0 §2.6 (the signature must be verified), §2.7 (a session that is over counts as ended),
 *   §2.8 (200, 204, 400, no-store)
 */
export function findingsOf(genuine: ProbeAnswer, forged: ProbeAnswer | undefined): Finding[] {
  const codes: FindingCode[] = [];
  if (genuine.errorCode !== undefined) codes.push(UNANSWERED[genuine.errorCode]);
  else if (!isSuccess(genuine)) codes.push(codeOf(genuine.status ?? 0));
  if (forged !== undefined && isSuccess(forged)) codes.push('accepts_forged_token');
  // A wall that refuses everything has said so above; what only a forged token runs into is worth a word of its own.
  if (forged !== undefined && isSuccess(genuine) && isFailure(forged)) codes.push('fails_on_forged_token');
  if (Math.max(genuine.durationMs, forged?.durationMs ?? 0) > SLOW_MS && genuine.errorCode === undefined)
    codes.push('slow');
  if (isSuccess(genuine) && !/(^|[\s,])no-store([\s,]|$)/i.test(genuine.cacheControl ?? '')) codes.push('cacheable');
  if (genuine.status === 204) codes.push('answers_204');
  const findings = codes.map(finding);
  return findings.some(({ severity }) => severity !== 'info') ? findings : [finding('ok'), ...findings];
}

/** Whether logouts arrive there, and only ours. */
export function isHealthy(findings: readonly Finding[]): boolean {
  return findings.every(({ severity }) => severity !== 'error');
}

function codeOf(status: number): FindingCode {
  if (status >= 300 && status < 400) return 'redirect';
  if (status >= 500) return 'server_error';
  return STATUSES[status] ?? 'unexpected_status';
}

function isSuccess({ status }: ProbeAnswer): boolean {
  return status === 200 || status === 204;
}

function isFailure({ status }: ProbeAnswer): boolean {
  return status === undefined || status >= 500;
}
