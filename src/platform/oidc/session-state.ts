import { createHash, randomBytes } from 'node:crypto';

/**
 * `session_state` as the frame at `check_session_iframe` computes it again (Session Management 1.0 §3.2). The origin is
 * part of it, so a foreign page learns nothing from the frame: to it the answer is always `changed`
 * (docs/threat-model.md#session-frame-spoofing).
 *
 * Undefined for a private-use scheme: an application without an origin has no page that could hold the frame.
 */
export function sessionStateOf(
  clientId: string,
  redirectUri: string,
  browserState: string,
  salt: string = randomBytes(16).toString('base64url'),
): string | undefined {
  // RFC 6454 §6.1: lower case, default port dropped; `null` when the scheme has no origin.
  const { origin } = new URL(redirectUri);
  if (origin === 'null') return undefined;
  const digest = createHash('sha256').update(`${clientId} ${origin} ${browserState} ${salt}`).digest('hex');
  return `${digest}.${salt}`;
}
