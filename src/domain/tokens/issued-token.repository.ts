import { Injectable } from '@nestjs/common';
import { clientVouchesFor } from '../clients/clients.sql.js';
import { Clock } from '../../platform/clock/clock.js';
import { sql, statement } from '../../platform/database/statement.js';
import { TransactionRunner, type Tx } from '../../platform/database/transaction.js';
import { GRANT_COLUMNS, GRANT_SELECTED, SID_COLUMN, toGrant, type Grant } from './grant.js';
import {
  accessTokenIsDenied,
  GRANT_JOINS,
  grantHasNotEnded,
  OPAQUE_JOINS,
  revokeGrants,
  SID_JOIN,
} from './tokens.sql.js';

const ALIVE = `coalesce(${grantHasNotEnded('g', 's', 'a', ':now')}, false)`;

/**
 * The grant was taken back on its own account. Those that ended with their session were not: that the session is over
 * says nothing against the person that the token names.
 */
const TAKEN_BACK = `(g.revoked_at IS NOT NULL AND (g.revoked_cause = 'token_revoked' OR s.id IS NOT NULL AND s.terminated_at IS NULL))`;

const STATE = {
  ...GRANT_COLUMNS,
  ...SID_COLUMN,
  alive: 'boolean',
  denied: 'boolean',
  taken_back: 'boolean?',
} as const;

const OF_GRANT = statement({
  name: 'issued_tokens_of_grant',
  parameters: { grantId: 'uuid', jti: 'text', now: 'timestamptz' },
  row: STATE,
  text: `
    SELECT ${GRANT_SELECTED}, sc.sid, ${ALIVE} AS alive, ${accessTokenIsDenied(':jti')} AS denied, ${TAKEN_BACK} AS taken_back
      FROM grants g ${GRANT_JOINS} ${SID_JOIN} WHERE g.id = :grantId`,
});

const IS_DENIED = statement({
  name: 'issued_tokens_is_denied',
  parameters: { jti: 'text' },
  row: { denied: 'boolean' },
  text: `SELECT ${accessTokenIsDenied(':jti')} AS denied`,
});

const OPAQUE = statement({
  name: 'issued_tokens_opaque',
  parameters: { tokenHash: 'bytea', clientId: 'text?', now: 'timestamptz' },
  row: {
    jti: 'text',
    expires_at: 'timestamptz',
    ...STATE,
    // Null, as is the rest of the grant, for a token of the client's own.
    id: 'uuid?',
  },
  text: `
    SELECT o.jti, o.expires_at, ${GRANT_SELECTED}, sc.sid,
           CASE WHEN o.grant_id IS NULL THEN ${clientVouchesFor('c', 'o.issued_at', 'o.token_generation')} ELSE ${ALIVE} END AS alive,
           ${accessTokenIsDenied('o.jti')} AS denied, ${TAKEN_BACK} AS taken_back
      FROM opaque_access_tokens o ${OPAQUE_JOINS}
     WHERE o.token_hash = :tokenHash AND (:clientId IS NULL OR c.client_id = :clientId)`,
});

/** Used up without a successor: presented again it is refused, and nothing is taken for reuse. */
const INVALIDATE_REFRESH_TOKEN = statement({
  name: 'issued_tokens_invalidate_refresh_token',
  parameters: { tokenHash: 'bytea', clientId: 'text', now: 'timestamptz' },
  row: { grant_id: 'uuid' },
  text: `
    UPDATE refresh_tokens r SET consumed_at = :now
      FROM grants g ${GRANT_JOINS}
     WHERE g.id = (SELECT p.grant_id FROM refresh_tokens p WHERE p.token_hash = :tokenHash) AND c.client_id = :clientId
       AND r.token_hash = :tokenHash AND r.consumed_at IS NULL AND r.expires_at > :now AND ${grantHasNotEnded('g', 's', 'a', ':now')}
    RETURNING r.grant_id`,
});

