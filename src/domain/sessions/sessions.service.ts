import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { v7 as uuid } from 'uuid';
import { LOCK_ACCOUNT } from '../accounts/accounts.sql.js';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { clientIsToBeRemoved, DELETED_CLIENT_KEPT_MS, howClientIsTold } from '../clients/clients.sql.js';
import { Clock } from '../../platform/clock/clock.js';
import type { Page, PageRequest } from '../../platform/database/page.js';
import { Retention } from '../../platform/database/retention.js';
import { statement, type Queryable } from '../../platform/database/statement.js';
import { warnOf } from '../../platform/database/storage-log.js';
import { TransactionRunner, type Tx } from '../../platform/database/transaction.js';
import { FEDERATED_AMR } from '../../platform/oidc/authentication-context.js';
import { newSecret, sha256 } from '../../platform/oidc/secret.js';
import { NEWEST_ORDER, sessionOutlivesOrders } from '../../platform/epochs/epochs.sql.js';
import { sessionServes } from '../upstreams/upstreams.sql.js';
import type { ParticipatingClient } from './participating-client.js';
import { SessionLimit } from './session-limit.js';
import { removeParticipants, sessionIsAlive } from './sessions.sql.js';
import type {
  Browser,
  Session,
  SessionApplication,
  SessionWithClients,
  SignedInSession,
  UpstreamLink,
} from './session.js';

const DAY = 24 * 60 * 60 * 1000;
const ACTIVITY_FLUSH_MS = 15_000;
const OF_REMOVED_CLIENT = clientIsToBeRemoved('sc.client_id', '$1');

const COLUMNS = `s.id, s.account_id, coalesce(s.upstream_auth_time, s.authenticated_at) AS authenticated_at, s.amr, s.created_at, s.last_seen_at, s.expires_at, s.address,
  s.user_agent, s.terminated_at, s.termination_id`;

const FIND_BY_COOKIE = statement(
  'sessions_find_by_cookie',
  `SELECT ${COLUMNS}, a.login, a.claims,
          (SELECT count(*)::int FROM session_clients c WHERE c.session_id = s.id) AS client_count,
          (SELECT u.upstream_id FROM session_upstreams u WHERE u.session_id = s.id ORDER BY u.authenticated_at DESC LIMIT 1) AS upstream_id,
          ${sessionServes('s', '$3::text')} AS serves,
          CASE WHEN $4::text IS NOT NULL THEN (
            SELECT json_agg(json_build_object('clientId', c.client_id, 'name', c.metadata ->> 'client_name', 'uri', c.metadata ->> 'client_uri',
                                              'told', ${howClientIsTold('c', '$4', 'true')}, 'frontchannel_logout_uri', c.metadata ->> 'frontchannel_logout_uri',
                                              'redirect_uris', c.metadata -> 'redirect_uris') ORDER BY c.client_id)
              FROM session_clients sc JOIN clients c ON c.client_id = sc.client_id WHERE sc.session_id = s.id
          ) END AS applications
     FROM sessions s JOIN accounts a ON a.id = s.account_id
    WHERE s.cookie_hash = $1 AND ${sessionIsAlive('s', 'a', '$2')}`,
);

const FIND_ENDED_BY_COOKIE = statement(
  'sessions_find_ended_by_cookie',
  `SELECT s.id, s.termination_id FROM sessions s
    WHERE s.cookie_hash = $1 AND coalesce(s.terminated_at, s.idle_expires_at) > $2::timestamptz`,
);

const CREATE = statement(
  'sessions_create',
  `WITH account AS (
     -- Locked, so that an account being disabled or given a new password at this moment gets no session from the old one.
     SELECT id FROM accounts
      WHERE id = $2 AND disabled_at IS NULL AND password_changed_at IS NOT DISTINCT FROM $10 FOR SHARE
   )
   INSERT INTO sessions (id, account_id, cookie_hash, authenticated_at, amr, created_at, last_seen_at, idle_expires_at,
                         expires_at, address, user_agent, own_sign_in_at, upstream_auth_time, began_after_order)
   SELECT $1, account.id, $3, $4, $5, $4, $4, least($6::timestamptz, $7::timestamptz), $7, $8, $9, $11::timestamptz, $12::timestamptz,
          ${NEWEST_ORDER} FROM account RETURNING id`,
);

