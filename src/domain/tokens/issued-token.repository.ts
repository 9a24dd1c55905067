import { Injectable } from '@nestjs/common';
import { clientVouchesFor } from '../clients/clients.sql.js';
import { Clock } from '../../platform/clock/clock.js';
import { statement } from '../../platform/database/statement.js';
import { TransactionRunner, type Tx } from '../../platform/database/transaction.js';
import { GRANT_COLUMNS, toGrant, type Grant, type GrantRow } from './grant.js';
import { GRANT_JOINS, grantHasNotEnded } from './tokens.sql.js';

const SID_JOIN = `LEFT JOIN session_clients sc ON sc.session_id = g.session_id AND sc.client_id = g.client_id`;
const ALIVE = `coalesce(${grantHasNotEnded('g', 's', 'a', '$2::timestamptz')}, false)`;
const DENIED = (jti: string) => `EXISTS (SELECT 1 FROM revoked_access_tokens x WHERE x.jti = ${jti})`;

/**
 * The grant was taken back on its own account. Those that ended with their session were not: that the session is over
 * says nothing against the person that the token names.
 */
const TAKEN_BACK = `(g.revoked_at IS NOT NULL AND (g.revoked_cause = 'token_revoked' OR s.id IS NOT NULL AND s.terminated_at IS NULL))`;

const OF_GRANT = statement(
  'issued_tokens_of_grant',
  `SELECT ${GRANT_COLUMNS}, sc.sid, ${ALIVE} AS alive, ${DENIED('$3')} AS denied, ${TAKEN_BACK} AS taken_back
     FROM grants g ${GRANT_JOINS} ${SID_JOIN} WHERE g.id = $1`,
);

const IS_DENIED = statement('issued_tokens_is_denied', `SELECT ${DENIED('$1')} AS denied`);

const OPAQUE = statement(
  'issued_tokens_opaque',
  `SELECT o.jti, o.expires_at, o.grant_id, ${GRANT_COLUMNS}, sc.sid,
          CASE WHEN o.grant_id IS NULL THEN ${clientVouchesFor('c', 'o.issued_at', 'o.token_generation')} ELSE ${ALIVE} END AS alive,
          ${DENIED('o.jti')} AS denied, ${TAKEN_BACK} AS taken_back
     FROM opaque_access_tokens o
     JOIN clients c ON c.client_id = o.client_id
     LEFT JOIN grants g ON g.id = o.grant_id LEFT JOIN accounts a ON a.id = g.account_id
     LEFT JOIN sessions s ON s.id = g.session_id ${SID_JOIN}
    WHERE o.token_hash = $1 AND ($3::text IS NULL OR o.client_id = $3)`,
);

const DENY = statement(
  'issued_tokens_deny',
  'INSERT INTO revoked_access_tokens (jti, expires_at) VALUES ($1, $2) ON CONFLICT (jti) DO NOTHING RETURNING jti',
);

/** Used up without a successor: presented again it is refused, and nothing is taken for reuse. */
const INVALIDATE_REFRESH_TOKEN = statement(
  'issued_tokens_invalidate_refresh_token',
  `UPDATE refresh_tokens r SET consumed_at = $2
     FROM grants g ${GRANT_JOINS}
    WHERE r.token_hash = $1 AND g.id = r.grant_id AND g.client_id = $3
      AND r.consumed_at IS NULL AND r.expires_at > $2::timestamptz AND ${grantHasNotEnded('g', 's', 'a', '$2')}
   RETURNING r.grant_id`,
);

const INVALIDATE_ALL = statement(
  'issued_tokens_invalidate_all',
  `UPDATE grants x SET revoked_at = $2, revoked_cause = 'token_revoked'
     FROM grants g ${GRANT_JOINS}
    WHERE x.id = g.id AND g.client_id = $1 AND ${grantHasNotEnded('g', 's', 'a', '$2::timestamptz')}
      AND (NOT $3::boolean OR g.realm IS NOT DISTINCT FROM $4::text)
      AND ($5::text IS NULL OR a.login = $5)
      AND EXISTS (SELECT 1 FROM refresh_tokens r WHERE r.grant_id = g.id AND r.consumed_at IS NULL AND r.expires_at > $2)
   RETURNING x.id`,
);

