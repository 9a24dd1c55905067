import { Injectable } from '@nestjs/common';
import { accountClaims } from '../accounts/accounts.sql.js';
import { clientMayRefresh } from '../clients/clients.sql.js';
import { Clock } from '../../platform/clock/clock.js';
import { sql, statement, typed } from '../../platform/database/statement.js';
import { TransactionRunner } from '../../platform/database/transaction.js';
import { GRANT_COLUMNS, GRANT_SELECTED, GRANTED_SCOPE, SID_COLUMN, toGrant, type Grant } from './grant.js';
import { OPAQUE_PARAMETERS, opaqueValues, storeOpaque, type OpaqueToStore } from './opaque-tokens.sql.js';
import { GRANT_JOINS, grantIsAlive, revokeGrants, SID_JOIN } from './tokens.sql.js';

export interface Rotation {
  readonly tokenHash: Buffer;
  readonly clientId: string;
  readonly scope: readonly string[] | undefined;
  readonly successorHash: Buffer;
  readonly successorSalt: Buffer;
  readonly successorExpiresAt: Date;
  readonly opaque: OpaqueToStore | undefined;
}

export interface GrantWithClaims {
  readonly grant: Grant;
  readonly accountClaims: Readonly<Record<string, unknown>>;
}

/** What became of a refresh token that could not be rotated. */
export interface RefreshTokenState {
  readonly grant: Grant;
  readonly grantAlive: boolean;
  readonly expiresAt: Date;
  readonly consumedAt: Date | null;
  readonly successorSalt: Buffer | null;
  readonly accountClaims: Readonly<Record<string, unknown>>;
}

const WITH_CLAIMS = {
  ...GRANT_COLUMNS,
  ...SID_COLUMN,
  account_claims: typed<Readonly<Record<string, unknown>>>('jsonb'),
} as const;

/**
 * One statement: the token is used, its successor exists. The grant's row is locked, so a revocation that commits first
 * leaves nothing to rotate, and one that comes second kills the successor too.
 */
const ROTATE = statement({
  name: 'grants_rotate_refresh_token',
  parameters: {
    tokenHash: 'bytea',
    clientId: 'text',
    scope: 'text[]?',
    successorHash: 'bytea',
    successorSalt: 'bytea',
    successorExpiresAt: 'timestamptz',
    now: 'timestamptz',
    ...OPAQUE_PARAMETERS,
  },
  row: WITH_CLAIMS,
  text: sql`
    WITH g AS (
      SELECT ${GRANT_SELECTED}, sc.sid, ${accountClaims('a')} AS account_claims
        FROM grants g ${GRANT_JOINS} ${SID_JOIN}
       WHERE g.id = (SELECT r.grant_id FROM refresh_tokens r WHERE r.token_hash = :tokenHash)
         AND c.client_id = :clientId AND (:scope IS NULL OR :scope <@ string_to_array(${GRANTED_SCOPE}, ' '))
         AND ${grantIsAlive('g', 's', 'a', 'c', ':now')} AND ${clientMayRefresh('c')}
         FOR SHARE OF g
    ), consumed AS (
      UPDATE refresh_tokens r SET consumed_at = :now, successor_salt = :successorSalt FROM g
       WHERE r.token_hash = :tokenHash AND r.consumed_at IS NULL AND r.expires_at > :now RETURNING r.grant_id
    ), successor AS (
      INSERT INTO refresh_tokens (token_hash, grant_id, created_at, expires_at)
      SELECT :successorHash, consumed.grant_id, :now, :successorExpiresAt FROM consumed
    ), ${storeOpaque('consumed')}
    SELECT g.* FROM g, consumed`,
});

