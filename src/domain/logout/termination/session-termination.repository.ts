import { Injectable } from '@nestjs/common';
import { v7 as uuid } from 'uuid';
import { howClientIsTold } from '../../clients/clients.sql.js';
import type { Page, PageRequest } from '../../../platform/database/page.js';
import { statement, type Queryable, type PositionalStatement } from '../../../platform/database/statement.js';
import { TransactionRunner } from '../../../platform/database/transaction.js';
import { beganUpstream, leaveSessions, sessionAsSeen, terminateSessions } from '../../sessions/sessions.sql.js';
import { revokeGrants } from '../../tokens/tokens.sql.js';
import { sessionOutlivesOrders } from '../../../platform/epochs/epochs.sql.js';
import { auditTerminations } from './termination-audit.sql.js';
import { withoutNotice } from './told.sql.js';
import type { WithoutNotice } from './told.js';
import type { DueDelivery } from '../notices/delivery.js';
import type { FrontChannelParticipant, LogoutInitiator, LogoutTarget, TerminationCause } from '../command/logout.js';

export interface TerminationOrder {
  readonly terminationId: string;
  readonly target: LogoutTarget;
  readonly cause: TerminationCause;
  readonly initiator: LogoutInitiator;
  readonly revokesOfflineGrants: boolean;
  readonly now: Date;
  /** Until then the notices belong to the process that writes them; after it any node may claim them. */
  readonly claimedUntil: Date;
  readonly browserSessionId?: string | undefined;
  readonly senderClientId?: string | undefined;
}

export interface TerminationResult {
  readonly sessions: number;
  readonly grantsRevoked: number;
  readonly deliveries: readonly DueDelivery[];
  readonly withoutNotice: readonly WithoutNotice[];
  readonly frontChannel: readonly FrontChannelParticipant[];
}

/** Many sessions that end, each by a termination of its own. */
export interface EachOrder {
  /** Made by `terminateEachStatement`: which sessions, and by what cause. */
  readonly statement: PositionalStatement;
  /** Values of the statement's own parameters, `$6` and on. */
  readonly values: readonly unknown[];
  /** How many at most. */
  readonly limit: number;
  readonly initiator: LogoutInitiator;
  readonly revokesOfflineGrants: boolean;
  readonly now: Date;
  /** When the notices are due: at once, unless whoever calls sends them. */
  readonly claimedUntil: Date;
}

export interface EachResult {
  readonly cause: TerminationCause;
  readonly sessions: number;
  readonly grantsRevoked: number;
  /** Notices that are owed now. */
  readonly deliveries: number;
}

/** A termination as operators see it. */
export interface Termination {
  readonly id: string;
  readonly cause: TerminationCause;
  readonly initiator: LogoutInitiator;
  readonly accountId: string | null;
  readonly sessions: number;
  readonly grantsRevoked: number;
  readonly deliveries: number;
  /** Those that took part and are owed no notice. */
  readonly withoutNotice: readonly WithoutNotice[];
  readonly occurredAt: Date;
  /** Null while it is owed a receipt. */
  readonly receiptedAt: Date | null;
}

/** What a target means, for the statement that ends it and the one that only looks. */
export interface TargetSql {
  /** Sessions `s` that are locked, so that no application joins them meanwhile. */
  readonly sessions: string;
  /** Null: they end, and everybody in them is told. Otherwise they go on, and this says which participants `p` are told. */
  readonly told: string | null;
  /** Grants `g` that are revoked; `$6` says whether offline ones are. */
  readonly grants: string;
  /** Whoever is told takes part no longer, and gets another `sid` if it comes back. */
  readonly leaves?: true;
}

// $1 and $2 are the target, $3 now, $4 termination id, $5 cause, $6 revokes offline grants, $7 claimed until, $8 initiator,
// $9 the client that ordered it as a provider, $10 the session of the browser that is shown a page of ours
const SESSION_GRANTS = `g.session_id IN (SELECT id FROM locked) AND (NOT g.offline OR $6::boolean)`;
const LIVE = 's.terminated_at IS NULL';
const FRONT_CHANNEL = `(
       SELECT coalesce(json_agg(json_build_object('sessionId', p.session_id, 'clientId', p.client_id, 'sid', p.sid) ORDER BY p.client_id), '[]')
         FROM participants p JOIN clients c ON c.client_id = p.client_id
        WHERE p.session_id = $10::uuid AND c.deleted_at IS NULL AND c.metadata ->> 'frontchannel_logout_uri' IS NOT NULL)`;
