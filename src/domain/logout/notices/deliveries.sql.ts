import { fragment } from '../../../platform/database/statement.js';

/**
 * SQL about `logout_deliveries` that several statements share.
 */

/** From when the age of `d` counts: neither its place in an order's queue nor a pause makes it old. */
export const AGES_FROM = 'greatest(d.created_at, d.ages_from, d.resent_at)';

/**
 * Notices that no process is sending at `:now`. A new one belongs to its logout's process first: then only its time
 * tells.
 */
export const UNCLAIMED = `(d.claimed_until IS NULL OR d.claimed_until <= :now) AND (d.attempts > 0 OR d.next_attempt_at <= :now)`;

/**
 * Of the notices in `ended` (termination_id, resent_at), those that were sent again have ended once more: what a
 * receipt says is not the whole of it any more, and another revision is due. Whether there is a receipt yet is not
 * asked: one may be being signed at this moment, and then this waits for it.
 */
export const REOPEN_RECEIPTS = fragment({
  needs: ['ended'],
  gives: ['reopened'],
  text: `
     reopened AS (
       UPDATE session_terminations t SET receipted_at = NULL
        WHERE t.id IN (SELECT e.termination_id FROM ended e WHERE e.resent_at IS NOT NULL)
     )`,
});

/** The client `clientId` has notices, sent ones among them. */
export function clientHasNotices(clientId: string): string {
  return `EXISTS (SELECT 1 FROM logout_deliveries d WHERE d.client_id = ${clientId})`;
}
