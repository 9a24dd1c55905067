import {
  fragment,
  sql,
  statement,
  typed,
  type Fragment,
  type RowOf,
  type Statement,
  type ValuesOf,
} from '../../../platform/database/statement.js';
import type { Parameters } from '../../../platform/database/sql-types.js';
import { howClientIsNotified } from '../../clients/clients.sql.js';
import { sessionAsSeen, sessionIsUnterminated, terminateSessions } from '../../sessions/sessions.sql.js';
import { revokeGrants } from '../../tokens/tokens.sql.js';
import type { LogoutInitiator, TerminationCause } from '../command/logout.js';
import { enqueueNotices } from '../notices/deliveries.sql.js';
import { OWE_RECEIPTS } from '../receipts/receipts.sql.js';
import { AUDIT_TERMINATIONS } from './termination-audit.sql.js';
import { withoutNoticeOfEach } from './without-notice.sql.js';

/** How {@link endEach} differs from one caller to the next, in expressions of the surrounding statement. */
export interface EndEach {
  /** Which grants `g` of these sessions fall. */
  readonly grants: string;
  /** Which participants `sc`, whose client is `c`, it is over for. */
  readonly told: string;
  /** When the notice for the participant `o` (client_id, place) is due. `place` counts each client's, from one. */
  readonly due: string;
  /** A fragment that `due` needs, and what `o` is joined with to get at it. */
  readonly schedule?: { readonly fragment: Fragment; readonly join: string };
  readonly orderId?: string;
  /** Which `due` and `orderId` take. */
  readonly parameters: Parameters;
  /** They are not over: grants fall and participants are notified, no more. */
  readonly sessionsContinue?: boolean;
}

/**
 * The logout of many sessions, each by a record of its own: CTEs `ended`, `revoked`, `participants`, `pending` (those of
 * them that have a notice), `notices`, `record` (the terminations), `owed` and `audited`. No person's browser is there.
 * `ending` (id, account_id, cause, termination_id) is of sessions that are locked and whose participants the statement
 * sees. Takes `:now` and `:initiator`.
 */
export function endEach(each: EndEach): Fragment {
  const { schedule } = each;
  const sessionsContinue = each.sessionsContinue === true;
  return fragment({
    needs: ['ending'],
    gives: [
      ...(sessionsContinue ? [] : ['ended']),
      'revoked',
      'participants',
      'pending',
      ...(schedule?.fragment.gives ?? []),
      'notices',
      'record',
      'owed',
      'audited',
    ],
    parameters: { now: 'timestamptz', initiator: 'jsonb', ...each.parameters },
    text: sql`
     ${sessionsContinue ? '' : sql`${terminateSessions('true')},`}
     ${revokeGrants(
       `(g.account_id, g.session_id) IN (SELECT account_id, id FROM ending) AND ${each.grants}`,
       '(SELECT e.cause FROM ending e WHERE e.account_id = g.account_id AND e.id = g.session_id)',
       ['ending'],
     )},
     participants AS MATERIALIZED (
       SELECT e.termination_id, e.account_id, e.cause, sc.client_id, sc.sid, ${howClientIsNotified('c', 'e.cause', 'false')} AS told
         FROM ending e JOIN session_clients sc ON sc.account_id = e.account_id AND sc.session_id = e.id JOIN clients c ON c.client_id = sc.client_id
        WHERE ${each.told}
     ),
     pending AS MATERIALIZED (
       SELECT p.termination_id, p.account_id, p.cause, p.client_id, p.sid,
              row_number() OVER (PARTITION BY p.client_id ORDER BY p.termination_id) AS place
         FROM participants p WHERE p.told = 'back_channel'
     ),
     ${schedule === undefined ? '' : sql`${schedule.fragment},`}
     ${enqueueNotices({
       source: 'o',
       from: `pending o ${schedule?.join ?? ''}`,
       needs: ['pending', ...(schedule?.fragment.gives ?? [])],
       parameters: each.parameters,
       cause: 'o.cause',
       due: each.due,
       ...(each.orderId === undefined ? {} : { orderId: each.orderId }),
     })},
     record AS (
       INSERT INTO session_terminations (id, cause, initiator, account_id, sessions, grants_revoked, deliveries, without_notice, occurred_at)
       SELECT e.termination_id, e.cause, :initiator, e.account_id, ${sessionsContinue ? 0 : 1}, coalesce(r.n, 0), coalesce(d.n, 0),
              coalesce(w.list, '[]'), :now
         FROM ending e
         LEFT JOIN (SELECT session_id, count(*) AS n FROM revoked GROUP BY session_id) r ON r.session_id = e.id
         LEFT JOIN (SELECT termination_id, count(*) AS n FROM notices GROUP BY termination_id) d ON d.termination_id = e.termination_id
         LEFT JOIN ${withoutNoticeOfEach('participants')} w ON w.termination_id = e.termination_id
        ${sessionsContinue ? 'WHERE r.n > 0 OR d.n > 0' : ''}
       RETURNING *
     ),
     ${OWE_RECEIPTS},
     ${AUDIT_TERMINATIONS}`,
  });
}