export const TARGETS: Readonly<Record<LogoutTarget['kind'], TargetSql>> = {
  cookie: {
    sessions: `s.cookie_hash = $1::bytea AND ($2::uuid IS NULL OR s.id = $2) AND ${LIVE}`,
    told: null,
    grants: SESSION_GRANTS,
  },
  session: {
    sessions: `s.id = $1::uuid AND $2::text IS NULL AND ${LIVE}`,
    told: null,
    grants: SESSION_GRANTS,
  },
  'account-session': {
    sessions: `s.id = $1::uuid AND s.account_id = $2::uuid AND ${LIVE}`,
    told: null,
    grants: SESSION_GRANTS,
  },
  account: {
    sessions: `s.account_id = $1::uuid AND s.id IS DISTINCT FROM $2::uuid AND ${LIVE}`,
    told: null,
    grants: `g.account_id = $1::uuid AND ($2::uuid IS NULL OR g.session_id IS DISTINCT FROM $2::uuid) AND (NOT g.offline OR $6::boolean)`,
  },
  client: {
    // Also where it is only about to take part: it has a grant, and may be redeeming the code.
    sessions: `$2::text IS NULL AND ${LIVE} AND s.id IN (
      SELECT sc.session_id FROM session_clients sc WHERE sc.client_id = $1::text
       UNION SELECT g.session_id FROM grants g WHERE g.client_id = $1 AND g.revoked_at IS NULL)`,
    told: `p.client_id = $1::text`,
    grants: `g.client_id = $1::text AND $6::boolean`,
  },
  'client-session': {
    sessions: `${LIVE} AND s.id = (SELECT sc.session_id FROM session_clients sc WHERE sc.client_id = $1::text AND sc.sid = $2::text)`,
    told: null,
    grants: SESSION_GRANTS,
  },
  'upstream-session': {
    // Both claims of a logout token must fit the same session. One whose `sid` the upstream never told us fits by the person:
    // it may be the one that is meant, and nothing else would ever end it. With another known `sid` it is not.
    sessions: `${LIVE} AND ${beganUpstream(
      's',
      `$1::text`,
      `(u.sid = ($2::text[])[1] AND (($2::text[])[2] IS NULL OR u.sub = ($2::text[])[2])
      OR u.sid IS NULL AND u.sub = ($2::text[])[2])`,
    )}`,
    told: null,
    grants: SESSION_GRANTS,
  },
  upstream: {
    sessions: `$2::text IS NULL AND ${LIVE} AND s.id IN (SELECT u.session_id FROM session_upstreams u WHERE u.upstream_id = $1::uuid)`,
    told: null,
    // Offline ones by who vouched, not by session: that may be over, or be another provider's as well.
    grants: `(g.session_id IN (SELECT id FROM locked) AND NOT g.offline
      OR g.upstream_id = $1::uuid AND (NOT g.offline OR $6::boolean))`,
  },
  'upstream-subject': {
    sessions: `${LIVE} AND ${beganUpstream('s', `$1::text`, `u.sub = $2::text`)}`,
    told: null,
    grants: SESSION_GRANTS,
  },
  'session-client': {
    sessions: `s.id = $1::uuid AND $2::text IS NOT NULL AND ${LIVE}`,
    told: `p.client_id = $2::text`,
    grants: `${SESSION_GRANTS} AND g.client_id = $2::text`,
    leaves: true,
  },
  'client-offline': {
    sessions: `$2::text IS NULL AND ${LIVE} AND s.id IN (
      SELECT g.session_id FROM grants g WHERE g.client_id = $1::text AND g.offline AND g.revoked_at IS NULL)`,
    // Where it worked with a grant that falls. In the person's other sessions nothing changed for it.
    told: `p.client_id = $1::text AND p.session_id IN (SELECT r.session_id FROM revoked r)`,
    grants: `g.client_id = $1::text AND g.offline AND $6::boolean`,
  },
  'account-client': {
    // Also where it is only about to take part, as with 'client'.
    sessions: `s.account_id = $1::uuid AND ${LIVE} AND s.id IN (
      SELECT sc.session_id FROM session_clients sc WHERE sc.client_id = $2::text
       UNION SELECT g.session_id FROM grants g WHERE g.client_id = $2 AND g.account_id = $1 AND g.revoked_at IS NULL)`,
    told: `p.client_id = $2::text`,
    grants: `g.account_id = $1::uuid AND g.client_id = $2::text AND (NOT g.offline OR $6::boolean)`,
  },
  surplus: {
    // What has expired takes up no room; the sweeper ends it by its own cause. What an order ended is left to that.
    sessions: `${LIVE} AND s.id IN (
      SELECT x.id FROM sessions x
       WHERE x.account_id = $1::uuid AND x.id <> ($2::text[])[1]::uuid AND x.terminated_at IS NULL
         AND x.expires_at > $3::timestamptz AND x.idle_expires_at > $3 AND ${sessionOutlivesOrders('x')}
       ORDER BY x.last_seen_at DESC, x.id DESC OFFSET ($2::text[])[2]::bigint)`,
    told: null,
    grants: SESSION_GRANTS,
  },
  grant: {
    sessions: `$2::text IS NULL AND ${LIVE} AND s.id = (SELECT g.session_id FROM grants g WHERE g.id = $1::uuid)`,
    // By who revoked it and nobody else: a stolen token may be used many times at once.
    told: `p.client_id IN (SELECT g.client_id FROM grants g JOIN revoked r ON r.id = g.id)`,
    grants: `g.id = $1::uuid AND $6::boolean`,
  },
};