const INVALIDATE_ALL = statement({
  name: 'issued_tokens_invalidate_all',
  parameters: { clientId: 'text', ofOneUpstream: 'boolean', upstream: 'text?', login: 'text?', now: 'timestamptz' },
  row: { id: 'uuid' },
  text: sql`
    WITH ended AS MATERIALIZED (
      SELECT g.id FROM grants g ${GRANT_JOINS}
       WHERE g.client_id = :clientId AND ${grantHasNotEnded('g', 's', 'a', ':now')}
         AND (NOT :ofOneUpstream OR g.realm IS NOT DISTINCT FROM :upstream)
         AND (:login IS NULL OR a.login = :login)
         AND EXISTS (SELECT 1 FROM refresh_tokens r WHERE r.grant_id = g.id AND r.consumed_at IS NULL AND r.expires_at > :now)
    ), ${revokeGrants('g.id IN (SELECT ended.id FROM ended)', `'token_revoked'`, ['ended'])}
    SELECT id FROM revoked`,
});

/** The session's row is locked first, as everywhere where both are (see `EXCHANGE_CODE`). */
const REVOKE_GRANT = statement({
  name: 'issued_tokens_revoke_grant',
  parameters: { grantId: 'uuid', now: 'timestamptz' },
  row: { id: 'uuid' },
  text: sql`
    WITH locked AS MATERIALIZED (
      SELECT s.id FROM sessions s WHERE s.id = (SELECT g.session_id FROM grants g WHERE g.id = :grantId) FOR NO KEY UPDATE OF s
    ), ${revokeGrants(
      'g.id = :grantId AND (g.session_id IS NULL OR g.session_id IN (SELECT locked.id FROM locked))',
      `'token_revoked'`,
      ['locked'],
    )}
    SELECT id FROM revoked`,
});

/** An access token that we issued as storage knows it, dead or alive. */
export interface StoredAccessToken {
  readonly jti: string;
  readonly expiresAt: Date;
  readonly alive: boolean;
  /** It or its grant was revoked; not: it ended with its session, or ran out. */
  readonly revoked: boolean;
  readonly grant: Grant | undefined;
}

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
    const [row] = await this.transactions.query(OF_GRANT, { grantId, jti, now });
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
    const [row] = await this.transactions.query(IS_DENIED, { jti });
    return row?.denied === true;
  }

  /** @param clientId the client that it must belong to; undefined: any */
  async opaque(tokenHash: Buffer, clientId: string | undefined): Promise<StoredAccessToken | undefined> {
    const now = this.clock.now();
    const [row] = await this.transactions.query(OPAQUE, { tokenHash, clientId, now });
    if (row === undefined) return undefined;
    return {
      jti: row.jti,
      expiresAt: row.expires_at,
      alive: row.alive && !row.denied && row.expires_at > now,
      revoked: row.denied || row.taken_back === true,
      grant: row.id === null ? undefined : toGrant({ ...row, id: row.id }),
    };
  }

  async invalidateRefreshToken(tokenHash: Buffer, clientId: string): Promise<boolean> {
    const values = { tokenHash, clientId, now: this.clock.now() };
    return (await this.transactions.query(INVALIDATE_REFRESH_TOKEN, values)).length === 1;
  }

  /** @returns how many grants were revoked */
  async invalidateAll(
    clientId: string,
    filter: { readonly upstream?: { readonly name: string | null }; readonly login?: string },
  ): Promise<number> {
    const rows = await this.transactions.query(INVALIDATE_ALL, {
      clientId,
      ofOneUpstream: filter.upstream !== undefined,
      upstream: filter.upstream?.name,
      login: filter.login,
      now: this.clock.now(),
    });
    return rows.length;
  }

  async revokeGrant(tx: Tx, grantId: string): Promise<void> {
    await tx.query(REVOKE_GRANT, { grantId, now: this.clock.now() });
  }
}
