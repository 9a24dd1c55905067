import { Injectable } from '@nestjs/common';
import { howClientIsTold } from '../../clients/clients.sql.js';
import { ClientsService } from '../../clients/clients.service.js';
import { Clock } from '../../../platform/clock/clock.js';
import { statement, type PositionalStatement } from '../../../platform/database/statement.js';
import { TransactionRunner } from '../../../platform/database/transaction.js';
import { FrontChannelLogout } from '../notices/front-channel-logout.service.js';
import { logoutPolicy } from '../command/logout-policy.js';
import { TerminationCauses } from '../command/termination-causes.js';
import {
  PREVIEW_COUNT_LIMIT,
  PREVIEW_LIST_LIMIT,
  type ApplicationPreview,
  type GrantPreview,
  type LogoutPreview,
  type SessionPreview,
} from './logout-preview.js';
import type { LogoutCommand, LogoutTarget, TerminationCause } from '../command/logout.js';
import { TARGETS, targetParameters, type TargetSql } from '../termination/session-termination.repository.js';

/** What was asked for by its id, and is over already. */
const ENDED_SESSION = `SELECT s.id, s.account_id, 'session_already_ended' FROM sessions s WHERE s.id = $1::uuid AND s.terminated_at IS NOT NULL`;
const REVOKED_GRANT = `SELECT g.id, g.client_id, g.account_id, g.session_id, 'grant_already_revoked' FROM grants g WHERE g.id = $1::uuid AND g.revoked_at IS NOT NULL`;

/** Which grants stay alive although something that they belong to is touched. */
function keptGrants(kind: LogoutTarget['kind'], ends: boolean): string {
  if (kind === 'grant') return `g.id = $1::uuid`;
  const ofSession = `g.session_id IN (SELECT id FROM locked)`;
  if (ends) return ofSession;
  return `${ofSession} AND (g.session_id, g.client_id) IN (SELECT session_id, client_id FROM applications WHERE reason <> 'session_goes_on')`;
}

/**
 * The same conditions as in the statement that ends the target, with the same parameters, so that the two cannot come
 * to differ; but it only reads, and takes no lock. `$4` says how long the lists may get, `$7` and `$8` what `$10` and `$9`
 * say there, `$9` how far is counted: one more of anything says that there is more.
 */
function previewStatement(kind: LogoutTarget['kind'], sql: TargetSql): PositionalStatement {
  const ends = sql.told === null;
  return statement(
    `logout_preview_${kind}`,
    `WITH locked AS MATERIALIZED (SELECT s.id, s.account_id FROM sessions s WHERE ${sql.sessions} LIMIT $9::int + 1),
     revoked AS MATERIALIZED (SELECT g.* FROM grants g WHERE g.revoked_at IS NULL AND (${sql.grants}) LIMIT $9::int + 1),
     applications AS MATERIALIZED (
       SELECT p.client_id, p.session_id, p.sid,
              c.metadata ->> 'frontchannel_logout_uri' IS NOT NULL AS front,
              CASE WHEN NOT (${sql.told ?? 'true'}) THEN 'session_goes_on'
                   ELSE coalesce('{"back_channel": "will_be_notified", "front_channel": "will_be_asked"}'::jsonb ->> told.how, told.how) END AS reason
         FROM locked l JOIN session_clients p ON p.session_id = l.id JOIN clients c ON c.client_id = p.client_id
        CROSS JOIN LATERAL (SELECT ${howClientIsTold('c', '$5', 'p.session_id = $7::uuid', 'p.client_id = $8::text')} AS how) told
        LIMIT $9::int + 1
     ),
     kept AS MATERIALIZED (
       SELECT g.* FROM grants g
        WHERE g.revoked_at IS NULL AND ${keptGrants(kind, ends)} AND g.id NOT IN (SELECT id FROM revoked) LIMIT $9::int + 1
     ),
     session_list AS (
       SELECT l.id AS "sessionId", l.account_id AS "accountId", ${ends ? `'session_ends'` : `'session_goes_on'`} AS reason FROM locked l
       ${kind === 'session' ? `UNION ALL ${ENDED_SESSION}` : ''}
        ORDER BY 1 LIMIT $4::int
     ),
     grant_list AS (
       SELECT g.id AS "grantId", g.client_id AS "clientId", g.account_id AS "accountId", g.session_id AS "sessionId", g.reason
         FROM (SELECT r.id, r.client_id, r.account_id, r.session_id, 'grant_revoked' AS reason FROM revoked r
                UNION ALL
               SELECT k.id, k.client_id, k.account_id, k.session_id, CASE WHEN k.offline THEN 'grant_offline_kept' ELSE 'grant_kept' END FROM kept k
               ${kind === 'grant' ? `UNION ALL ${REVOKED_GRANT}` : ''}) g
        ORDER BY 1 LIMIT $4::int
     ),
     application_list AS (
       SELECT a.client_id AS "clientId", a.session_id AS "sessionId", a.sid, a.reason,
              CASE WHEN a.reason IN ('will_be_notified', 'will_be_asked')
                   THEN array_remove(ARRAY[CASE WHEN a.reason = 'will_be_notified' THEN 'back' END, CASE WHEN a.front AND a.session_id = $7 THEN 'front' END], NULL)
                   ELSE '{}'::text[] END AS channels
         FROM applications a ORDER BY 2, 1 LIMIT $4::int
     )
     SELECT least((SELECT count(*)::int FROM locked WHERE ${ends}), $9::int) AS sessions,
            least((SELECT count(*)::int FROM revoked), $9::int) AS grants_revoked,
            least((SELECT count(*)::int FROM applications WHERE reason = 'will_be_notified'), $9::int) AS deliveries,
            least((SELECT count(*)::int FROM applications WHERE reason = 'will_be_asked'), $9::int) AS asked,
            least((SELECT count(*)::int FROM applications WHERE reason NOT IN ('will_be_notified', 'will_be_asked', 'session_goes_on')), $9::int) AS not_told,
            greatest((SELECT count(*) FROM locked), (SELECT count(*) FROM revoked), (SELECT count(*) FROM applications)) > $9::int AS more,
            (SELECT coalesce(json_agg(x), '[]') FROM session_list x) AS session_list,
            (SELECT coalesce(json_agg(x), '[]') FROM grant_list x) AS grant_list,
            (SELECT coalesce(json_agg(x), '[]') FROM application_list x) AS application_list
      -- Not every target asks when it is, by what cause, and whether offline grants fall; the types must be known all the same.
      WHERE $3::timestamptz IS NOT NULL AND $5::text IS NOT NULL AND $6::boolean IS NOT NULL`,
  );
}

