import { Injectable } from '@nestjs/common';
import { accountClaims } from '../accounts/accounts.sql.js';
import { clientMayRefresh } from '../clients/clients.sql.js';
import { Clock } from '../../platform/clock/clock.js';
import { listed } from '../../platform/database/sql-text.js';
import { StatementBatch } from '../../platform/database/statement-batch.js';
import { sql, statement, typed } from '../../platform/database/statement.js';
import { TransactionRunner } from '../../platform/database/transaction.js';
import { GRANT_COLUMNS, GRANT_SELECTED, GRANTED_SCOPE, lastDayFor, SID_COLUMN, toGrant, type Grant } from './grant.js';
import {
  OPAQUE_ITEMS,
  OPAQUE_LISTS,
  OPAQUE_PARAMETERS,
  opaqueItem,
  opaqueValues,
  STORE_OPAQUE,
  STORE_OPAQUE_OF_EACH,
  type OpaqueToStore,
} from './opaque-tokens.sql.js';
import type { PresentedRefreshToken } from './refresh-token-form.js';
import {
  grantHasNotEnded,
  grantIsAlive,
  grantJoins,
  revokeGrants,
  sidOf,
  theAccount,
  theClient,
} from './tokens.sql.js';

export interface Rotation {
  readonly presented: PresentedRefreshToken;
  readonly clientId: string;
  readonly scope: readonly string[] | undefined;
  readonly successorExpiresAt: Date;
  readonly opaque: OpaqueToStore | undefined;
}

export interface GrantWithClaims {
  readonly grant: Grant;
  readonly accountClaims: Readonly<Record<string, unknown>>;
}

/** What became of the refresh tokens of a grant. */
export interface RefreshTokenState {
  readonly grant: Grant;
  readonly grantAlive: boolean;
  /** Of the one that is good, if one is. */
  readonly generation: number;
  /** How long ago the generation before it was used. */
  readonly usedMsAgo: number | undefined;
  /** Null: there is none that could be used. */
  readonly expiresAt: Date | null;
  /** The one that was presented could be used now. */
  readonly isGood: boolean;
  readonly accountClaims: Readonly<Record<string, unknown>>;
}

const KEY = { accountId: 'uuid', grantId: 'uuid', rootHash: 'bytea?' } as const;
const WITH_CLAIMS = {
  ...GRANT_COLUMNS,
  ...SID_COLUMN,
  account_claims: typed<Readonly<Record<string, unknown>>>('jsonb'),
} as const;

/** The grant `g` by its key; what else is asked of it must not look like one to an index. */
const THE_GRANT = `g.account_id = :accountId AND g.id = :grantId AND g.refresh_root_hash IS NOT DISTINCT FROM :rootHash`;
const ALIVE = `${grantIsAlive('g', 'a', 'c', ':accountId', ':now')} AND ${clientMayRefresh('c')}`;

const ROTATION_LISTS = {
  accountId: 'uuid[]',
  grantId: 'uuid[]',
  rootHash: 'bytea[]',
  clientId: 'text[]',
  generation: 'int[]',
  scope: 'text[]',
  successorExpiresAt: 'timestamptz[]',
  ...OPAQUE_LISTS,
} as const;

/**
 * One update of each grant's row: the generation that is presented is used, and the next one is good. A revocation that
 * commits first leaves nothing to rotate, and one that comes second kills the successor too: what is asked of the grant
 * is asked of its row once that is locked.
 *
 * The update is an upsert whose conflict is certain, since the row is there and locked. So Postgres finds it by the key,
 * where a planner might join a batch with all grants instead.
 */
