import type { LogoutCommand } from '../../../domain/logout/command/logout.js';
import type { LogoutTokenResult } from '../../../platform/metrics/metrics.js';
import { InvalidLogoutTokenError, ReplayedLogoutTokenError } from '../../../domain/upstreams/upstream-errors.js';
import type { VerifiedLogoutToken } from '../../../domain/upstreams/upstream-logout-tokens.service.js';

/**
 * What a logout token orders: one session when it names one, else every session of that person that began there
 * (Back-Channel Logout 1.0 §2.7). The sender is not notified in turn, where an operator has said which client that is.
 * By its address no client is left out: a portal and its provider may share one, and a notice that comes back ends
 * nothing.
 */
export function toLogoutCommand(order: VerifiedLogoutToken): LogoutCommand {
  const { upstream, issuer, sid, sub } = order;
  return {
    target:
      sid === undefined
        ? { kind: 'upstream-subject', issuer, sub: sub ?? '' }
        : { kind: 'upstream-session', issuer, sid, sub },
    cause: 'upstream_logout',
    initiator: { kind: 'upstream', issuer },
    senderClientId: upstream.peerClientId,
  };
}

/**
 * A forgery and an order that could not be carried out look alike to the sender; to an operator they must not
 * (docs/threat-model.md#identifier-burnt-before-the-work): one is an attack or a mistake there, the other a person who
 * is still signed in here.
 */
export function resultOf(error: unknown): Extract<LogoutTokenResult, 'forged' | 'replayed' | 'not_performed'> {
  if (error instanceof ReplayedLogoutTokenError) return 'replayed';
  return error instanceof InvalidLogoutTokenError ? 'forged' : 'not_performed';
}
