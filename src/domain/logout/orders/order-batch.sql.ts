import {
  fragment,
  sql,
  statement,
  typed,
  type RowOf,
  type Statement,
  type ValuesOf,
} from '../../../platform/database/statement.js';
import { participantsBeganAfter } from '../../sessions/sessions.sql.js';
import { revokeGrants } from '../../tokens/tokens.sql.js';
import type { LogoutInitiator } from '../command/logout.js';
import { endEach } from '../termination/terminate-each.sql.js';
import { AUDIT_TERMINATIONS } from '../termination/termination-audit.sql.js';
import { aboutParameters, beganBefore, byKind, type KindSql } from './order-kinds.sql.js';
import { slot } from './order-pace.sql.js';

const LOCK = { cursor: 'text?', limit: 'int' } as const;
const LOCKED = { id: 'uuid', cursor: 'text' } as const;

/**
 * The next sessions, locked, so that no application joins them meanwhile. Rows that another logout holds are waited for
 * and not skipped, since the cursor passes by them only once more.
 */
function lockBatch(name: string, kind: KindSql): Statement<never, RowOf<typeof LOCKED>> {
  const { cursor, cursorType } = kind;
  return statement({
    name: `logout_orders_lock_${name}`,
    parameters: { ...aboutParameters(kind), ...LOCK },
    row: LOCKED,
    text: `
    SELECT s.id, ${cursor}::text AS cursor FROM ${kind.from}
     WHERE ${kind.where} AND (:cursor IS NULL OR ${cursor} > :cursor::${cursorType})
     ORDER BY ${cursor} LIMIT :limit FOR NO KEY UPDATE OF s`,
  });
}

const TOTAL = { total: 'int' } as const;

function count(name: string, kind: KindSql): Statement<never, RowOf<typeof TOTAL>> {
  return statement({
    name: `logout_orders_count_${name}`,
    parameters: aboutParameters(kind),
    row: TOTAL,
    text: `SELECT count(*)::int AS total FROM ${kind.from} WHERE ${kind.where}`,
  });
}

const APPLY_PARAMETERS = {
  sessionIds: 'uuid[]',
  terminationIds: 'uuid[]',
  now: 'timestamptz',
  orderId: 'uuid',
  initiator: typed<LogoutInitiator>('jsonb'),
  /** Between two notices to one application. */
  seconds: 'float8',
  cursor: 'text',
} as const;

/** Makes room for what is in `pending` (client_id, place), application by application. */
const PACE = fragment({
  needs: ['pending'],
  gives: ['paced'],
  parameters: { orderId: 'uuid', now: 'timestamptz', seconds: 'float8' },
  text: `
     paced AS (
       INSERT INTO logout_order_applications AS p (order_id, client_id, deliveries, next_at)
       SELECT :orderId, client_id, count(*), :now + make_interval(secs => count(*) * :seconds)
         FROM pending GROUP BY client_id
       ON CONFLICT (order_id, client_id) DO UPDATE
         SET deliveries = p.deliveries + excluded.deliveries, next_at = greatest(p.next_at, :now) + (excluded.next_at - :now)
       RETURNING client_id, next_at, (SELECT count(*) FROM pending x WHERE x.client_id = p.client_id) AS many
     )`,
});

/**
 * One batch, of sessions that are locked: end them, revoke their grants, enqueue each application's notice, record each
 * session's end, and note how far we are; all of it or nothing.
 *
 * Notices are due one after another, each application's by itself: `:seconds` apart, after those that it already has
 * from this order.
 */
