import {
  fragment,
  sql,
  statement,
  typed,
  type RowOf,
  type Statement,
  type ValuesOf,
} from '../../../platform/database/statement.js';
import { participantsBeganAfter, sessionIsUnterminated } from '../../sessions/sessions.sql.js';
import { revokeGrants } from '../../tokens/tokens.sql.js';
import type { LogoutInitiator, TerminationCause } from '../command/logout.js';
import { OWE_RECEIPTS } from '../receipts/receipts.sql.js';
import { endEach } from '../termination/terminate-each.sql.js';
import { AUDIT_TERMINATIONS } from '../termination/termination-audit.sql.js';
import { aboutParameters, beganBefore, byKind, type KindSql } from './order-kinds.sql.js';
import { slot } from './order-pace.sql.js';
import { ALL_LOOKED, LAST_LOOKED, lookAt } from './order-walk.sql.js';
import { listed } from '../../../platform/database/sql-text.js';

const WALK = { cursor: 'text?', look: 'int' } as const;
const LOCK = { ...WALK, limit: 'int' } as const;
const LOCKED = { account_ids: 'uuid[]', session_ids: 'uuid[]', cursor: 'text?', finished: 'boolean' } as const;

/** Of the rows in `looked` those that name sessions which are not on record as over. */
function dueSessions(limit: string): string {
  return `
       SELECT l.account_id, l.session_id, l.cursor FROM looked l JOIN sessions s ON s.account_id = l.account_id AND s.id = l.session_id
        WHERE l.due AND ${sessionIsUnterminated('s')} ORDER BY l.cursor COLLATE "C" ${limit}`;
}

/**
 * The next sessions, locked, so that no application joins them meanwhile. Rows that another logout holds are waited for
 * and not skipped, since the cursor passes by them only once more.
 */
function lockBatch(name: string, kind: KindSql): Statement<never, RowOf<typeof LOCKED>> {
  return statement({
    name: `logout_orders_lock_${name}`,
    parameters: { ...aboutParameters(kind), ...LOCK },
    row: LOCKED,
    text: `
     WITH ${lookAt(kind.sessions, `x.account_id, ${kind.sessions.sessionId} AS session_id`)},
     due AS MATERIALIZED (${dueSessions('LIMIT :limit')}),
     locked AS MATERIALIZED (
       SELECT s.account_id, s.id FROM sessions s
        WHERE (s.account_id, s.id) IN (SELECT account_id, session_id FROM due) AND ${sessionIsUnterminated('s')}
        ORDER BY s.account_id, s.id FOR NO KEY UPDATE OF s
     ),
     full_batch AS (SELECT count(*) = :limit AS yes FROM due)
     SELECT (SELECT coalesce(array_agg(account_id ORDER BY account_id, id), '{}') FROM locked) AS account_ids,
            (SELECT coalesce(array_agg(id ORDER BY account_id, id), '{}') FROM locked) AS session_ids,
            CASE WHEN b.yes THEN (SELECT max(cursor COLLATE "C") FROM due) ELSE ${LAST_LOOKED} END AS cursor,
            NOT b.yes AND ${ALL_LOOKED} AS finished
       FROM full_batch b`,
  });
}

const COUNTED = { sessions: 'int', cursor: 'text?', finished: 'boolean' } as const;

/** How many sessions are due among the next rows. */
function count(name: string, kind: KindSql): Statement<never, RowOf<typeof COUNTED>> {
  return statement({
    name: `logout_orders_count_${name}`,
    parameters: { ...aboutParameters(kind), ...WALK },
    row: COUNTED,
    text: `
     WITH ${lookAt(kind.sessions, `x.account_id, ${kind.sessions.sessionId} AS session_id`)}
     SELECT (SELECT count(DISTINCT d.session_id)::int FROM (${dueSessions('')}) d) AS sessions, ${LAST_LOOKED} AS cursor,
            ${ALL_LOOKED} AS finished`,
  });
}