const PREVIEW = Object.fromEntries(
  Object.entries(TARGETS).map(([kind, sql]) => [kind, previewStatement(kind as LogoutTarget['kind'], sql)]),
) as Readonly<Record<LogoutTarget['kind'], PositionalStatement>>;

/** Says what a logout would do, and does nothing. */
@Injectable()
export class LogoutPreviewService {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly clients: ClientsService,
    private readonly frontChannel: FrontChannelLogout,
    private readonly clock: Clock,
    private readonly causes: TerminationCauses,
  ) {}

  /**
   * As it stands at this moment: between the preview and the logout anybody may sign in or out.
   * @param causeName what ends it; one that a person gives in the browser is given in that of the session that ends
   * @param who whose browser would be there, and who would have ordered it, as in the command
   */
  async preview(
    target: LogoutTarget,
    causeName: string,
    who: Pick<LogoutCommand, 'browserSessionId' | 'senderClientId'> = {},
  ): Promise<LogoutPreview> {
    const cause = this.causes.parse(causeName);
    const { revokesOfflineGrants } = logoutPolicy({ target, cause, initiator: { kind: 'system' } }, this.causes);
    const [row] = await this.transactions.query<{
      sessions: number;
      grants_revoked: number;
      deliveries: number;
      asked: number;
      not_told: number;
      more: boolean;
      session_list: SessionPreview[];
      grant_list: GrantPreview[];
      application_list: ApplicationPreview[];
    }>(PREVIEW[target.kind], [
      ...targetParameters(target),
      this.clock.now(),
      PREVIEW_LIST_LIMIT,
      cause,
      revokesOfflineGrants,
      who.browserSessionId ?? this.browserOf(target, cause) ?? null,
      who.senderClientId ?? null,
      PREVIEW_COUNT_LIMIT,
    ]);
    if (row === undefined) throw new Error('a preview without a row');
    const refused = await this.refusedFrames(row.application_list);
    return {
      cause,
      sessions: row.sessions,
      grantsRevoked: row.grants_revoked,
      deliveries: row.deliveries,
      asked: row.asked - refused.size,
      notTold: row.not_told + refused.size,
      more: row.more,
      sessionList: row.session_list,
      grantList: row.grant_list,
      applicationList: row.application_list.map((application) =>
        refused.has(application) ? { ...application, channels: [], reason: 'frontchannel_uri_refused' } : application,
      ),
    };
  }

  /** The command of such a cause comes from the browser of the session that it ends. */
  private browserOf(target: LogoutTarget, cause: TerminationCause): string | undefined {
    return target.kind === 'session' && this.causes.policy(cause).givenInBrowser === true
      ? target.sessionId
      : undefined;
  }

  /** Those that a page would not ask after all. What is loaded is not for SQL to say. */
  private async refusedFrames(applications: readonly ApplicationPreview[]): Promise<Set<ApplicationPreview>> {
    const asked = applications.filter(({ reason }) => reason === 'will_be_asked');
    if (asked.length === 0) return new Set();
    const clients = await this.clients.findEvenDeleted([...new Set(asked.map(({ clientId }) => clientId))]);
    return new Set(
      asked.filter(({ clientId }) => {
        const client = clients.get(clientId);
        return client === undefined || !this.frontChannel.mayAsk(client.metadata);
      }),
    );
  }
}