const PARAMETERS = {
  now: 'timestamptz',
  /** As many as sessions may end. */
  terminationIds: 'uuid[]',
  initiator: typed<LogoutInitiator>('jsonb'),
  /** When the notices are due. */
  claimedUntil: 'timestamptz',
  revokesOfflineGrants: 'boolean',
} as const;

const ROW = {
  cause: typed<TerminationCause>('text'),
  sessions: 'int',
  grants_revoked: 'int',
  deliveries: 'int',
} as const;

/** What ends sessions by {@link terminateEachStatement}; `Own` are the values that say which. */
export type TerminateEach<Own> = Statement<ValuesOf<typeof PARAMETERS> & Own, RowOf<typeof ROW>>;

/**
 * The logout of many sessions as one statement, by the same rules as the logout of one (decision 3), but with a record
 * for each session and the cause that `cause` gives it.
 *
 * Sessions that another statement is ending or using at this moment are skipped, not waited for, so that any number of
 * nodes share the work. A statement sees the database as it was when it began: a session that an application has
 * joined since is left alone (`sessionAsSeen`), and is found by the next run.
 *
 * @param selection SQL about the session `s`: `condition` finds it and wants an index; `:now` is known, and what
 *   `parameters` adds
 */
export function terminateEachStatement<const P extends Parameters>(
  name: string,
  selection: { readonly parameters: P; readonly condition: string; readonly cause: string; readonly order: string },
): TerminateEach<ValuesOf<P>> {
  const parameters: typeof PARAMETERS & P = { ...PARAMETERS, ...selection.parameters };
  const made: Statement<never, RowOf<typeof ROW>> = statement({
    name: `logout_terminate_each_${name}`,
    ends: true,
    parameters,
    row: ROW,
    text: sql`
     WITH locked AS MATERIALIZED (
       SELECT s.id, s.account_id, s.client_count, ${selection.cause} AS cause
         FROM sessions s
        WHERE ${sessionIsUnterminated('s')} AND ${selection.condition}
        ORDER BY ${selection.order} LIMIT cardinality(:terminationIds) FOR NO KEY UPDATE OF s SKIP LOCKED
     ),
     ending AS MATERIALIZED (
       -- The ids are given, since those of terminations are in the order of time.
       SELECT l.id, l.account_id, l.cause, (:terminationIds)[row_number() OVER (ORDER BY l.id)] AS termination_id
         FROM locked l
        WHERE ${sessionAsSeen('l')}
     ),
     ${endEach({
       grants: '(NOT g.offline OR :revokesOfflineGrants)',
       told: 'true',
       due: ':claimedUntil',
       parameters: { claimedUntil: 'timestamptz' },
     })}
     SELECT cause, count(*)::int AS sessions, sum(grants_revoked)::int AS grants_revoked, sum(deliveries)::int AS deliveries
       FROM record GROUP BY cause`,
  });
  return made as TerminateEach<ValuesOf<P>>;
}