const APPLY_PARAMETERS = {
  accountIds: 'uuid[]',
  sessionIds: 'uuid[]',
  terminationIds: 'uuid[]',
  now: 'timestamptz',
  orderId: 'uuid',
  initiator: typed<LogoutInitiator>('jsonb'),
  /** Between two notices to one application. */
  seconds: 'float8',
  cursor: 'text?',
  cause: typed<TerminationCause>('text'),
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
    ends: true,
    parameters: { ...aboutParameters(kind), ...APPLY_PARAMETERS },
    text: sql`
     WITH ending AS MATERIALIZED (
       SELECT s.id, s.account_id, :cause AS cause, x.termination_id
         FROM ${listed(':accountIds', ':sessionIds', ':terminationIds')} AS x(account_id, id, termination_id)
         JOIN sessions s ON s.account_id = x.account_id AND s.id = x.id
     ),
     ${endEach({
       grants: `${beganBefore('g')} AND ${kind.sessionGrants}`,
       told: kind.toldOnly ?? 'true',
       due: slot(':seconds'),
       schedule: { fragment: PACE, join: 'JOIN paced p ON p.client_id = o.client_id' },
       orderId: ':orderId',
       parameters: { orderId: 'uuid', seconds: 'float8' },
       sessionsContinue,
     })},
     ${sessionsContinue ? sql`${participantsBeganAfter('(sc.account_id, sc.session_id) IN (SELECT account_id, id FROM ending) AND sc.client_id IS NOT DISTINCT FROM :targetId', ':number')},` : ''}
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
  ...LOCK,
  now: 'timestamptz',
  orderId: 'uuid',
  terminationId: 'uuid',
  initiator: typed<LogoutInitiator>('jsonb'),
  cause: typed<TerminationCause>('text'),
} as const;
const GRANTS = { grants: 'int', finished: 'boolean' } as const;

/** The next grants that no ended session took with it: of sessions that were over before, of codes not yet redeemed. */
function revoke(name: string, kind: KindSql): Statement<never, RowOf<typeof GRANTS>> {
  return statement({
    name: `logout_orders_grants_${name}`,
    ends: true,
    parameters: { ...aboutParameters(kind), ...GRANTS_PARAMETERS },
    row: GRANTS,
    text: sql`
     WITH ${lookAt(kind.grants, 'x.account_id, x.id')},
     due AS MATERIALIZED (
       SELECT l.account_id, l.id, l.cursor FROM looked l WHERE l.due ORDER BY l.cursor COLLATE "C" LIMIT :limit
     ),
     full_batch AS (SELECT count(*) = :limit AS yes FROM due),
     ${revokeGrants('(g.account_id, g.id) IN (SELECT account_id, id FROM due)', ':cause', ['due'])},
     record AS (
       INSERT INTO session_terminations (id, cause, initiator, account_id, sessions, grants_revoked, deliveries, occurred_at)
       SELECT :terminationId, :cause, :initiator, CASE WHEN count(DISTINCT d.account_id) = 1 THEN min(d.account_id::text)::uuid END,
              0, count(*), 0, :now
         FROM revoked r JOIN due d ON d.id = r.id HAVING count(*) > 0
       RETURNING *
     ),
     ${OWE_RECEIPTS},
     ${AUDIT_TERMINATIONS},
     moved AS (
       UPDATE logout_orders SET next_step_at = :now, grants_revoked = grants_revoked + (SELECT count(*) FROM revoked),
              cursor = coalesce(CASE WHEN b.yes THEN (SELECT max(cursor COLLATE "C") FROM due) ELSE ${LAST_LOOKED} END, logout_orders.cursor)
         FROM full_batch b WHERE id = :orderId
     )
     SELECT (SELECT count(*)::int FROM revoked) AS grants, NOT b.yes AND ${ALL_LOOKED} AS finished FROM full_batch b`,
  });
}

export const LOCK_BATCH = byKind<ValuesOf<typeof LOCK>, RowOf<typeof LOCKED>>(lockBatch);
export const COUNT = byKind<ValuesOf<typeof WALK>, RowOf<typeof COUNTED>>(count);
export const APPLY = byKind<ValuesOf<typeof APPLY_PARAMETERS>, object>(apply);
export const REVOKE_GRANTS = byKind<ValuesOf<typeof GRANTS_PARAMETERS>, RowOf<typeof GRANTS>>(revoke);