/** The session's row is locked first, as everywhere where both are (see `EXCHANGE_CODE`). */
const LOCKED_SESSION = `locked AS MATERIALIZED (
     SELECT s.id FROM sessions s JOIN grants g ON g.session_id = s.id WHERE g.id = $1 FOR NO KEY UPDATE OF s
   )`;

const REVOKE_GRANT = statement(
  'issued_tokens_revoke_grant',
  `WITH ${LOCKED_SESSION}
   UPDATE grants g SET revoked_at = $2, revoked_cause = 'token_revoked'
    WHERE g.id = $1 AND g.revoked_at IS NULL AND (SELECT count(*) FROM locked) >= 0`,
);

/** An access token that we issued as storage knows it, dead or alive. */
export interface StoredAccessToken {
  readonly jti: string;
  readonly expiresAt: Date;
  readonly alive: boolean;
  /** It or its grant was revoked; not: it ended with its session, or ran out. */
  readonly revoked: boolean;
  readonly grant: Grant | undefined;
}

type StateRow = GrantRow & { alive: boolean; denied: boolean; taken_back: boolean | null };

/** What became of tokens, also of dead ones, and the end of single ones. */
@Injectable()
export class IssuedTokenRepository {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly clock: Clock,
  ) {}

  /** A grant that retention has removed is as dead as one that was revoked, but says nothing any more: undefined. */
  async ofGrant(grantId: string, jti: string, expiresAt: Date): Promise<StoredAccessToken | undefined> {
    const now = this.clock.now();
    const [row] = await this.transactions.query<StateRow>(OF_GRANT, [grantId, now, jti]);
    return row === undefined
      ? undefined
      : {
          jti,
          expiresAt,
          alive: row.alive && !row.denied && expiresAt > now,
          revoked: row.denied || row.taken_back === true,
          grant: toGrant(row),
        };
  }

  async isDenied(jti: string): Promise<boolean> {
    const [row] = await this.transactions.query<{ denied: boolean }>(IS_DENIED, [jti]);
    return row?.denied === true;
  }

  /** @param clientId the client that it must belong to; undefined: any */
  async opaque(tokenHash: Buffer, clientId: string | undefined): Promise<StoredAccessToken | undefined> {
    const now = this.clock.now();
    const [row] = await this.transactions.query<StateRow & { jti: string; expires_at: Date; grant_id: string | null }>(
      OPAQUE,
      [tokenHash, now, clientId ?? null],
    );
    if (row === undefined) return undefined;
    const owned = row.grant_id === null;
    return {
      jti: row.jti,
      expiresAt: row.expires_at,
      alive: row.alive && !row.denied && row.expires_at > now,
      revoked: row.denied || row.taken_back === true,
      grant: owned ? undefined : toGrant(row),
    };
  }

  /** False: it was denied before. */
  async deny(db: Pick<Tx, 'query'> | undefined, jti: string, expiresAt: Date): Promise<boolean> {
    return (await (db ?? this.transactions).query(DENY, [jti, expiresAt])).length === 1;
  }

  async invalidateRefreshToken(tokenHash: Buffer, clientId: string): Promise<boolean> {
    const rows = await this.transactions.query(INVALIDATE_REFRESH_TOKEN, [tokenHash, this.clock.now(), clientId]);
    return rows.length === 1;
  }

  /** @returns how many grants were revoked */
  async invalidateAll(
    clientId: string,
    filter: { readonly upstream?: { readonly name: string | null }; readonly login?: string },
  ): Promise<number> {
    const rows = await this.transactions.query(INVALIDATE_ALL, [
      clientId,
      this.clock.now(),
      filter.upstream !== undefined,
      filter.upstream?.name ?? null,
      filter.login ?? null,
    ]);
    return rows.length;
  }

  async revokeGrant(tx: Tx, grantId: string): Promise<void> {
    await tx.query(REVOKE_GRANT, [grantId, this.clock.now()]);
  }
}
