import { howClientIsTold } from '../../clients/clients.sql.js';
import { statement, type PositionalStatement } from '../../../platform/database/statement.js';
import { sessionAsSeen, terminateSessions } from '../../sessions/sessions.sql.js';
import { revokeGrants } from '../../tokens/tokens.sql.js';
import { auditTerminations } from './termination-audit.sql.js';
import { withoutNoticeOfEach } from './told.sql.js';

/** How {@link endEach} differs from one caller to the next. Placeholders are those of the surrounding statement. */
export interface EndEach {
  readonly now: string;
  readonly initiator: string;
  /** Which grants `g` of these sessions fall. */
  readonly grants: string;
  /** Which participants `sc`, whose client is `c`, it is over for. */
  readonly told: string;
  /** When the notice for the participant `o` (client_id, place) is due. `place` counts each client's, from one. */
  readonly due: string;
  /** CTEs that `due` needs, and what `o` is joined with to get at them. */
  readonly schedule?: { readonly ctes: string; readonly join: string } | undefined;
  readonly orderId?: string | undefined;
  /** They are not over: grants fall and participants are told, no more. */
  readonly goOn?: boolean | undefined;
}

/**
 * CTEs for the logout of many sessions, each by a record of its own: `ended`, `revoked`, `participants`, `owed` (those of
 * them that are owed a notice), `notices`, `record` (the terminations) and `audited`. Nobody's browser is there. `ending` (id, account_id, cause, termination_id) is a CTE before it, of sessions
 * that are locked and whose participants the statement sees.
 */
export function endEach(each: EndEach): string {
  const { now, schedule } = each;
  const goOn = each.goOn === true;
  return `
     ${goOn ? '' : `${terminateSessions('ending', now, 'x.termination_id')},`}
     ${revokeGrants(
       `g.session_id IN (SELECT id FROM ending) AND ${each.grants}`,
       now,
       '(SELECT e.cause FROM ending e WHERE e.id = g.session_id)',
     )},
     participants AS MATERIALIZED (
       SELECT e.termination_id, e.account_id, sc.client_id, sc.sid, ${howClientIsTold('c', 'e.cause', 'false')} AS told
         FROM ending e JOIN session_clients sc ON sc.session_id = e.id JOIN clients c ON c.client_id = sc.client_id
        WHERE ${each.told}
     ),
     owed AS MATERIALIZED (
       SELECT p.termination_id, p.account_id, p.client_id, p.sid,
              row_number() OVER (PARTITION BY p.client_id ORDER BY p.termination_id) AS place
         FROM participants p WHERE p.told = 'back_channel'
     ),
     ${schedule === undefined ? '' : `${schedule.ctes},`}
     notices AS (
       INSERT INTO logout_deliveries (id, termination_id, client_id, sub, sid, state, attempts, next_attempt_at, created_at, order_id, ages_from)
       SELECT gen_random_uuid(), o.termination_id, o.client_id, o.account_id::text, o.sid, 'pending', 0, ${each.due}, ${now}, ${each.orderId ?? 'NULL::uuid'}, ${each.orderId === undefined ? 'NULL::timestamptz' : each.due}
         FROM owed o ${schedule?.join ?? ''}
       RETURNING termination_id
     ),
     record AS (
       INSERT INTO session_terminations (id, cause, initiator, account_id, sessions, grants_revoked, deliveries, without_notice, occurred_at)
       SELECT e.termination_id, e.cause, ${each.initiator}, e.account_id, ${goOn ? 0 : 1}, coalesce(r.n, 0), coalesce(d.n, 0),
              coalesce(w.list, '[]'), ${now}
         FROM ending e
         LEFT JOIN (SELECT session_id, count(*) AS n FROM revoked GROUP BY session_id) r ON r.session_id = e.id
         LEFT JOIN (SELECT termination_id, count(*) AS n FROM notices GROUP BY termination_id) d ON d.termination_id = e.termination_id
         LEFT JOIN ${withoutNoticeOfEach('participants')} w ON w.termination_id = e.termination_id
        ${goOn ? 'WHERE r.n > 0 OR d.n > 0' : ''}
       RETURNING *
     ),
     ${auditTerminations('record')}`;
}

/**
 * The logout of many sessions as one statement, by the same rules as the logout of one (decision 3), but with a record
 * for each session and the cause that `cause` gives it.
 *
 * Sessions that somebody else is ending or using at this moment are skipped, not waited for, so that any number of
 * nodes share the work. A statement sees the database as it was when it began: a session that an application has
 * joined since is left alone (`sessionAsSeen`), and is found by the next run.
 *
 * @param selection SQL about the session `s`: `condition` finds it and wants an index. `$1` is now; parameters of its own
 *   begin at `$6`.
 */
export function terminateEachStatement(
  name: string,
  selection: { readonly condition: string; readonly cause: string; readonly order: string },
): PositionalStatement {
  return statement(
    `logout_terminate_each_${name}`,
    `WITH locked AS MATERIALIZED (
       SELECT s.id, s.account_id, s.client_count, ${selection.cause} AS cause
         FROM sessions s
        WHERE s.terminated_at IS NULL AND ${selection.condition}
        ORDER BY ${selection.order} LIMIT cardinality($2::uuid[]) FOR NO KEY UPDATE OF s SKIP LOCKED
     ),
     ending AS MATERIALIZED (
       -- The ids are given, since those of terminations are in the order of time.
       SELECT l.id, l.account_id, l.cause, ($2::uuid[])[row_number() OVER (ORDER BY l.id)] AS termination_id
         FROM locked l
        WHERE ${sessionAsSeen('l')}
     ),
     ${endEach({
       now: '$1::timestamptz',
       initiator: '$3::jsonb',
       grants: '(NOT g.offline OR $5::boolean)',
       told: 'true',
       due: '$4::timestamptz',
     })}
     SELECT cause, count(*)::int AS sessions, sum(grants_revoked)::int AS grants_revoked, sum(deliveries)::int AS deliveries
       FROM record GROUP BY cause`,
  );
}
