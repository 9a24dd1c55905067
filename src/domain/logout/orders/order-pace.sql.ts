import { sql, statement } from '../../../platform/database/statement.js';
import { HELD_BACK } from '../../../platform/epochs/epochs.sql.js';

/** When notice `o.place` of the `p.many` that were just made room for is due; `seconds` lie between two of them. */
export function slot(seconds: string): string {
  return `p.next_at - make_interval(secs => (p.many - o.place + 1) * ${seconds})`;
}

/** Holds notices back that no process is sending. */
export const HOLD = statement({
  name: 'logout_orders_hold',
  parameters: { orderId: 'uuid', limit: 'int', now: 'timestamptz' },
  row: { id: 'uuid' },
  text: `
   WITH due AS (
     SELECT d.id FROM logout_deliveries d WHERE d.order_id = :orderId AND d.state = 'pending' AND d.next_attempt_at < ${HELD_BACK}
        AND (d.claimed_until IS NULL OR d.claimed_until <= :now)
      LIMIT :limit FOR UPDATE SKIP LOCKED
   )
   UPDATE logout_deliveries d SET next_attempt_at = ${HELD_BACK} FROM due WHERE d.id = due.id RETURNING d.id`,
});

/** Gives notices that were held back new times. */
export const RELEASE = statement({
  name: 'logout_orders_release',
  parameters: { now: 'timestamptz', orderId: 'uuid', limit: 'int', seconds: 'float8' },
  row: { released: 'int' },
  text: sql`
   WITH held AS MATERIALIZED (
     SELECT d.id, d.client_id FROM logout_deliveries d
      WHERE d.order_id = :orderId AND d.state = 'pending' AND d.next_attempt_at >= ${HELD_BACK} LIMIT :limit FOR UPDATE
   ),
   pending AS MATERIALIZED (SELECT id, client_id, row_number() OVER (PARTITION BY client_id ORDER BY id) AS place FROM held),
   room AS MATERIALIZED (SELECT client_id, count(*) AS many FROM pending GROUP BY client_id),
   paced AS (
     UPDATE logout_order_applications p SET next_at = greatest(p.next_at, :now) + make_interval(secs => r.many * :seconds)
       FROM room r WHERE p.order_id = :orderId AND p.client_id = r.client_id RETURNING p.client_id, p.next_at, r.many
   ),
   moved AS (
     UPDATE logout_deliveries d SET next_attempt_at = ${slot(':seconds')}, ages_from = ${slot(':seconds')}
       FROM pending o JOIN paced p ON p.client_id = o.client_id WHERE d.id = o.id
   ),
   noted AS (
     UPDATE logout_orders SET last_notice_at = greatest(last_notice_at, (SELECT max(next_at) FROM paced)) WHERE id = :orderId
   )
   SELECT count(*)::int AS released FROM pending`,
});

/** Gives an order's applications new times from now on, after what the pause did not reach, and lets it continue. */
export const RESUME = statement({
  name: 'logout_orders_resume',
  parameters: { id: 'uuid', now: 'timestamptz' },
  row: { id: 'uuid' },
  text: `
   WITH fresh AS (
     UPDATE logout_order_applications p SET next_at = greatest(:now, w.last)
       FROM logout_order_applications x LEFT JOIN (
              SELECT d.client_id, max(d.next_attempt_at) AS last FROM logout_deliveries d
               WHERE d.order_id = :id AND d.state = 'pending' AND d.next_attempt_at < ${HELD_BACK} GROUP BY d.client_id
            ) w ON w.client_id = x.client_id
      WHERE x.order_id = :id AND p.order_id = x.order_id AND p.client_id = x.client_id
        AND EXISTS (SELECT 1 FROM logout_orders o WHERE o.id = :id AND o.state = 'paused')
     RETURNING p.next_at
   )
   UPDATE logout_orders SET state = CASE WHEN total IS NULL THEN 'queued' ELSE 'running' END, next_step_at = :now,
          last_notice_at = (SELECT max(next_at) FROM fresh)
    WHERE id = :id AND state = 'paused' RETURNING id`,
});