const STATE = statement({
  name: 'grants_refresh_token_state',
  parameters: { tokenHash: 'bytea', now: 'timestamptz' },
  row: {
    ...WITH_CLAIMS,
    expires_at: 'timestamptz',
    consumed_at: 'timestamptz?',
    successor_salt: 'bytea?',
    grant_alive: 'boolean',
  },
  text: `
    SELECT ${GRANT_SELECTED}, sc.sid, ${accountClaims('a')} AS account_claims, r.expires_at, r.consumed_at, r.successor_salt,
           coalesce(${grantIsAlive('g', 's', 'a', 'c', ':now')} AND ${clientMayRefresh('c')}, false) AS grant_alive
      FROM refresh_tokens r CROSS JOIN LATERAL (SELECT * FROM grants k WHERE k.id = r.grant_id OFFSET 0) g ${GRANT_JOINS} ${SID_JOIN}
     WHERE r.token_hash = :tokenHash`,
});

/** The grace: the same successor again, as long as it is unused. */
const REPEAT_ROTATION = statement({
  name: 'grants_repeat_rotation',
  parameters: { successorHash: 'bytea', grantId: 'uuid', now: 'timestamptz', ...OPAQUE_PARAMETERS },
  row: { id: 'uuid' },
  text: sql`
    WITH g AS (
      SELECT ${GRANT_SELECTED} FROM grants g ${GRANT_JOINS}
       WHERE g.id = :grantId
         AND :grantId = (SELECT r.grant_id FROM refresh_tokens r
                          WHERE r.token_hash = :successorHash AND r.consumed_at IS NULL AND r.expires_at > :now)
         AND ${grantIsAlive('g', 's', 'a', 'c', ':now')} AND ${clientMayRefresh('c')}
         FOR SHARE OF g
    ), ${storeOpaque()}
    SELECT g.id FROM g`,
});

const REVOKE = statement({
  name: 'grants_revoke_by_token',
  parameters: { tokenHash: 'bytea', clientId: 'text', now: 'timestamptz' },
  row: { id: 'uuid' },
  text: sql`
    WITH ${revokeGrants(
      `g.client_id = :clientId AND g.id = (SELECT r.grant_id FROM refresh_tokens r WHERE r.token_hash = :tokenHash)`,
      `'token_revoked'`,
    )}, denied AS (
      INSERT INTO revoked_access_tokens (jti, expires_at)
      SELECT o.jti, o.expires_at FROM opaque_access_tokens o
       WHERE o.token_hash = :tokenHash AND o.client_id = :clientId AND o.expires_at > :now
      ON CONFLICT (jti) DO NOTHING
    )
    SELECT id FROM revoked`,
});

/** Refresh tokens. Every method is one statement and tells what it changed. */
@Injectable()
export class RefreshTokenRepository {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly clock: Clock,
  ) {}

  /**
   * Uses the token and stores its successor. Undefined: another request was first, or it does not fit; {@link state}
   * says what.
   */
  async rotate(rotation: Rotation): Promise<GrantWithClaims | undefined> {
    const { opaque, ...presented } = rotation;
    const values = { ...presented, now: this.clock.now(), ...opaqueValues(opaque) };
    const [row] = await this.transactions.query(ROTATE, values);
    return row === undefined ? undefined : { grant: toGrant(row), accountClaims: row.account_claims };
  }

  async state(tokenHash: Buffer): Promise<RefreshTokenState | undefined> {
    const [row] = await this.transactions.query(STATE, { tokenHash, now: this.clock.now() });
    if (row === undefined) return undefined;
    return {
      grant: toGrant(row),
      grantAlive: row.grant_alive,
      expiresAt: row.expires_at,
      consumedAt: row.consumed_at,
      successorSalt: row.successor_salt,
      accountClaims: row.account_claims,
    };
  }

  /** Whether the successor of a token that was used a moment ago may be handed out once more. */
  async repeatRotation(successorHash: Buffer, grantId: string, opaque: OpaqueToStore | undefined): Promise<boolean> {
    const values = { successorHash, grantId, now: this.clock.now(), ...opaqueValues(opaque) };
    return (await this.transactions.query(REPEAT_ROTATION, values)).length === 1;
  }

  /**
   * RFC 7009 §2.1: a refresh token's grant dies with it; another client's token is left alone. Also opaque access
   * tokens.
   */
  async revoke(tokenHash: Buffer, clientId: string): Promise<void> {
    await this.transactions.query(REVOKE, { tokenHash, clientId, now: this.clock.now() });
  }
}