const REAUTHENTICATE = statement(
  'sessions_reauthenticate',
  `UPDATE sessions s SET cookie_hash = $3, authenticated_at = $4, amr = $5, last_seen_at = $4, idle_expires_at = least($6::timestamptz, $7::timestamptz),
          expires_at = $7, address = $8, user_agent = $9, own_sign_in_at = coalesce($11::timestamptz, s.own_sign_in_at), upstream_auth_time = $12::timestamptz
     FROM accounts a
    WHERE s.id = $1 AND s.account_id = $2 AND a.id = s.account_id AND ${sessionIsAlive('s', 'a', '$4')}
      AND a.password_changed_at IS NOT DISTINCT FROM $10
   RETURNING s.id`,
);

const TOUCH = statement(
  'sessions_touch',
  `WITH seen AS (SELECT id FROM sessions WHERE id = ANY($1) AND terminated_at IS NULL ORDER BY id FOR NO KEY UPDATE SKIP LOCKED)
   UPDATE sessions s SET last_seen_at = $2, idle_expires_at = least($3::timestamptz, s.expires_at) FROM seen WHERE s.id = seen.id`,
);

const LOCK = statement('sessions_lock_account', LOCK_ACCOUNT);

const CLIENTS = `LEFT JOIN LATERAL (
       SELECT json_agg(json_build_object('clientId', sc.client_id, 'sid', sc.sid, 'joinedAt', sc.joined_at) ORDER BY sc.joined_at) AS clients
         FROM session_clients sc WHERE sc.session_id = s.id
     ) c ON true`;
/** `$3` says that ended ones are wanted, too; `$4` is now. */
const LISTED = `($3::boolean OR (s.terminated_at IS NULL AND s.expires_at > $4 AND s.idle_expires_at > $4 AND ${sessionOutlivesOrders('s')}))`;
/** In one comparison, so that the index in the order of the list is entered where the page begins. */
const BEFORE = (id: string): string => `${id} < coalesce($5::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')`;

const LIST = statement(
  'sessions_list',
  `SELECT ${COLUMNS}, c.clients FROM sessions s ${CLIENTS}
    WHERE ($1::uuid IS NULL OR s.account_id = $1)
      AND ($2::text IS NULL OR EXISTS (SELECT 1 FROM session_clients x WHERE x.session_id = s.id AND x.client_id = $2))
      AND ${LISTED} AND ${BEFORE('s.id')} AND ($6::uuid IS NULL OR s.id = $6)
    ORDER BY s.id DESC LIMIT $7`,
);

/** Along the client's own rows: it may be in none of millions of sessions. OFFSET keeps the two from being joined otherwise. */
const LIST_OF_CLIENT = statement(
  'sessions_list_of_client',
  `SELECT ${COLUMNS}, c.clients
     FROM session_clients x
     CROSS JOIN LATERAL (SELECT s.* FROM sessions s WHERE s.id = x.session_id AND ${LISTED} OFFSET 0) s
     ${CLIENTS}
    WHERE x.client_id = $2 AND ${BEFORE('x.session_id')} AND $1::uuid IS NULL AND $6::uuid IS NULL
    ORDER BY x.session_id DESC LIMIT $7`,
);

const HAS_SID = statement(
  'sessions_has_sid',
  'SELECT 1 FROM session_clients WHERE session_id = $1 AND client_id = $2 AND sid = $3',
);

const IS_LIVE_AS = statement(
  'sessions_is_live_as',
  `SELECT 1 FROM session_clients sc JOIN sessions s ON s.id = sc.session_id JOIN accounts a ON a.id = s.account_id
    WHERE sc.client_id = $1 AND sc.sid = $2 AND ${sessionIsAlive('s', 'a', '$3::timestamptz')}`,
);

