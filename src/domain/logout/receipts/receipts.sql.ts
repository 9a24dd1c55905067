import { fragment } from '../../../platform/database/statement.js';

/**
 * SQL about `logout_receipts_owed` that other statements of the logout put into theirs.
 */

/** The terminations in `record`, an INSERT with `RETURNING *`, lack a receipt from now on: CTE `owed`. */
export const OWE_RECEIPTS = fragment({
  needs: ['record'],
  gives: ['owed'],
  text: `
     owed AS (
       INSERT INTO logout_receipts_owed (termination_id, since) SELECT r.id, r.occurred_at FROM record r
     )`,
});

/**
 * Of the notices in `ended` (termination_id, resent_at), those that were sent again have ended once more: what a
 * receipt says is not the whole of it any more, and another revision is due. Whether there is a receipt yet is not
 * asked: one may be being signed at this moment. Then its issuer holds the row that is written here, and this waits for
 * it.
 */
export const REOPEN_RECEIPTS = fragment({
  needs: ['ended'],
  gives: ['reopened'],
  parameters: { now: 'timestamptz' },
  text: `
     reopened AS (
       INSERT INTO logout_receipts_owed AS o (termination_id, since)
       SELECT DISTINCT e.termination_id, :now FROM ended e WHERE e.resent_at IS NOT NULL ORDER BY e.termination_id
       ON CONFLICT (termination_id) DO UPDATE SET since = least(o.since, excluded.since)
     )`,
});