/**
 * The logout, as one statement and so one round trip and one transaction, in the order of the law: lock the sessions,
 * see who takes part, end the sessions, revoke the grants, owe each application a notice, record why.
 *
 * A statement sees the database as it was when it began. An application that joined while we waited for a session's
 * lock is not in `everybody`, but it has raised the locked row's `client_count`: then `complete` is false, nothing
 * is written, and the caller runs the statement again, which sees it (`sessionAsSeen`).
 */
function terminationStatement(kind: LogoutTarget['kind'], sql: TargetSql): PositionalStatement {
  const ends = sql.told === null;
  return statement(
    `logout_terminate_${kind}`,
    `WITH locked AS MATERIALIZED (
       SELECT s.id, s.account_id, s.client_count FROM sessions s WHERE ${sql.sessions} ORDER BY s.id FOR NO KEY UPDATE OF s
     ),
     everybody AS MATERIALIZED (
       SELECT sc.client_id, sc.sid, l.id AS session_id, l.account_id FROM locked l JOIN session_clients sc ON sc.session_id = l.id
     ),
     complete AS MATERIALIZED (
       SELECT NOT EXISTS (SELECT 1 FROM locked l WHERE NOT ${sessionAsSeen('l')}) AS yes
     ),
     ending AS (SELECT l.id, l.account_id FROM locked l, complete c WHERE c.yes AND ${ends}),
     ${terminateSessions('ending', '$3', '$4::uuid')},
     ${revokeGrants(`(SELECT yes FROM complete) AND ${sql.grants}`, '$3', '$5')},
     participants AS MATERIALIZED (
       SELECT p.session_id, p.client_id, p.sid, p.account_id, ${howClientIsTold('c', '$5', 'p.session_id = $10::uuid', 'p.client_id = $9::text')} AS told
         FROM everybody p JOIN clients c ON c.client_id = p.client_id${ends ? '' : ` WHERE ${sql.told}`}
     ),
     ${sql.leaves === true ? `${leaveSessions('participants', '(SELECT yes FROM complete)')},` : ''}
     notices AS (
       INSERT INTO logout_deliveries (id, termination_id, client_id, sub, sid, state, attempts, next_attempt_at, created_at)
       SELECT gen_random_uuid(), $4::uuid, p.client_id, p.account_id::text, p.sid, 'pending', 0, $7::timestamptz, $3
         FROM participants p, complete
        WHERE complete.yes AND p.told = 'back_channel'
       RETURNING id, client_id, sub, sid
     ),
     record AS (
       INSERT INTO session_terminations (id, cause, initiator, account_id, sessions, grants_revoked, deliveries, without_notice, occurred_at)
       SELECT $4::uuid, $5, $8::jsonb,
              -- One person's, or nobody's in particular.
              (SELECT CASE WHEN count(DISTINCT x.account_id) = 1 THEN min(x.account_id::text)::uuid END
                 FROM (SELECT account_id FROM ending UNION ALL SELECT account_id FROM participants
                       UNION ALL SELECT g.account_id FROM grants g JOIN revoked r ON r.id = g.id) x),
              (SELECT count(*) FROM ended), (SELECT count(*) FROM revoked), (SELECT count(*) FROM notices), ${withoutNotice('participants')}, $3
        WHERE EXISTS (SELECT 1 FROM ended) OR EXISTS (SELECT 1 FROM revoked) OR EXISTS (SELECT 1 FROM notices)${sql.leaves === true ? ' OR EXISTS (SELECT 1 FROM departed)' : ''}
       RETURNING *
     ),
     ${auditTerminations('record')}
     SELECT (SELECT yes FROM complete) AS complete,
            (SELECT count(*)::int FROM ended) AS sessions,
            (SELECT count(*)::int FROM revoked) AS grants_revoked,
            ${sql.leaves === true ? '(SELECT count(*)::int FROM departed)' : '0'} AS departed,
            (SELECT coalesce(json_agg(json_build_object('id', id, 'clientId', client_id, 'sub', sub, 'sid', sid)), '[]') FROM notices) AS deliveries,
            coalesce((SELECT without_notice FROM record), '[]') AS without_notice,
            ${FRONT_CHANNEL} AS front_channel`,
  );
}

