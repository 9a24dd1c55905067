import { fragment, typed, type Fragment, type ValuesOf } from '../database/statement.js';
import type { AuditDetails, AuditEventName } from './audit-event.js';

/**
 * SQL about `audit_events` that other modules put into their own statements, where a second round trip would cost more
 * than the record of it is worth.
 */

/**
 * Each row of the query `source` (id, at, details) is on record as `event`: CTE `audited`. The ids are UUIDs of version 7.
 *
 * @param needs the CTEs that `source` reads
 */
export function recordEvents(event: AuditEventName, source: string, needs: readonly string[]): Fragment {
  return fragment({
    needs,
    gives: ['audited'],
    text: `
     audited AS (
       INSERT INTO audit_events (id, at, event, outcome, details)
       SELECT x.id, x.at, '${event}', 'done', x.details FROM (${source}) x
     )`,
  });
}

/** An event as `AuditLog.rowOf` made it, as parameters of a statement that puts it on record by {@link recordEvents}. */
export const AUDITED = { auditId: 'uuid', auditDetails: typed<AuditDetails>('jsonb') } as const;

export type AuditedRow = ValuesOf<typeof AUDITED>;