function apply(name: string, kind: KindSql): Statement<never, object> {
  const sessionsContinue = kind.toldOnly !== undefined;
  return statement({
    name: `logout_orders_apply_${name}`,
    parameters: { ...aboutParameters(kind), ...APPLY_PARAMETERS },
    text: sql`
     WITH ending AS MATERIALIZED (
       SELECT s.id, s.account_id, 'logout_order' AS cause, x.termination_id
         FROM unnest(:sessionIds, :terminationIds) AS x(id, termination_id) JOIN sessions s ON s.id = x.id
     ),
     ${endEach({
       grants: `${beganBefore('g')} AND ${kind.sessionGrants}`,
       told: kind.toldOnly ?? 'true',
       due: slot(':seconds'),
       schedule: { fragment: PACE, join: 'JOIN paced p ON p.client_id = o.client_id' },
       orderId: ':orderId',
       sessionsContinue,
     })},
     ${sessionsContinue ? sql`${participantsBeganAfter('sc.session_id = ANY(:sessionIds) AND sc.client_id = :targetId', ':number')},` : ''}
     batch AS (
       SELECT (SELECT count(*) FROM ending) AS sessions, (SELECT count(*) FROM revoked) AS grants, (SELECT count(*) FROM pending) AS notices,
              (SELECT max(next_at) FROM paced) AS last_notice_at
     )
     UPDATE logout_orders o SET state = 'running', cursor = :cursor, done = o.done + b.sessions, total = greatest(o.total, o.done + b.sessions),
            grants_revoked = o.grants_revoked + b.grants, deliveries = o.deliveries + b.notices,
            last_notice_at = greatest(o.last_notice_at, b.last_notice_at), next_step_at = :now
       FROM batch b WHERE o.id = :orderId`,
  });
}

const GRANTS_PARAMETERS = {
  cursor: 'uuid?',
  limit: 'int',
  now: 'timestamptz',
  orderId: 'uuid',
  terminationId: 'uuid',
  initiator: typed<LogoutInitiator>('jsonb'),
} as const;
const GRANTS = { grants: 'int' } as const;

/** The next grants that no ended session took with it: of sessions that were over before, of codes not yet redeemed. */
function revoke(name: string, kind: KindSql): Statement<never, RowOf<typeof GRANTS>> {
  return statement({
    name: `logout_orders_grants_${name}`,
    parameters: { ...aboutParameters(kind), ...GRANTS_PARAMETERS },
    row: GRANTS,
    text: sql`
     WITH due AS MATERIALIZED (
       SELECT g.id FROM grants g
        WHERE g.revoked_at IS NULL AND ${beganBefore('g')} AND ${kind.grants} AND (:cursor IS NULL OR g.id > :cursor)
        ORDER BY g.id LIMIT :limit FOR NO KEY UPDATE
     ),
     ${revokeGrants('g.id IN (SELECT id FROM due)', `'logout_order'`, ['due'])},
     record AS (
       INSERT INTO session_terminations (id, cause, initiator, account_id, sessions, grants_revoked, deliveries, occurred_at)
       SELECT :terminationId, 'logout_order', :initiator, CASE WHEN count(DISTINCT g.account_id) = 1 THEN min(g.account_id::text)::uuid END,
              0, count(*), 0, :now
         FROM revoked r JOIN grants g ON g.id = r.id HAVING count(*) > 0
       RETURNING *
     ),
     ${AUDIT_TERMINATIONS},
     moved AS (
       UPDATE logout_orders SET cursor = (SELECT max(id::text) FROM due), next_step_at = :now,
              grants_revoked = grants_revoked + (SELECT count(*) FROM revoked)
        WHERE id = :orderId AND EXISTS (SELECT 1 FROM due)
     )
     SELECT count(*)::int AS grants FROM due`,
  });
}

export const LOCK_BATCH = byKind<ValuesOf<typeof LOCK>, RowOf<typeof LOCKED>>(lockBatch);
export const COUNT = byKind<object, RowOf<typeof TOTAL>>(count);
export const APPLY = byKind<ValuesOf<typeof APPLY_PARAMETERS>, object>(apply);
export const REVOKE_GRANTS = byKind<ValuesOf<typeof GRANTS_PARAMETERS>, RowOf<typeof GRANTS>>(revoke);