const TERMINATE = Object.fromEntries(
  Object.entries(TARGETS).map(([kind, sql]) => [kind, terminationStatement(kind as LogoutTarget['kind'], sql)]),
) as Readonly<Record<LogoutTarget['kind'], PositionalStatement>>;

const LIST = statement(
  'logout_list_terminations',
  `SELECT t.* FROM session_terminations t
    WHERE ($1::uuid IS NULL OR t.id < $1) AND ($2::uuid IS NULL OR t.account_id = $2) AND ($3::text IS NULL OR t.cause = $3)
      AND ($4::uuid IS NULL OR t.id = $4)
    ORDER BY t.id DESC LIMIT $5`,
);

const NOT_ASKED = statement(
  'logout_not_asked',
  `UPDATE session_terminations t SET receipted_at = NULL, without_notice = (
     SELECT jsonb_agg(CASE WHEN w.item ->> 'state' = 'asked' AND w.item ->> 'client_id' = ANY($2::text[])
                           THEN w.item || '{"state": "not_told", "reason": "frontchannel_uri_refused"}' ELSE w.item END ORDER BY w.place)
       FROM jsonb_array_elements(t.without_notice) WITH ORDINALITY AS w(item, place))
    WHERE t.id = $1::uuid AND jsonb_array_length(t.without_notice) > 0`,
);

const MAX_RUNS = 10;

/** Ends sessions and keeps the record of it. */
@Injectable()
export class SessionTerminationRepository {
  constructor(private readonly transactions: TransactionRunner) {}

  /** Undefined when there was nothing to end; then nothing was written either. */
  async terminate(db: Queryable, order: TerminationOrder): Promise<TerminationResult | undefined> {
    const [first, second] = targetParameters(order.target);
    const values = [
      first,
      second,
      order.now,
      order.terminationId,
      order.cause,
      order.revokesOfflineGrants,
      order.claimedUntil,
      JSON.stringify(order.initiator),
      order.senderClientId ?? null,
      order.browserSessionId ?? null,
    ];
    for (let run = 0; run < MAX_RUNS; run += 1) {
      const [row] = await db.query<{
        complete: boolean;
        sessions: number;
        grants_revoked: number;
        departed: number;
        deliveries: { id: string; clientId: string; sub: string; sid: string }[];
        without_notice: WithoutNotice[];
        front_channel: FrontChannelParticipant[];
      }>(TERMINATE[order.target.kind], values);
      if (row?.complete !== true) continue;
      if (row.sessions + row.grants_revoked + row.departed + row.deliveries.length === 0) return undefined;
      return {
        sessions: row.sessions,
        grantsRevoked: row.grants_revoked,
        withoutNotice: row.without_notice,
        frontChannel: row.front_channel,
        deliveries: row.deliveries.map((delivery) => ({
          ...delivery,
          terminationId: order.terminationId,
          cause: order.cause,
          attempts: 0,
          createdAt: order.now,
          claimedUntil: order.claimedUntil,
        })),
      };
    }
    throw new Error(`applications joined while each of ${MAX_RUNS} logouts waited`);
  }