const REMEMBER_UPSTREAM = statement(
  'sessions_remember_upstream',
  `INSERT INTO session_upstreams (session_id, issuer, upstream_id, sub, sid, id_token, authenticated_at, began_after_order)
   VALUES ($1, $2, $3, $4, $5, $6, $7, ${NEWEST_ORDER})
   ON CONFLICT (session_id, issuer) DO UPDATE
     SET upstream_id = excluded.upstream_id, sub = excluded.sub, sid = excluded.sid, id_token = excluded.id_token,
         authenticated_at = excluded.authenticated_at, began_after_order = excluded.began_after_order`,
);

const FIND_UPSTREAM = statement(
  'sessions_find_upstream',
  `SELECT upstream_id, issuer, sub, sid, id_token FROM session_upstreams
    WHERE session_id = $1 ORDER BY authenticated_at DESC LIMIT 1`,
);

interface SessionRow {
  id: string;
  account_id: string;
  authenticated_at: Date;
  amr: string[];
  created_at: Date;
  last_seen_at: Date;
  expires_at: Date;
  address: string | null;
  user_agent: string | null;
  terminated_at: Date | null;
  termination_id: string | null;
}

interface CookieRow extends SessionRow {
  login: string;
  claims: Record<string, unknown>;
  client_count: number;
  upstream_id: string | null;
  serves: boolean;
  applications: ApplicationRow[] | null;
}

interface ApplicationRow {
  clientId: string;
  name: string | null;
  uri: string | null;
  told: string;
  frontchannel_logout_uri: string | null;
  redirect_uris: string[];
}

export interface StartedSession {
  readonly sessionId: string;
  /** The value of the cookie: only its hash is kept. */
  readonly cookie: string;
}

