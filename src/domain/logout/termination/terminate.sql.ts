import {
  sql,
  statement,
  typed,
  type RowOf,
  type Statement,
  type ValuesOf,
} from '../../../platform/database/statement.js';
import { clientHasFrontChannel, howClientIsNotified } from '../../clients/clients.sql.js';
import { isOfAccount, leaveSessions, sessionAsSeen, terminateSessions } from '../../sessions/sessions.sql.js';
import { revokeGrants } from '../../tokens/tokens.sql.js';
import type { FrontChannelParticipant, LogoutInitiator, TerminationCause } from '../command/logout.js';
import { enqueueNotices } from '../notices/deliveries.sql.js';
import { OWE_RECEIPTS } from '../receipts/receipts.sql.js';
import { AUDIT_TERMINATIONS } from './termination-audit.sql.js';
import { forTargets, type TargetKind, type TargetSql } from './termination-targets.sql.js';
import type { WithoutNotice } from './without-notice.js';
import { withoutNotice } from './without-notice.sql.js';

const PARAMETERS = {
  now: 'timestamptz',
  terminationId: 'uuid',
  cause: typed<TerminationCause>('text'),
  revokesOfflineGrants: 'boolean',
  /** Until then the notices belong to the process that writes them; after it any node may claim them. */
  claimedUntil: 'timestamptz',
  initiator: typed<LogoutInitiator>('jsonb'),
  /** The client that ordered it as a provider. */
  senderClientId: 'text?',
  /** The session of the browser that is shown our page. */
  browserSessionId: 'uuid?',
  traceparent: 'text?',
} as const;

const ROW = {
  complete: 'boolean',
  sessions: 'int',
  grants_revoked: 'int',
  departed: 'int',
  deliveries: typed<readonly { id: string; clientId: string; sub: string; sid: string }[]>('json'),
  without_notice: typed<readonly WithoutNotice[]>('jsonb'),
  front_channel: typed<readonly FrontChannelParticipant[]>('json'),
} as const;

const NOTICES_OF_PARTICIPANTS = enqueueNotices({
  source: 'p',
  from: `(SELECT :terminationId AS termination_id, x.account_id, x.client_id, x.sid FROM participants x, complete
               WHERE complete.yes AND x.told = 'back_channel') p`,
  needs: ['participants', 'complete'],
  parameters: { terminationId: 'uuid', cause: 'text', claimedUntil: 'timestamptz', traceparent: 'text?' },
  cause: ':cause',
  due: ':claimedUntil',
  traceparent: ':traceparent',
});

/** What a termination takes besides the members of its target. */
export type TerminationValues = ValuesOf<typeof PARAMETERS>;

/**
 * The logout, as one statement and so one round trip and one transaction, in the order of the law: lock the sessions,
 * see who takes part, end the sessions, revoke the grants, enqueue each application's notice, record why.
 *
 * A statement sees the database as it was when it began. An application that joined while we waited for a session's
 * lock is not in `joined`, but it has raised the locked row's `client_count`: then `complete` is false, nothing is
 * written, and the caller runs the statement again, which sees it (`sessionAsSeen`).
 */
