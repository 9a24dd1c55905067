import { clientHearsOf } from '../clients/clients.sql.js';
import { statement, type Statement } from '../database/statement.js';
import { terminateSessions } from '../sessions/sessions.sql.js';
import { revokeGrants } from '../tokens/tokens.sql.js';
import { auditTerminations } from './termination-audit.sql.js';

/**
 * The logout of many sessions as one statement, by the same rules as the logout of one (decision 3), but with a record
 * for each session and the cause that `cause` gives it.
 *
 * Sessions that somebody else is ending or using at this moment are skipped, not waited for, so that any number of
 * nodes share the work. A statement sees the database as it was when it began: a session that an application has
 * joined since shows it by its `client_count`, is left alone, and is found by the next run.
 *
 * @param selection SQL about the session `s`: `condition` finds it and wants an index. `$1` is now; parameters of its own
 *   begin at `$7`.
 */
export function terminateEachStatement(
  name: string,
  selection: { readonly condition: string; readonly cause: string; readonly order: string },
): Statement {
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
        WHERE l.client_count = (SELECT count(*) FROM session_clients sc WHERE sc.session_id = l.id)
     ),
     ${terminateSessions('ending', '$1::timestamptz', 'x.termination_id')},
     ${revokeGrants(
       `g.session_id IN (SELECT id FROM ending) AND (NOT g.offline OR $5::boolean)`,
       '$1',
       '(SELECT e.cause FROM ending e WHERE e.id = g.session_id)',
     )},
     notices AS (
       INSERT INTO logout_deliveries (id, termination_id, client_id, sub, sid, state, attempts, next_attempt_at, created_at)
       SELECT gen_random_uuid(), e.termination_id, sc.client_id, e.account_id::text, sc.sid, 'pending', 0, $4::timestamptz, $1
         FROM ending e JOIN session_clients sc ON sc.session_id = e.id JOIN clients c ON c.client_id = sc.client_id
        WHERE ${clientHearsOf('c', 'e.cause')}
          AND ($6::text IS NULL OR NOT starts_with((c.metadata ->> 'backchannel_logout_uri') || '/', $6 || '/'))
       RETURNING termination_id
     ),
     record AS (
       INSERT INTO session_terminations (id, cause, initiator, account_id, sessions, grants_revoked, deliveries, occurred_at)
       SELECT e.termination_id, e.cause, $3::jsonb, e.account_id, 1, coalesce(r.n, 0), coalesce(d.n, 0), $1
         FROM ending e
         LEFT JOIN (SELECT session_id, count(*) AS n FROM revoked GROUP BY session_id) r ON r.session_id = e.id
         LEFT JOIN (SELECT termination_id, count(*) AS n FROM notices GROUP BY termination_id) d ON d.termination_id = e.termination_id
       RETURNING *
     ),
     ${auditTerminations('record')}
     SELECT cause, count(*)::int AS sessions, sum(grants_revoked)::int AS grants_revoked, sum(deliveries)::int AS deliveries
       FROM record GROUP BY cause`,
  );
}
