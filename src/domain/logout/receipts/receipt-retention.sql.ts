import { firstIdAt } from '../../../platform/database/day-partitions.js';
import { expiredRows, RETENTION_BATCH, type ExpiredRows } from '../../../platform/database/retention.js';
import { statement } from '../../../platform/database/statement.js';

/**
 * SQL about what receipts leave behind when they are old.
 */

/** From the oldest end and never from the middle, and the newest one stays: the next one names it. */
export const OLD_RECEIPTS: ExpiredRows = {
  table: 'logout_receipts',
  removal: statement({
    name: 'receipts_remove_old',
    parameters: { before: 'timestamptz' },
    row: { removed: 'int' },
    plannedAnew: true,
    text: `
      WITH oldest AS MATERIALIZED (
        -- Time does not go back along the chain: where the first may stay, no other is looked at.
        SELECT r.sequence, r.issued_at FROM logout_receipts r
         WHERE (SELECT f.issued_at FROM logout_receipts f ORDER BY f.sequence LIMIT 1) < :before ORDER BY r.sequence LIMIT ${RETENTION_BATCH}
      ),
      edge AS MATERIALIZED (
        SELECT least(coalesce((SELECT min(o.sequence) FROM oldest o WHERE o.issued_at >= :before), (SELECT max(o.sequence) + 1 FROM oldest o)),
                     (SELECT max(r.sequence) FROM logout_receipts r)) AS sequence
      )
      DELETE FROM logout_receipts WHERE issued_at < :before
         AND sequence = ANY(ARRAY(SELECT o.sequence FROM oldest o, edge e WHERE o.sequence < e.sequence))
      RETURNING 1 AS removed`,
  }),
};

/** The newest receipt is of these days. */
export const NEWEST_IS_OF = statement({
  name: 'receipts_days_held',
  parameters: { from: 'timestamptz', to: 'timestamptz' },
  row: { held: 'boolean' },
  plannedAnew: true,
  text: `SELECT EXISTS (SELECT 1 FROM logout_receipts r WHERE r.issued_at >= :from AND r.issued_at < :to)
            AND NOT EXISTS (SELECT 1 FROM logout_receipts r WHERE r.issued_at >= :to) AS held`,
});

/** A missing receipt of a termination that is not there any more. */
export const ORPHANED_DEBTS = expiredRows({
  name: 'receipts_remove_orphaned',
  table: 'logout_receipts_owed',
  key: 'termination_id',
  condition: `termination_id < ${firstIdAt(':before')}`,
  along: 'termination_id',
});