function terminate(kind: TargetKind, target: TargetSql): Statement<never, RowOf<typeof ROW>> {
  const ends = target.told === null;
  const leaves = target.leaves === true;
  const account = 'accountId' in target.parameters ? ':accountId' : undefined;
  return statement({
    name: `logout_terminate_${kind}`,
    ends: true,
    parameters: { ...PARAMETERS, ...target.parameters },
    row: ROW,
    text: sql`
     WITH locked AS MATERIALIZED (
       SELECT s.id, s.account_id, s.client_count FROM sessions s WHERE ${target.sessions} ORDER BY s.account_id, s.id FOR NO KEY UPDATE OF s
     ),
     joined AS MATERIALIZED (
       SELECT sc.client_id, sc.sid, l.id AS session_id, l.account_id FROM locked l JOIN session_clients sc ON sc.account_id = l.account_id AND sc.session_id = l.id
        WHERE ${isOfAccount('sc', account)} AND ${isAmong('sc.session_id', 'locked', account)}
     ),
     complete AS MATERIALIZED (
       SELECT NOT EXISTS (SELECT 1 FROM locked l WHERE NOT ${sessionAsSeen('l', account)}) AS yes
     ),
     ending AS (
       SELECT l.id, l.account_id, :terminationId AS termination_id FROM locked l, complete c WHERE c.yes AND ${String(ends)}
     ),
     ${terminateSessions(`${isOfAccount('s', account)} AND ${isAmong('s.id', 'ending', account)}`)},
     ${revokeGrants(`(SELECT yes FROM complete) AND ${target.grants}`, ':cause', ['complete', 'locked'])},
     participants AS MATERIALIZED (
       SELECT p.session_id, p.client_id, p.sid, p.account_id,
              ${howClientIsNotified('c', ':cause', 'p.session_id = :browserSessionId', 'p.client_id = :senderClientId')} AS told
         FROM joined p JOIN clients c ON c.client_id = p.client_id${ends ? '' : ` WHERE ${target.told}`}
     ),
     ${leaves ? sql`${leaveSessions('participants', { condition: '(SELECT yes FROM complete)', needs: ['complete'], account })},` : ''}
     ${NOTICES_OF_PARTICIPANTS},
     record AS (
       INSERT INTO session_terminations (id, cause, initiator, account_id, sessions, grants_revoked, deliveries, without_notice, occurred_at)
       SELECT :terminationId, :cause, :initiator,
              -- One person's, or no single person's.
              (SELECT CASE WHEN count(DISTINCT x.account_id) = 1 THEN min(x.account_id::text)::uuid END
                 FROM (SELECT account_id FROM ending UNION ALL SELECT account_id FROM participants
                       UNION ALL SELECT account_id FROM revoked) x),
              (SELECT count(*) FROM ended), (SELECT count(*) FROM revoked), (SELECT count(*) FROM notices), ${withoutNotice('participants')}, :now
        WHERE EXISTS (SELECT 1 FROM ended) OR EXISTS (SELECT 1 FROM revoked) OR EXISTS (SELECT 1 FROM notices)${leaves ? ' OR EXISTS (SELECT 1 FROM departed)' : ''}
       RETURNING *
     ),
     ${OWE_RECEIPTS},
     ${AUDIT_TERMINATIONS}
     SELECT (SELECT yes FROM complete) AS complete,
            (SELECT count(*)::int FROM ended) AS sessions,
            (SELECT count(*)::int FROM revoked) AS grants_revoked,
            ${leaves ? '(SELECT count(*)::int FROM departed)' : '0'} AS departed,
            (SELECT coalesce(json_agg(json_build_object('id', id, 'clientId', client_id, 'sub', sub, 'sid', sid)), '[]') FROM notices) AS deliveries,
            coalesce((SELECT without_notice FROM record), '[]') AS without_notice,
            (
       SELECT coalesce(json_agg(json_build_object('sessionId', p.session_id, 'clientId', p.client_id, 'sid', p.sid) ORDER BY p.client_id), '[]')
         FROM participants p JOIN clients c ON c.client_id = p.client_id
        WHERE p.session_id = :browserSessionId AND c.deleted_at IS NULL AND ${clientHasFrontChannel('c')}) AS front_channel`,
  });
}

/** One statement for each kind of target. It takes the target's members as values, by their names. */
export const TERMINATE = forTargets<TerminationValues, RowOf<typeof ROW>>(terminate);

/**
 * The column `id` is one of those in the CTE `of`, said by an array, too, where the account is known: of a join a plan that was
 * made for few rows reads all rows of the person, and compares them.
 */
function isAmong(id: string, of: string, account: string | undefined): string {
  return account === undefined ? 'true' : `${id} = ANY(ARRAY(SELECT x.id FROM ${of} x))`;
}