const ROTATE = statement({
  name: 'grants_rotate_refresh_token',
  ends: true,
  parameters: { ...ROTATION_LISTS, now: 'timestamptz' },
  row: { place: 'int', ...WITH_CLAIMS },
  text: sql`
    WITH asked AS (
      SELECT * FROM ${listed(...Object.keys(ROTATION_LISTS).map((name) => `:${name}`))} WITH ORDINALITY
          x(account_id, grant_id, root_hash, client_id, generation, scope, successor_expires_at, ${OPAQUE_ITEMS}, place)
       ORDER BY account_id, grant_id
    ), g AS MATERIALIZED (
      SELECT asked.place, ${GRANT_SELECTED}, ${sidOf('g', 'asked.account_id')} AS sid, ${accountClaims('a')} AS account_claims,
             g.scope AS stored_scope, g.created_at, g.keep_until, g.refresh_generation, asked.successor_expires_at, ${OPAQUE_ITEMS}
        FROM asked CROSS JOIN ${theClient('asked.client_id')} CROSS JOIN ${theAccount('asked.account_id')}
       CROSS JOIN LATERAL (
         SELECT k.* FROM grants k WHERE k.account_id = asked.account_id AND k.id = asked.grant_id OFFSET 0 FOR NO KEY UPDATE
       ) g
       WHERE g.refresh_root_hash IS NOT DISTINCT FROM asked.root_hash AND g.client_id = asked.client_id
         AND g.refresh_generation = asked.generation AND g.refresh_expires_at > :now
         AND (asked.scope IS NULL OR string_to_array(asked.scope, ' ') <@ string_to_array(${GRANTED_SCOPE}, ' '))
         AND ${grantIsAlive('g', 'a', 'c', 'asked.account_id', ':now')} AND ${clientMayRefresh('c')}
    ), turned AS (
      INSERT INTO grants (account_id, id, client_id, offline, scope, authenticated_at, amr, created_at,
             refresh_generation, refreshed_at, refresh_expires_at, keep_until)
      SELECT g.account_id, g.id, g.client_id, g.offline, g.stored_scope, g.authenticated_at, g.amr, g.created_at,
             g.refresh_generation + 1, :now, g.successor_expires_at, greatest(g.keep_until, ${lastDayFor('g.successor_expires_at')})
        FROM g
      ON CONFLICT (account_id, id) DO UPDATE SET refresh_generation = excluded.refresh_generation, refreshed_at = excluded.refreshed_at,
             refresh_expires_at = excluded.refresh_expires_at, keep_until = excluded.keep_until
    ), ${STORE_OPAQUE_OF_EACH}
    SELECT g.place::int AS place, ${Object.keys(WITH_CLAIMS)
      .map((column) => `g.${column}`)
      .join(', ')} FROM g`,
});

const STATE = statement({
  name: 'grants_refresh_token_state',
  parameters: { ...KEY, now: 'timestamptz' },
  row: {
    ...WITH_CLAIMS,
    refresh_generation: 'int',
    refreshed_at: 'timestamptz?',
    refresh_expires_at: 'timestamptz?',
    grant_alive: 'boolean',
  },
  text: `
    SELECT ${GRANT_SELECTED}, ${sidOf('g', ':accountId')} AS sid, ${accountClaims('a')} AS account_claims,
           g.refresh_generation, g.refreshed_at, g.refresh_expires_at, coalesce(${ALIVE}, false) AS grant_alive
      FROM grants g ${grantJoins(':accountId')} WHERE ${THE_GRANT}`,
});

/** The grace: the same successor again, as long as it is unused. */
const REPEAT_ROTATION = statement({
  name: 'grants_repeat_rotation',
  parameters: { ...KEY, generation: 'int', now: 'timestamptz', ...OPAQUE_PARAMETERS },
  row: { id: 'uuid' },
  text: sql`
    WITH g AS (
      SELECT ${GRANT_SELECTED} FROM grants g ${grantJoins(':accountId')}
       WHERE ${THE_GRANT} AND g.refresh_generation = :generation + 1 AND g.refresh_expires_at > :now AND ${ALIVE}
         FOR SHARE OF g
    ), ${STORE_OPAQUE}
    SELECT g.id FROM g`,
});

