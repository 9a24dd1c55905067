import { firstIdAt } from '../../../platform/database/day-partitions.js';
import { limitAlongIndex } from '../../../platform/database/sql-text.js';
import { sql, statement } from '../../../platform/database/statement.js';
import { REOPEN_RECEIPTS } from '../receipts/receipts.sql.js';
import { AGES_FROM } from './deliveries.sql.js';
import { NOTE_HEALTH } from './delivery-breaker.sql.js';
import { listed } from '../../../platform/database/sql-text.js';

/**
 * Any number of results at once; returns for each, by its place, how the breaker of its application has changed.
 *
 * A notice that was accepted leaves for the ledger, with the attempt that it was accepted by; attempts that failed are rows
 * of their own. A delivery that has ended stays as it ended, and an attempt is recorded once: another node may have taken
 * over a claim that lapsed. What the results say about the applications goes to their breakers.
 */
export const RECORD = statement({
  name: 'logout_deliveries_record',
  parameters: {
    deliveryId: 'uuid[]',
    clientId: 'text[]',
    number: 'int[]',
    jti: 'text[]',
    startedAt: 'timestamptz[]',
    durationMs: 'int[]',
    status: 'int[]',
    errorCode: 'text[]',
    state: 'text[]',
    nextAttemptAt: 'timestamptz[]',
    health: 'text[]',
    probe: 'boolean[]',
    retryAfterMs: 'int[]',
    now: 'timestamptz',
    threshold: 'int',
    jitter: 'float8',
  },
  row: { place: 'int', changed: 'boolean', open_until: 'timestamptz?' },
  text: sql`
   WITH r AS (
     SELECT x.* FROM ${listed(':deliveryId', ':clientId', ':number', ':jti', ':startedAt', ':durationMs', ':status', ':errorCode', ':state', ':nextAttemptAt', ':health', ':probe', ':retryAfterMs')}
       WITH ORDINALITY AS x(delivery_id, client_id, number, jti, started_at, duration_ms, status, error_code, state, next_attempt_at, health, probe, retry_after_ms, place)
      ORDER BY x.delivery_id
   ), accepted AS (
     DELETE FROM logout_deliveries d USING r WHERE d.id = r.delivery_id AND d.state = 'pending' AND r.state = 'delivered'
     RETURNING d.id, d.termination_id, d.client_id, d.account_id, d.sub, d.sid, d.created_at, d.resent_at,
               greatest(d.attempts + 1, r.number) AS attempts, r.jti, r.started_at, r.duration_ms, r.status
   ), delivered AS (
     INSERT INTO logout_delivered (id, termination_id, client_id, account_id, sub, sid, attempts, created_at, resent_at, finished_at,
                                   jti, started_at, duration_ms, status, random_id)
     SELECT a.id, a.termination_id, a.client_id, a.account_id, a.sub, a.sid, a.attempts, a.created_at, a.resent_at, :now,
            a.jti, a.started_at, a.duration_ms, a.status, left(a.id::text, 13) <> left(a.termination_id::text, 13)
       FROM accepted a
   ), updated AS (
     UPDATE logout_deliveries d
        SET state = r.state, attempts = greatest(d.attempts + 1, r.number), next_attempt_at = r.next_attempt_at, last_error = r.error_code,
            claimed_until = NULL, finished_at = CASE WHEN r.state = 'pending' THEN NULL ELSE :now END
       FROM r WHERE d.id = r.delivery_id AND d.state = 'pending' AND r.state <> 'delivered' AND (r.state <> 'pending' OR d.attempts < r.number)
     RETURNING d.id, d.attempts, d.termination_id, r.state, d.resent_at, r.jti, r.started_at, r.duration_ms, r.status, r.error_code
   ),
   ended AS (
     SELECT a.termination_id, a.resent_at FROM accepted a
      UNION ALL SELECT u.termination_id, u.resent_at FROM updated u WHERE u.state <> 'pending'
   ),
   ${REOPEN_RECEIPTS},
   written AS (
     INSERT INTO logout_delivery_attempts (delivery_id, number, jti, started_at, duration_ms, status, error_code)
     SELECT u.id, u.attempts, u.jti, u.started_at, u.duration_ms, u.status, u.error_code FROM updated u
   ), outcomes AS (
     SELECT r.client_id, bool_or(r.health = 'alive') AS alive, count(*) FILTER (WHERE r.health = 'failing')::int AS failures,
            bool_or(r.probe) AS probe, max(r.retry_after_ms) AS retry_after_ms,
            max(r.error_code) FILTER (WHERE r.health = 'failing') AS error_code
       FROM r WHERE r.health IS NOT NULL AND EXISTS (SELECT 1 FROM clients c WHERE c.client_id = r.client_id) GROUP BY r.client_id
   ),
   ${NOTE_HEALTH},
   changes AS (
     SELECT f.client_id, f.probe_at AS open_until FROM failing f WHERE f.opened_at IS NOT NULL
      UNION ALL SELECT c.client_id, NULL FROM closed c
   )
   SELECT r.place::int AS place, c.client_id IS NOT NULL AS changed, c.open_until FROM r LEFT JOIN changes c ON c.client_id = r.client_id`,
});

/** Older than a notice may get, and kept waiting by a breaker: no attempt is going to find that out. The oldest first. */
export const ABANDON_OLD = statement({
  name: 'logout_deliveries_abandon_old',
  parameters: { clientId: 'text', now: 'timestamptz', createdBefore: 'timestamptz', limit: 'int' },
  row: { termination_id: 'uuid', ended: 'int' },
  text: sql`
   WITH ended AS (
     UPDATE logout_deliveries d SET state = 'abandoned', finished_at = :now, last_error = coalesce(d.last_error, 'breaker_open')
      WHERE d.state = 'pending' AND d.id = ANY(ARRAY(
              SELECT d.id FROM logout_deliveries d
               WHERE d.state = (SELECT 'pending') AND d.client_id = :clientId AND d.termination_id < ${firstIdAt(`(:createdBefore + interval '1 hour')`)}
                 AND d.next_attempt_at <= :now AND ${AGES_FROM} < :createdBefore
               ORDER BY d.termination_id, d.id ${limitAlongIndex(':limit')}))
     RETURNING d.termination_id, d.resent_at
   ),
   ${REOPEN_RECEIPTS}
   SELECT DISTINCT termination_id, (SELECT count(*)::int FROM ended) AS ended FROM ended`,
});
