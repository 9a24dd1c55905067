import { Injectable } from '@nestjs/common';
import { accountClaims } from '../accounts/accounts.sql.js';
import { clientMayRefresh } from '../clients/clients.sql.js';
import { Clock } from '../../platform/clock/clock.js';
import { sql, statement, typed } from '../../platform/database/statement.js';
import { TransactionRunner } from '../../platform/database/transaction.js';
import { GRANT_COLUMNS, GRANT_SELECTED, GRANTED_SCOPE, lastDayFor, SID_COLUMN, toGrant, type Grant } from './grant.js';
import { OPAQUE_PARAMETERS, opaqueValues, STORE_OPAQUE, type OpaqueToStore } from './opaque-tokens.sql.js';
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

/**
 * One update of the grant's row: the generation that is presented is used, and the next one is good. A revocation that
 * commits first leaves nothing to rotate, and one that comes second kills the successor too.
 */
const ROTATE = statement({
  name: 'grants_rotate_refresh_token',
  parameters: {
    ...KEY,
    clientId: 'text',
    generation: 'int',
    scope: 'text[]?',
    successorExpiresAt: 'timestamptz',
    now: 'timestamptz',
    ...OPAQUE_PARAMETERS,
  },
  row: WITH_CLAIMS,
  text: sql`
    WITH g AS (
      UPDATE grants g SET refresh_generation = g.refresh_generation + 1, refreshed_at = :now, refresh_expires_at = :successorExpiresAt,
             keep_until = greatest(g.keep_until, ${lastDayFor(':successorExpiresAt')})
        FROM ${theClient(':clientId')}, ${theAccount(':accountId')}
       WHERE ${THE_GRANT} AND g.client_id IS NOT DISTINCT FROM :clientId AND g.refresh_generation = :generation
         AND g.refresh_expires_at > :now AND (:scope IS NULL OR :scope <@ string_to_array(${GRANTED_SCOPE}, ' ')) AND ${ALIVE}
      RETURNING ${GRANT_SELECTED}, ${sidOf('g', ':accountId')} AS sid, ${accountClaims('a')} AS account_claims
    ), ${STORE_OPAQUE}
    SELECT * FROM g`,
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
  parameters: { ...KEY, clientId: 'text', now: 'timestamptz' },
  row: { id: 'uuid' },
  text: sql`
    WITH ${revokeGrants(`${THE_GRANT} AND g.client_id IS NOT DISTINCT FROM :clientId`, `'token_revoked'`)}
    SELECT id FROM revoked`,
});

/** Used up without a successor: presented again it is refused, and nothing is taken for reuse. */
const INVALIDATE = statement({
  name: 'grants_invalidate_refresh_token',
  parameters: { ...KEY, clientId: 'text', generation: 'int', now: 'timestamptz' },
  row: { id: 'uuid' },
  text: `
    UPDATE grants g SET refresh_expires_at = :now FROM ${theAccount(':accountId')}
     WHERE ${THE_GRANT} AND g.client_id IS NOT DISTINCT FROM :clientId AND g.refresh_generation = :generation
       AND g.refresh_expires_at > :now AND ${grantHasNotEnded('g', 'a', ':accountId', ':now')}
    RETURNING g.id`,
});

/** Refresh tokens, in the rows of their grants. Every method is one statement and tells what it changed. */
@Injectable()
export class RefreshTokenRepository {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly clock: Clock,
  ) {}

  /**
   * Uses the token and makes the next generation good. Undefined: another request was first, or it does not fit;
   * {@link state} says what.
   */
  async rotate(rotation: Rotation): Promise<GrantWithClaims | undefined> {
    const { presented, opaque, successorExpiresAt, clientId, scope } = rotation;
    const [row] = await this.transactions.query(ROTATE, {
      ...presented,
      clientId,
      scope,
      successorExpiresAt,
      now: this.clock.now(),
      ...opaqueValues(opaque),
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