const REVOKE = statement({
  name: 'grants_revoke_by_token',
  ends: true,
  parameters: { ...KEY, clientId: 'text', now: 'timestamptz' },
  row: { id: 'uuid' },
  text: sql`
    WITH ${revokeGrants(`${THE_GRANT} AND g.client_id IS NOT DISTINCT FROM :clientId`, `'token_revoked'`)}
    SELECT id FROM revoked`,
});

/** Used up without a successor: presented again it is refused, and nothing is taken for reuse. */
const INVALIDATE = statement({
  name: 'grants_invalidate_refresh_token',
  ends: true,
  parameters: { ...KEY, clientId: 'text', generation: 'int', now: 'timestamptz' },
  row: { id: 'uuid' },
  text: `
    UPDATE grants g SET refresh_expires_at = :now FROM ${theAccount(':accountId')}
     WHERE ${THE_GRANT} AND g.client_id IS NOT DISTINCT FROM :clientId AND g.refresh_generation = :generation
       AND g.refresh_expires_at > :now AND ${grantHasNotEnded('g', 'a', ':accountId', ':now')}
    RETURNING g.id`,
});

/** Refresh tokens, in the rows of their grants. Every method is one statement and tells what it changed; rotations go together. */
@Injectable()
export class RefreshTokenRepository {
  private readonly rotations;

  constructor(
    private readonly transactions: TransactionRunner,
    private readonly clock: Clock,
  ) {
    // Not to be repeated: what was used is not used again. The client may repeat it, within the grace.
    this.rotations = new StatementBatch(transactions, ROTATE, {
      repeatable: false,
      key: ({ accountId, grantId }) => `${accountId} ${grantId}`,
      shared: () => ({ now: clock.now() }),
    });
  }

  /**
   * Uses the token and makes the next generation good. Undefined: another request was first, or it does not fit;
   * {@link state} says what.
   */
  async rotate(rotation: Rotation): Promise<GrantWithClaims | undefined> {
    const { presented, opaque, successorExpiresAt, clientId, scope } = rotation;
    const { accountId, grantId, rootHash, generation } = presented;
    const row = await this.rotations.run({
      accountId,
      grantId,
      rootHash,
      clientId,
      generation,
      successorExpiresAt,
      scope: scope?.join(' ') ?? null,
      ...opaqueItem(opaque),
    });
    return row === undefined ? undefined : { grant: toGrant(row), accountClaims: row.account_claims };
  }

  async state(presented: PresentedRefreshToken): Promise<RefreshTokenState | undefined> {
    const now = this.clock.now();
    const [row] = await this.transactions.query(STATE, { ...presented, now });
    if (row === undefined) return undefined;
    const usedAt = presented.usedAt ?? row.refreshed_at;
    return {
      grant: toGrant(row),
      grantAlive: row.grant_alive,
      generation: row.refresh_generation,
      usedMsAgo: usedAt === null ? undefined : now.getTime() - usedAt.getTime(),
      expiresAt: row.refresh_expires_at,
      isGood:
        row.grant_alive &&
        presented.generation === row.refresh_generation &&
        row.refresh_expires_at !== null &&
        row.refresh_expires_at > now,
      accountClaims: row.account_claims,
    };
  }

  /** Whether the successor of a token that was used a moment ago may be handed out once more. */
  async repeatRotation(presented: PresentedRefreshToken, opaque: OpaqueToStore | undefined): Promise<boolean> {
    const values = { ...presented, now: this.clock.now(), ...opaqueValues(opaque) };
    return (await this.transactions.query(REPEAT_ROTATION, values)).length === 1;
  }

  /** RFC 7009 §2.1: a refresh token's grant dies with it; another client's token is left alone. */
  async revoke(presented: PresentedRefreshToken, clientId: string): Promise<void> {
    await this.transactions.query(REVOKE, { ...presented, clientId, now: this.clock.now() });
  }

  /** @returns whether it was good until now */
  async invalidate(presented: PresentedRefreshToken, clientId: string): Promise<boolean> {
    const values = { ...presented, clientId, now: this.clock.now() };
    return (await this.transactions.query(INVALIDATE, values)).length === 1;
  }
}
