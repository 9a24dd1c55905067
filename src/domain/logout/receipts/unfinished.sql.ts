import { DAY } from '../../../platform/clock/durations.js';
import { firstIdAt } from '../../../platform/database/day-partitions.js';
import { statement } from '../../../platform/database/statement.js';
import { isInState } from '../notices/deliveries.sql.js';

/**
 * SQL about what of the ledger may not go yet, and for how long the rest of it is kept.
 */

export const LEDGER_KEPT_MS = 90 * DAY;

/** A notice of the termination is pending. */
export function hasPending(terminationId: string): string {
  return `EXISTS (SELECT 1 FROM logout_deliveries d WHERE d.termination_id = ${terminationId} AND ${isInState('d', 'pending')})`;
}

/** A notice of the termination is pending, or it lacks its receipt. */
export function isUnfinished(terminationId: string): string {
  return `(${hasPending(terminationId)} OR EXISTS (SELECT 1 FROM logout_receipts_owed o WHERE o.termination_id = ${terminationId}))`;
}

/** Whether a termination of these days is unfinished: then its record stays, and so do the notices of it. */
export const DAYS_HELD = statement({
  name: 'logout_days_held',
  parameters: { from: 'timestamptz', to: 'timestamptz' },
  row: { held: 'boolean' },
  plannedAnew: true,
  text: `
    SELECT EXISTS (SELECT 1 FROM logout_receipts_owed o
                    WHERE o.termination_id >= ${firstIdAt(':from')} AND o.termination_id < ${firstIdAt(':to')})
        OR EXISTS (SELECT 1 FROM logout_deliveries d WHERE d.state = 'pending'
                      AND d.termination_id >= ${firstIdAt(':from')} AND d.termination_id < ${firstIdAt(':to')}) AS held`,
});
