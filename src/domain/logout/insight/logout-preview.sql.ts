import { statement, typed, type RowOf, type Statement, type ValuesOf } from '../../../platform/database/statement.js';
import { clientHasFrontChannel, howClientIsNotified } from '../../clients/clients.sql.js';
import { sessionIsUnterminated } from '../../sessions/sessions.sql.js';
import { forTargets, type TargetKind, type TargetSql } from '../termination/termination-targets.sql.js';
import { lookFor } from './preview-looks.sql.js';
import type { ApplicationPreview, GrantPreview, SessionPreview } from './logout-preview.js';

/** What was asked for by its id, and is over already. */
const ENDED_SESSION = `SELECT s.id, s.account_id, 'session_already_ended' FROM sessions s WHERE s.id = :sessionId AND NOT (${sessionIsUnterminated('s')})`;
const REVOKED_GRANT = `SELECT g.id, g.client_id, g.account_id, g.session_id, 'grant_already_revoked' FROM grants g WHERE g.account_id = :accountId AND g.id = :grantId AND g.revoked_at IS NOT NULL`;

/** Of so many sessions it is said which grants stay: the list is shorter. */
const KEPT_OF = 10_000;

/**
 * Where grants are looked for that stay alive although something that they belong to is touched.
 * @param account of the session `l`
 */
function keptFrom(kind: TargetKind, account: string): string {
  if (kind === 'grant') return 'grants';
  return `(SELECT x.* FROM (SELECT account_id, id FROM locked ORDER BY id LIMIT ${KEPT_OF}) l
             CROSS JOIN LATERAL (SELECT x.* FROM grants x WHERE x.account_id = ${account} AND x.session_id = l.id OFFSET 0) x)`;
}

function keptGrants(kind: TargetKind, ends: boolean): string {
  if (kind === 'grant') return `g.account_id = :accountId AND g.id = :grantId`;
  if (ends) return 'true';
  // Asked of a hash: as a join it might be one of each with each, where a planner expects few.
  return `((g.session_id, g.client_id) IN (SELECT session_id, client_id FROM applications WHERE reason <> 'session_goes_on')) IS TRUE`;
}

const PARAMETERS = {
  cause: 'text',
  revokesOfflineGrants: 'boolean',
  senderClientId: 'text?',
  browserSessionId: 'uuid?',
  /** How long the lists may get. */
  listLimit: 'int',
  /** How far is counted: one more of anything says that there is more. */
  countLimit: 'int',
} as const;

const ROW = {
  sessions: 'int',
  grants_revoked: 'int',
  deliveries: 'int',
  asked: 'int',
  not_told: 'int',
  more: 'boolean',
  session_list: typed<readonly SessionPreview[]>('json'),
  grant_list: typed<readonly GrantPreview[]>('json'),
  application_list: typed<readonly ApplicationPreview[]>('json'),
} as const;

/** What a preview takes besides the members of its target. */
export type PreviewValues = ValuesOf<typeof PARAMETERS & { readonly now: 'timestamptz' }>;

/**
 * The same conditions as in the statement that ends the target, with the same parameters, so that the two cannot come
 * to differ; but it only reads, and takes no lock.
 */
function preview(kind: TargetKind, target: TargetSql): Statement<never, RowOf<typeof ROW>> {
  const ends = target.told === null;
  const looked = lookFor(kind, target);
  const account = 'accountId' in target.parameters ? ':accountId' : 'l.account_id';
  return statement({
    name: `logout_preview_${kind}`,
    parameters: {
      ...PARAMETERS,
      ...target.parameters,
      ...(target.asksNow === true ? ({ now: 'timestamptz' } as const) : {}),
    },
    row: ROW,
    text: `
     WITH ${looked.ctes},
     applications AS MATERIALIZED (
       SELECT p.client_id, p.session_id, p.sid,
              ${clientHasFrontChannel('c')} AS front,
              CASE WHEN NOT (${target.told ?? 'true'}) THEN 'session_goes_on'
                   ELSE coalesce('{"back_channel": "will_be_notified", "front_channel": "will_be_asked"}'::jsonb ->> told.how, told.how) END AS reason
         FROM locked l
        CROSS JOIN LATERAL (SELECT x.* FROM session_clients x WHERE x.account_id = ${account} AND x.session_id = l.id OFFSET 0) p
         JOIN clients c ON c.client_id = p.client_id
        CROSS JOIN LATERAL (SELECT ${howClientIsNotified('c', ':cause', 'p.session_id = :browserSessionId', 'p.client_id = :senderClientId')} AS how) told
        LIMIT :countLimit + 1
     ),
     kept AS MATERIALIZED (
       SELECT g.* FROM ${keptFrom(kind, account)} g
        WHERE g.revoked_at IS NULL AND ${keptGrants(kind, ends)} AND g.id NOT IN (SELECT id FROM revoked) LIMIT :countLimit + 1
     ),
     session_list AS (
       SELECT l.id AS "sessionId", l.account_id AS "accountId", ${ends ? `'session_ends'` : `'session_goes_on'`} AS reason FROM locked l
       ${kind === 'session' ? `UNION ALL ${ENDED_SESSION}` : ''}
        ORDER BY 1 LIMIT :listLimit
     ),
     grant_list AS (
       SELECT g.id AS "grantId", g.client_id AS "clientId", g.account_id AS "accountId", g.session_id AS "sessionId", g.reason
         FROM (SELECT r.id, r.client_id, r.account_id, r.session_id, 'grant_revoked' AS reason FROM revoked r
                UNION ALL
               SELECT k.id, k.client_id, k.account_id, k.session_id, CASE WHEN k.offline THEN 'grant_offline_kept' ELSE 'grant_kept' END FROM kept k
               ${kind === 'grant' ? `UNION ALL ${REVOKED_GRANT}` : ''}) g
        ORDER BY 1 LIMIT :listLimit
     ),
     application_list AS (
       SELECT a.client_id AS "clientId", a.session_id AS "sessionId", a.sid, a.reason,
              CASE WHEN a.reason IN ('will_be_notified', 'will_be_asked')
                   THEN array_remove(ARRAY[CASE WHEN a.reason = 'will_be_notified' THEN 'back' END, CASE WHEN a.front AND a.session_id = :browserSessionId THEN 'front' END], NULL)
                   ELSE '{}'::text[] END AS channels
         FROM applications a ORDER BY 2, 1 LIMIT :listLimit
     )
     SELECT least((SELECT count(*)::int FROM locked WHERE ${ends}), :countLimit) AS sessions,
            least((SELECT count(*)::int FROM revoked), :countLimit) AS grants_revoked,
            least((SELECT count(*)::int FROM applications WHERE reason = 'will_be_notified'), :countLimit) AS deliveries,
            least((SELECT count(*)::int FROM applications WHERE reason = 'will_be_asked'), :countLimit) AS asked,
            least((SELECT count(*)::int FROM applications WHERE reason NOT IN ('will_be_notified', 'will_be_asked', 'session_goes_on')), :countLimit) AS not_told,
            greatest((SELECT count(*) FROM locked), (SELECT count(*) FROM revoked), (SELECT count(*) FROM applications)) > :countLimit OR ${looked.more} AS more,
            (SELECT coalesce(json_agg(x), '[]') FROM session_list x) AS session_list,
            (SELECT coalesce(json_agg(x), '[]') FROM grant_list x) AS grant_list,
            (SELECT coalesce(json_agg(x), '[]') FROM application_list x) AS application_list`,
  });
}

/** One statement for each kind of target. It takes the target's members as values, by their names. */
export const PREVIEW = forTargets<PreviewValues, RowOf<typeof ROW>>(preview);