  /**
   * Ends the selected sessions, at most `limit`, with a record for each; those that others hold locked are left for the
   * next call. One round trip. Returns what ended, by cause; nothing when nothing did.
   */
  async terminateEach(db: Queryable, order: EachOrder): Promise<EachResult[]> {
    const rows = await db.query<{
      cause: TerminationCause;
      sessions: number;
      grants_revoked: number;
      deliveries: number;
    }>(order.statement, [
      order.now,
      Array.from({ length: order.limit }, () => uuid()),
      JSON.stringify(order.initiator),
      order.claimedUntil,
      order.revokesOfflineGrants,
      ...order.values,
    ]);
    return rows.map((row) => ({
      cause: row.cause,
      sessions: row.sessions,
      grantsRevoked: row.grants_revoked,
      deliveries: row.deliveries,
    }));
  }

  /** Newest first. */
  async list(
    filter: PageRequest & { readonly accountId?: string | undefined; readonly cause?: string | undefined },
  ): Promise<Page<Termination>> {
    const rows = await this.transactions.query<TerminationRow>(LIST, [
      filter.cursor ?? null,
      filter.accountId ?? null,
      filter.cause ?? null,
      null,
      filter.limit + 1,
    ]);
    const items = rows.slice(0, filter.limit).map(toTermination);
    return { items, nextCursor: rows.length > filter.limit ? items.at(-1)?.id : undefined };
  }

  /**
   * The page was not to load the frames of these applications, so they were not asked after all. A receipt that says
   * otherwise is followed by another revision.
   */
  async notAsked(id: string, clientIds: readonly string[]): Promise<void> {
    await this.transactions.query(NOT_ASKED, [id, clientIds]);
  }

  async find(id: string): Promise<Termination | undefined> {
    const [row] = await this.transactions.query<TerminationRow>(LIST, [null, null, null, id, 1]);
    return row === undefined ? undefined : toTermination(row);
  }
}

/** `$1` and `$2` of {@link TARGETS}. */
export function targetParameters(target: LogoutTarget): readonly [unknown, unknown] {
  switch (target.kind) {
    case 'cookie':
      return [target.cookieHash, target.sessionId ?? null];
    case 'session':
      return [target.sessionId, null];
    case 'account-session':
      return [target.sessionId, target.accountId];
    case 'account':
      return [target.accountId, target.exceptSessionId ?? null];
    case 'client':
      return [target.clientId, null];
    case 'client-offline':
      return [target.clientId, null];
    case 'account-client':
      return [target.accountId, target.clientId];
    case 'surplus':
      return [target.accountId, [target.newSessionId, String(target.limit - 1)]];
    case 'client-session':
      return [target.clientId, target.sid];
    case 'upstream-session':
      return [target.issuer, [target.sid, target.sub ?? null]];
    case 'upstream':
      return [target.upstreamId, null];
    case 'upstream-subject':
      return [target.issuer, target.sub];
    case 'grant':
      return [target.grantId, null];
    case 'session-client':
      return [target.sessionId, target.clientId];
  }
}

interface TerminationRow {
  id: string;
  cause: TerminationCause;
  initiator: LogoutInitiator;
  account_id: string | null;
  sessions: number;
  grants_revoked: number;
  deliveries: number;
  without_notice: WithoutNotice[];
  occurred_at: Date;
  receipted_at: Date | null;
}

function toTermination(row: TerminationRow): Termination {
  return {
    id: row.id,
    cause: row.cause,
    initiator: row.initiator,
    accountId: row.account_id,
    sessions: row.sessions,
    grantsRevoked: row.grants_revoked,
    deliveries: row.deliveries,
    withoutNotice: row.without_notice,
    occurredAt: row.occurred_at,
    receiptedAt: row.receipted_at,
  };
}
