import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { LOCK_ACCOUNT } from '../accounts/accounts.sql.js';
import { clientIsToBeRemoved, DELETED_CLIENT_KEPT_MS, howClientIsTold } from '../clients/clients.sql.js';
import { Clock } from '../../platform/clock/clock.js';
import { Retention, RETENTION_BATCH } from '../../platform/database/retention.js';
import { statement } from '../../platform/database/statement.js';
import { TransactionRunner, type Tx } from '../../platform/database/transaction.js';
import { NEWEST_ORDER } from '../../platform/epochs/epochs.sql.js';
import { sessionServes } from '../upstreams/upstreams.sql.js';
import { SESSION_COLUMNS, toSession, type SessionRow } from './session-rows.js';
import { removeParticipants, sessionIsAlive } from './sessions.sql.js';
import type { SessionApplication, SignedInSession, UpstreamLink } from './session.js';

const DAY = 24 * 60 * 60 * 1000;
const OF_REMOVED_CLIENTS = statement({
  name: 'sessions_remove_participants',
  parameters: { before: 'timestamptz' },
  row: { removed: 'int' },
  plannedAnew: true,
  text: removeParticipants(clientIsToBeRemoved('sc.client_id', ':before'), RETENTION_BATCH),
});

const FIND_BY_COOKIE = statement(
  'sessions_find_by_cookie',
  `SELECT ${SESSION_COLUMNS}, a.login, a.claims,
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

/** What a sign-in makes of a session, or gives to the one that there is. */
export interface SignInOfSession {
  readonly sessionId: string;
  readonly accountId: string;
  /** By which password it was proved: one that was set since begins nothing. */
  readonly passwordChangedAt: Date | null;
  readonly cookieHash: Buffer;
  readonly amr: readonly string[];
  readonly now: Date;
  readonly idleExpiresAt: Date;
  readonly expiresAt: Date;
  readonly address: string | null;
  readonly userAgent: string | null;
  /** Null when another provider's word was taken for it. */
  readonly ownSignInAt: Date | null;
  readonly upstreamAuthTime: Date | null;
}

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
  ) {}

  onApplicationBootstrap(): void {
    // Kept a month after their end for the records that point at them. Expired ones end by the sweeper of `logout`:
    // until then their applications have not been notified, however long ago it was.
    this.retention.register(
      { table: 'session_clients', removal: OF_REMOVED_CLIENTS, keepMs: DELETED_CLIENT_KEPT_MS, first: true },
      {
        table: 'sessions',
        key: 'id',
        condition: 'terminated_at < $1',
        keepMs: 30 * DAY,
      },
    );
  }

  /** The live one. @param options `cause` asks for the applications, too, and how each learns of its end by that */
  async findByCookie(
    cookieHash: Buffer,
    { clientId, cause }: { readonly clientId?: string | undefined; readonly cause?: string | undefined },
  ): Promise<FoundByCookie | undefined> {
    const [row] = await this.transactions.query<CookieRow>(FIND_BY_COOKIE, [
      cookieHash,
      this.clock.now(),
      clientId ?? null,
      cause ?? null,
    ]);
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
  async findEndedByCookie(
    cookieHash: Buffer,
    since: Date,
  ): Promise<{ readonly id: string; readonly terminationId: string | null } | undefined> {
    const [row] = await this.transactions.query<{ id: string; termination_id: string | null }>(FIND_ENDED_BY_COOKIE, [
      cookieHash,
      since,
    ]);
    return row === undefined ? undefined : { id: row.id, terminationId: row.termination_id };
  }

  /** False when the account was disabled, deleted or given another password since the proof. */
  async create(tx: Tx | undefined, signIn: SignInOfSession): Promise<boolean> {
    return this.write(tx, CREATE, signIn);
  }

  /** As {@link create}, of the session that there is: false, too, when it is not alive or another account's. */
  async reauthenticate(tx: Tx | undefined, signIn: SignInOfSession): Promise<boolean> {
    return this.write(tx, REAUTHENTICATE, signIn);
  }

  /** Sessions of the account begin one after the other until this transaction ends. */
  async lockAccount(tx: Tx, accountId: string): Promise<void> {
    await tx.query(LOCK, [accountId]);
  }

  /** Pushes the idle expiry of those that have not ended. One that is locked at this moment stays as it is. */
  async touch(sessionIds: readonly string[], idleExpiresAt: Date): Promise<void> {
    await this.transactions.query(TOUCH, [sessionIds, this.clock.now(), idleExpiresAt]);
  }

  async isKnownAs(sessionId: string, clientId: string, sid: string): Promise<boolean> {
    return (await this.transactions.query(HAS_SID, [sessionId, clientId, sid])).length > 0;
  }

  async isLiveAs(clientId: string, sid: string): Promise<boolean> {
    return (await this.transactions.query(IS_LIVE_AS, [clientId, sid, this.clock.now()])).length > 0;
  }

  /** The last sign-in at an issuer counts. */
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

  /** The last one, also of a session that has ended. */
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

  private async write(tx: Tx | undefined, sql: typeof CREATE, signIn: SignInOfSession): Promise<boolean> {
    const rows = await (tx ?? this.transactions).query(sql, [
      signIn.sessionId,
      signIn.accountId,
      signIn.cookieHash,
      signIn.now,
      signIn.amr,
      signIn.idleExpiresAt,
      signIn.expiresAt,
      signIn.address,
      signIn.userAgent,
      signIn.passwordChangedAt,
      signIn.ownSignInAt,
      signIn.upstreamAuthTime,
    ]);
    return rows.length > 0;
  }
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
