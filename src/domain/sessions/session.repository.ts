import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { DAY } from '../../platform/clock/durations.js';
import { accountNames, ACCOUNT_NAMES_COLUMNS } from '../accounts/accounts.sql.js';
import { clientsToBeRemoved, DELETED_CLIENT_KEPT_MS } from '../clients/clients.sql.js';
import { Clock } from '../../platform/clock/clock.js';
import { expiredRows, Retention, RETENTION_BATCH } from '../../platform/database/retention.js';
import { statement, typed } from '../../platform/database/statement.js';
import { TransactionRunner, type Tx } from '../../platform/database/transaction.js';
import { NEWEST_ORDER } from '../../platform/epochs/epochs.sql.js';
import { sessionServes } from '../upstreams/upstreams.sql.js';
import { applicationsOf, toApplication, type ApplicationRow } from './session-applications.js';
import { SESSION_COLUMNS, SESSION_SELECTED, toSession } from './session-rows.js';
import { removeParticipants, sessionIsAlive, sessionIsUnterminated, theSessionOfCookie } from './sessions.sql.js';
import { SessionRouting } from './session-routing.js';
import type { EndedSession, SessionApplication, SessionKey, SignedInSession, UpstreamLink } from './session.js';
import { listed } from '../../platform/database/sql-text.js';

const OF_REMOVED_CLIENTS = statement({
  name: 'sessions_remove_participants',
  parameters: { before: 'timestamptz' },
  row: { removed: 'int' },
  plannedAnew: true,
  text: removeParticipants(clientsToBeRemoved(':before'), RETENTION_BATCH),
});

const OLD = expiredRows({
  name: 'sessions_remove_old',
  table: 'sessions',
  key: 'account_id, id',
  condition: 'terminated_at < :before',
  along: 'terminated_at',
});

const FIND_BY_COOKIE = statement({
  name: 'sessions_find_by_cookie',
  parameters: { accountId: 'uuid', cookieHash: 'bytea', now: 'timestamptz', clientId: 'text?', cause: 'text?' },
  row: {
    ...SESSION_COLUMNS,
    ...ACCOUNT_NAMES_COLUMNS,
    client_count: 'int',
    upstream_id: 'uuid?',
    serves: 'boolean',
    applications: typed<readonly ApplicationRow[] | null>('json?'),
  },
  text: `
    SELECT ${SESSION_SELECTED}, ${accountNames('a')},
           (SELECT count(*)::int FROM session_clients c WHERE c.account_id = :accountId AND c.session_id = s.id) AS client_count,
           (SELECT u.upstream_id FROM session_upstreams u WHERE u.account_id = :accountId AND u.session_id = s.id ORDER BY u.authenticated_at DESC LIMIT 1) AS upstream_id,
           ${sessionServes('s', ':accountId', ':clientId')} AS serves,
           CASE WHEN :cause IS NOT NULL THEN ${applicationsOf('s', ':accountId', ':cause')} END AS applications
      -- Each by its key alone: on tables that were never analyzed an index of all live sessions looks as good.
      FROM ${theSessionOfCookie(':accountId', ':cookieHash')} CROSS JOIN (SELECT * FROM accounts k WHERE k.id = :accountId OFFSET 0) a
     WHERE ${sessionIsAlive('s', 'a', ':accountId', ':now')}`,
});

const FIND_ENDED_BY_COOKIE = statement({
  name: 'sessions_find_ended_by_cookie',
  parameters: { accountId: 'uuid', cookieHash: 'bytea', since: 'timestamptz' },
  row: { account_id: 'uuid', id: 'uuid', termination_id: 'uuid?' },
  text: `
    SELECT s.account_id, s.id, s.termination_id FROM ${theSessionOfCookie(':accountId', ':cookieHash')}
     WHERE coalesce(s.terminated_at, s.idle_expires_at) > :since`,
});

/**
 * Each is looked up by its key, and written over under it: an update that is joined with a list may be planned as a scan of all
 * sessions, in all partitions. None is inserted, since the rows are there and locked.
 */
const TOUCH = statement({
  name: 'sessions_touch',
  parameters: { accountIds: 'uuid[]', sessionIds: 'uuid[]', now: 'timestamptz', idleExpiresAt: 'timestamptz' },
  text: `
    WITH seen AS (
      SELECT s.* FROM ${listed(':accountIds', ':sessionIds')} AS x(account_id, id)
       CROSS JOIN LATERAL (
         SELECT * FROM sessions k WHERE k.account_id = x.account_id AND k.id = x.id AND ${sessionIsUnterminated('k')} OFFSET 0
       ) s
         FOR NO KEY UPDATE OF s SKIP LOCKED
    )
    INSERT INTO sessions AS s SELECT seen.* FROM seen
    ON CONFLICT (account_id, id) DO UPDATE SET last_seen_at = :now, idle_expires_at = least(:idleExpiresAt, s.expires_at)`,
});

const IS_KNOWN_AS = statement({
  name: 'sessions_is_known_as',
  parameters: { accountId: 'uuid', sessionId: 'uuid', clientId: 'text', sid: 'text' },
  row: { found: 'int' },
  text: `
    SELECT 1 AS found FROM session_clients
     WHERE account_id = :accountId AND session_id = :sessionId AND client_id = :clientId AND sid = :sid`,
});