/** Browser sessions: begin, find by cookie, list. They end only through `LogoutService`. */
@Injectable()
export class SessionsService implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(SessionsService.name);
  private readonly seen = new Set<string>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly transactions: TransactionRunner,
    private readonly clock: Clock,
    private readonly retention: Retention,
    private readonly limit: SessionLimit,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  onApplicationBootstrap(): void {
    // Kept a month after their end for the records that point at them. Expired ones end by the sweeper of `logout`:
    // until then their applications have not been notified, however long ago it was.
    this.retention.register(
      {
        table: 'session_clients',
        key: 'session_id, client_id',
        condition: OF_REMOVED_CLIENT,
        keepMs: DELETED_CLIENT_KEPT_MS,
        statement: removeParticipants(OF_REMOVED_CLIENT, '$2'),
        first: true,
      },
      {
        table: 'sessions',
        key: 'id',
        condition: 'terminated_at < $1',
        keepMs: 30 * DAY,
      },
    );
    this.timer = setInterval(() => {
      this.flushActivity().catch((error: unknown) => warnOf(this.logger, 'activity not written', error));
    }, ACTIVITY_FLUSH_MS);
    this.timer.unref();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.flushActivity().catch((error: unknown) => warnOf(this.logger, 'activity not written', error));
  }

  /**
   * The live session that a cookie names. One round trip; counts as activity.
   * @param clientId the client that it is to serve, for {@link SignedInSession.serves}; undefined: every client
   */
  async findByCookie(cookie: string | undefined, clientId?: string): Promise<SignedInSession | undefined> {
    return (await this.findCookie(cookie, { clientId }))?.session;
  }

  /**
   * As {@link findByCookie}, with the applications in it and how each would learn of its end by `cause` in this
   * browser.
   */
  async findByCookieWithApplications(
    cookie: string | undefined,
    cause: string,
  ): Promise<{ readonly session: SignedInSession; readonly applications: readonly SessionApplication[] } | undefined> {
    return this.findCookie(cookie, { cause });
  }

  private async findCookie(
    cookie: string | undefined,
    { clientId, cause }: { readonly clientId?: string | undefined; readonly cause?: string },
  ): Promise<{ readonly session: SignedInSession; readonly applications: readonly SessionApplication[] } | undefined> {
    if (cookie === undefined || cookie === '' || cookie.length > 200) return undefined;
    const [row] = await this.transactions.query<CookieRow>(FIND_BY_COOKIE, [
      sha256(cookie),
      this.clock.now(),
      clientId ?? null,
      cause ?? null,
    ]);
    if (row === undefined) return undefined;
    this.noteActivity(row.id);
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

  /**
   * The session that a cookie named until it ended, in the last day. Asked once {@link findByCookie} found none: it
   * does not sign the person in, it says whose browser this was.
   */
  async findEndedByCookie(
    cookie: string | undefined,
  ): Promise<{ readonly id: string; readonly terminationId: string | null } | undefined> {
    if (cookie === undefined || cookie === '' || cookie.length > 200) return undefined;
    const [row] = await this.transactions.query<{ id: string; termination_id: string | null }>(FIND_ENDED_BY_COOKIE, [
      sha256(cookie),
      this.clock.in(-DAY),
    ]);
    return row === undefined ? undefined : { id: row.id, terminationId: row.termination_id };
  }

  /**
   * Begins a session for a person who has just proved who they are. Undefined when the account was disabled, deleted or
   * given another password since that proof. Where concurrent sessions are limited, those beyond the limit end in the
   * same transaction: however many people sign in at once, and whichever way they come.
   *
   * @param authTime when an upstream says that it asked the person; undefined: now
   */
  async begin(
    account: AuthenticatedAccount,
    amr: readonly string[],
    browser: Browser,
    tx?: Tx,
    authTime?: Date,
  ): Promise<StartedSession | undefined> {
    if (this.settings.maxSessionsPerAccount === 0)
      return this.authenticate(tx ?? this.transactions, CREATE, uuid(), account, amr, browser, authTime);
    if (tx !== undefined) return this.beginWithinLimit(tx, account, amr, browser, authTime);
    return this.transactions.run((own) => this.beginWithinLimit(own, account, amr, browser, authTime));
  }

  /** The person proved again who they are: same session, same `sid`s, new cookie, new `auth_time`. */
  async reauthenticate(
    sessionId: string,
    account: AuthenticatedAccount,
    amr: readonly string[],
    browser: Browser,
    db: Queryable = this.transactions,
    authTime?: Date,
  ): Promise<StartedSession | undefined> {
    return this.authenticate(db, REAUTHENTICATE, sessionId, account, amr, browser, authTime);
  }

  /** Keeps how the person came in, so that a logout at either side finds the other. The last sign-in at an issuer counts. */
  async rememberUpstream(tx: Tx, sessionId: string, link: UpstreamLink): Promise<void> {
    await tx.query(REMEMBER_UPSTREAM, [
      sessionId,
      link.issuer,
      link.upstreamId,
      link.sub,
      link.sid ?? null,
      link.idToken,
      this.clock.now(),
    ]);
  }

  /** By which upstream the person came last, also of a session that has ended. */
  async findUpstream(sessionId: string): Promise<UpstreamLink | undefined> {
    const [row] = await this.transactions.query<{
      upstream_id: string;
      issuer: string;
      sub: string;
      sid: string | null;
      id_token: string;
    }>(FIND_UPSTREAM, [sessionId]);
    if (row === undefined) return undefined;
    const { upstream_id: upstreamId, issuer, sub, sid, id_token: idToken } = row;
    return { upstreamId, issuer, sub, sid: sid ?? undefined, idToken };
  }

  /** Newest first. Ended sessions only when asked for. */
  async list(
    filter: PageRequest & {
      readonly accountId?: string | undefined;
      readonly clientId?: string | undefined;
      readonly includeEnded?: boolean;
    },
  ): Promise<Page<SessionWithClients>> {
    const rows = await this.query(
      filter.accountId,
      filter.clientId,
      filter.includeEnded ?? false,
      filter.cursor,
      undefined,
      filter.limit + 1,
    );
    const items = rows.slice(0, filter.limit);
    return { items, nextCursor: rows.length > filter.limit ? items.at(-1)?.id : undefined };
  }

  async find(sessionId: string): Promise<SessionWithClients | undefined> {
    const [session] = await this.query(undefined, undefined, true, undefined, sessionId, 1);
    return session;
  }

  /** Whether the client knows this very session by this `sid`. */
  async isKnownAs(sessionId: string, clientId: string, sid: string): Promise<boolean> {
    return (await this.transactions.query(HAS_SID, [sessionId, clientId, sid])).length > 0;
  }

  /** Whether the session that the client knows by this `sid` is alive, in whichever browser. */
  async isLiveAs(clientId: string, sid: string): Promise<boolean> {
    return (await this.transactions.query(IS_LIVE_AS, [clientId, sid, this.clock.now()])).length > 0;
  }

  /** Something was done in the session: pushes its idle expiry. Written in batches, off the request's path. */
  noteActivity(sessionId: string): void {
    this.seen.add(sessionId);
  }

  async flushActivity(): Promise<void> {
    if (this.seen.size === 0) return;
    const ids = [...this.seen];
    this.seen.clear();
    await this.transactions.query(TOUCH, [ids, this.clock.now(), this.clock.in(this.settings.sessionIdleMs)]);
  }

  private async beginWithinLimit(
    tx: Tx,
    account: AuthenticatedAccount,
    amr: readonly string[],
    browser: Browser,
    authTime: Date | undefined,
  ): Promise<StartedSession | undefined> {
    // One after the other: two that did not see each other's session would both stay within the limit.
    await tx.query(LOCK, [account.id]);
    const started = await this.authenticate(tx, CREATE, uuid(), account, amr, browser, authTime);
    if (started !== undefined)
      await this.limit.enforce(tx, account.id, started.sessionId, this.settings.maxSessionsPerAccount);
    return started;
  }

  private async authenticate(
    db: Queryable,
    sql: typeof CREATE,
    sessionId: string,
    account: AuthenticatedAccount,
    amr: readonly string[],
    browser: Browser,
    authTime: Date | undefined,
  ): Promise<StartedSession | undefined> {
    const cookie = newSecret();
    const now = this.clock.now();
    const rows = await db.query(sql, [
      sessionId,
      account.id,
      sha256(cookie),
      now,
      amr,
      this.clock.in(this.settings.sessionIdleMs),
      this.clock.in(this.settings.sessionTtlMs),
      browser.address,
      browser.userAgent?.slice(0, 500) ?? null,
      account.passwordChangedAt,
      amr.includes(FEDERATED_AMR) ? null : now,
      authTime ?? null,
    ]);
    return rows.length === 0 ? undefined : { sessionId, cookie };
  }

  private async query(
    accountId: string | undefined,
    clientId: string | undefined,
    includeEnded: boolean,
    before: string | undefined,
    id: string | undefined,
    limit: number,
  ): Promise<SessionWithClients[]> {
    const rows = await this.transactions.query<
      SessionRow & { clients: { clientId: string; sid: string; joinedAt: string }[] | null }
    >(clientId !== undefined && accountId === undefined ? LIST_OF_CLIENT : LIST, [
      accountId ?? null,
      clientId ?? null,
      includeEnded,
      this.clock.now(),
      before ?? null,
      id ?? null,
      limit,
    ]);
    return rows.map((row) => ({ ...toSession(row), clients: (row.clients ?? []).map(toParticipant) }));
  }
}

/** What a sign-in proved: the account, and the password it was proved with by the time that was set. */
export interface AuthenticatedAccount {
  readonly id: string;
  readonly passwordChangedAt: Date | null;
}

function toParticipant(client: { clientId: string; sid: string; joinedAt: string }): ParticipatingClient {
  return { clientId: client.clientId, sid: client.sid, joinedAt: new Date(client.joinedAt) };
}

function toApplication(row: ApplicationRow): SessionApplication {
  return {
    clientId: row.clientId,
    name: row.name ?? row.clientId,
    uri: row.uri ?? undefined,
    told: row.told,
    registered: { frontchannel_logout_uri: row.frontchannel_logout_uri ?? undefined, redirect_uris: row.redirect_uris },
  };
}

function toSession(row: SessionRow): Session {
  return {
    id: row.id,
    accountId: row.account_id,
    authenticatedAt: row.authenticated_at,
    amr: row.amr,
    createdAt: row.created_at,
    lastSeenAt: row.last_seen_at,
    expiresAt: row.expires_at,
    address: row.address,
    userAgent: row.user_agent,
    terminatedAt: row.terminated_at,
    terminationId: row.termination_id,
  };
}