const IS_LIVE_AS = statement({
  name: 'sessions_is_live_as',
  parameters: { accountId: 'uuid', clientId: 'text', sid: 'text', now: 'timestamptz' },
  row: { found: 'int' },
  text: `
    SELECT 1 AS found FROM session_clients sc JOIN sessions s ON s.account_id = :accountId AND s.id = sc.session_id JOIN accounts a ON a.id = :accountId
     WHERE sc.account_id = :accountId AND sc.client_id = :clientId AND sc.sid = :sid AND ${sessionIsAlive('s', 'a', ':accountId', ':now')}`,
});

const REMEMBER_UPSTREAM = statement({
  name: 'sessions_remember_upstream',
  parameters: {
    accountId: 'uuid',
    sessionId: 'uuid',
    issuer: 'text',
    upstreamId: 'uuid',
    sub: 'text',
    sid: 'text?',
    idToken: 'text',
    now: 'timestamptz',
  },
  text: `
    INSERT INTO session_upstreams (account_id, session_id, issuer, upstream_id, sub, sid, id_token, authenticated_at, began_after_order)
    VALUES (:accountId, :sessionId, :issuer, :upstreamId, :sub, :sid, :idToken, :now, ${NEWEST_ORDER})
    ON CONFLICT (account_id, session_id, issuer) DO UPDATE
      SET upstream_id = excluded.upstream_id, sub = excluded.sub, sid = excluded.sid, id_token = excluded.id_token,
          authenticated_at = excluded.authenticated_at, began_after_order = excluded.began_after_order`,
});

const FIND_UPSTREAM = statement({
  name: 'sessions_find_upstream',
  parameters: { accountId: 'uuid', sessionId: 'uuid' },
  row: { upstream_id: 'uuid', issuer: 'text', sub: 'text', sid: 'text?', id_token: 'text' },
  text: `
    SELECT upstream_id, issuer, sub, sid, id_token FROM session_upstreams
     WHERE account_id = :accountId AND session_id = :sessionId ORDER BY authenticated_at DESC LIMIT 1`,
});

/** A session by its cookie, with the applications in it where they were asked for. */
export interface FoundByCookie {
  readonly session: SignedInSession;
  readonly applications: readonly SessionApplication[];
}

/** The tables `sessions` and `session_upstreams`, and reads of `session_clients`. */
@Injectable()
export class SessionRepository implements OnApplicationBootstrap {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly clock: Clock,
    private readonly retention: Retention,
    private readonly routing: SessionRouting,
  ) {}

  onApplicationBootstrap(): void {
    // Kept a month after their end for the records that point at them. Expired ones end by the sweeper of `logout`:
    // until then their applications have not been notified, however long ago it was.
    this.retention.register(
      { table: 'session_clients', removal: OF_REMOVED_CLIENTS, keepMs: DELETED_CLIENT_KEPT_MS, first: true },
      { ...OLD, keepMs: 30 * DAY },
    );
  }

  /** The live one. @param options `cause` asks for the applications, too, and how each learns of its end by that */
  async findByCookie(
    cookie: string,
    { clientId, cause }: { readonly clientId?: string | undefined; readonly cause?: string | undefined },
  ): Promise<FoundByCookie | undefined> {
    const key = await this.routing.readCookie(cookie);
    if (key === undefined) return undefined;
    const [row] = await this.transactions.query(FIND_BY_COOKIE, { ...key, now: this.clock.now(), clientId, cause });
    if (row === undefined) return undefined;
    const session = {
      ...toSession(row),
      login: row.login,
      claims: row.claims,
      clientCount: row.client_count,
      upstreamId: row.upstream_id ?? undefined,
      serves: row.serves,
    };
    return { session, applications: (row.applications ?? []).map(toApplication) };
  }

  /** One that ended after `since`, or is alive. */
  async findEndedByCookie(cookie: string, since: Date): Promise<EndedSession | undefined> {
    const key = await this.routing.readCookie(cookie);
    if (key === undefined) return undefined;
    const [row] = await this.transactions.query(FIND_ENDED_BY_COOKIE, { ...key, since });
    return row === undefined ? undefined : { accountId: row.account_id, id: row.id, terminationId: row.termination_id };
  }

  /** Pushes the idle expiry of those that have not ended. One that is locked at this moment stays as it is. */
  async touch(sessions: readonly SessionKey[], idleExpiresAt: Date): Promise<void> {
    await this.transactions.query(TOUCH, {
      accountIds: sessions.map(({ accountId }) => accountId),
      sessionIds: sessions.map(({ sessionId }) => sessionId),
      now: this.clock.now(),
      idleExpiresAt,
    });
  }

  async isKnownAs(session: SessionKey, clientId: string, sid: string): Promise<boolean> {
    return (await this.transactions.query(IS_KNOWN_AS, { ...session, clientId, sid })).length > 0;
  }

  async isLiveAs(accountId: string, clientId: string, sid: string): Promise<boolean> {
    return (await this.transactions.query(IS_LIVE_AS, { accountId, clientId, sid, now: this.clock.now() })).length > 0;
  }

  /** The last sign-in at an issuer counts. */
  async rememberUpstream(tx: Tx, session: SessionKey, link: UpstreamLink): Promise<void> {
    await tx.query(REMEMBER_UPSTREAM, { ...link, ...session, now: this.clock.now() });
  }

  /** The last one, also of a session that has ended. */
  async findUpstream(session: SessionKey): Promise<UpstreamLink | undefined> {
    const [row] = await this.transactions.query(FIND_UPSTREAM, { ...session });
    if (row === undefined) return undefined;
    const { upstream_id: upstreamId, issuer, sub, sid, id_token: idToken } = row;
    return { upstreamId, issuer, sub, sid: sid ?? undefined, idToken };
  }
}
