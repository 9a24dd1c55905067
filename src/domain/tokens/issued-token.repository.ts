import { Injectable } from '@nestjs/common';
import { clientVouchesFor } from '../clients/clients.sql.js';
import { Clock } from '../../platform/clock/clock.js';
import { limitAlongIndex } from '../../platform/database/sql-text.js';
import { sql, statement, type RowOf } from '../../platform/database/statement.js';
import { TransactionRunner, type Tx } from '../../platform/database/transaction.js';
import { HAS_OLD_REFRESH_TOKEN } from './before-routing.js';
import { GRANT_COLUMNS, GRANT_SELECTED, SID_COLUMN, toGrant, type Grant } from './grant.js';
import type { GrantKey } from './token-routing.js';
import {
  accessTokenIsDenied,
  grantHasNotEnded,
  grantJoins,
  revokeGrants,
  sidOf,
  theAccount,
  theClient,
  theSession,
} from './tokens.sql.js';

const ALIVE = `coalesce(${grantHasNotEnded('g', 'a', ':accountId', ':now')}, false)`;

/**
 * The grant was taken back on its own account. Those that ended with their session were not: that the session is over
 * says nothing against the person that the token names.
 */
const TAKEN_BACK = `(g.revoked_at IS NOT NULL AND (g.revoked_cause = 'token_revoked' OR EXISTS (
    SELECT 1 FROM ${theSession(':accountId', 'g.session_id')} WHERE s.terminated_at IS NULL)))`;

const STATE = {
  ...GRANT_COLUMNS,
  ...SID_COLUMN,
  alive: 'boolean',
  denied: 'boolean',
  taken_back: 'boolean?',
} as const;

const OF_GRANT = statement({
  name: 'issued_tokens_of_grant',
  parameters: { accountId: 'uuid', grantId: 'uuid', jti: 'text', now: 'timestamptz' },
  row: STATE,
  text: `
    SELECT ${GRANT_SELECTED}, ${sidOf('g', ':accountId')} AS sid, ${ALIVE} AS alive,
           ${accessTokenIsDenied(':accountId', ':jti')} AS denied, ${TAKEN_BACK} AS taken_back
      FROM grants g ${grantJoins(':accountId')} WHERE g.account_id = :accountId AND g.id = :grantId`,
});

const OPAQUE = statement({
  name: 'issued_tokens_opaque',
  parameters: { accountId: 'uuid', tokenHash: 'bytea', clientId: 'text?', now: 'timestamptz' },
  row: {
    jti: 'text',
    expires_at: 'timestamptz',
    ...STATE,
    // Null, as is the rest of the grant, for a token of the client's own.
    id: 'uuid?',
  },
  text: `
    SELECT o.jti, o.expires_at, ${GRANT_SELECTED}, ${sidOf('g', ':accountId')} AS sid,
           CASE WHEN o.grant_id IS NULL THEN ${clientVouchesFor('c', 'o.issued_at', 'o.token_generation')} ELSE ${ALIVE} END AS alive,
           ${accessTokenIsDenied(':accountId', 'o.jti')} AS denied, ${TAKEN_BACK} AS taken_back
      FROM opaque_access_tokens o CROSS JOIN ${theClient('o.client_id')}
      LEFT JOIN LATERAL (SELECT * FROM grants k WHERE k.account_id = :accountId AND k.id = o.grant_id OFFSET 0) g ON true
      LEFT JOIN ${theAccount('g.account_id')} ON true
     WHERE o.account_id = :accountId AND o.token_hash = :tokenHash AND (:clientId IS NULL OR c.client_id = :clientId)`,
});

/** How many grants of the client are looked at in one statement. */
const LOOK = 1000;
const FIRST: GrantKey = {
  accountId: '00000000-0000-0000-0000-000000000000',
  grantId: '00000000-0000-0000-0000-000000000000',
};
const LAST_ACCOUNT = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
/** The account that has the login, as a bound; without a login that of everybody. Null, which no account reaches: none has it. */
const boundedBy = (everybody: string): string =>
  `CASE WHEN :login IS NULL THEN '${everybody}' ELSE (SELECT k.id FROM accounts k WHERE k.login = :login) END`;

/**
 * Along the index of the client's grants, those after `:afterAccount` and `:afterGrant`. Not called often, and planned for the tables as
 * they are, so that what is written is found by its key.
 */
const INVALIDATE_SOME = statement({
  name: 'issued_tokens_invalidate_some',
  ends: true,
  parameters: {
    clientId: 'text',
    afterAccount: 'uuid',
    afterGrant: 'uuid',
    ofOneUpstream: 'boolean',
    upstream: 'text?',
    login: 'text?',
    look: 'int',
    now: 'timestamptz',
  },
  row: { revoked: 'int', account_id: 'uuid?', grant_id: 'uuid?' },
  plannedAnew: true,
  text: sql`
    WITH looked AS MATERIALIZED (
      SELECT g.account_id, g.id FROM grants g
       WHERE g.client_id = :clientId AND (g.account_id, g.id) > (:afterAccount, :afterGrant)
         AND g.account_id >= ${boundedBy(FIRST.accountId)} AND g.account_id <= ${boundedBy(LAST_ACCOUNT)}
       ORDER BY g.account_id, g.id ${limitAlongIndex(':look')}
    ), ended AS MATERIALIZED (
      SELECT g.account_id, g.id
        FROM looked CROSS JOIN LATERAL (SELECT * FROM grants k WHERE k.account_id = looked.account_id AND k.id = looked.id OFFSET 0) g
             ${grantJoins('g.account_id')}
       WHERE ${grantHasNotEnded('g', 'a', 'g.account_id', ':now')}
         AND (NOT :ofOneUpstream OR g.realm IS NOT DISTINCT FROM :upstream)
         AND (g.refresh_expires_at > :now OR g.refresh_root_hash IS NULL AND ${HAS_OLD_REFRESH_TOKEN})
    ), ${revokeGrants('(g.account_id, g.id) IN (SELECT ended.account_id, ended.id FROM ended)', `'token_revoked'`, ['ended'])},
    last AS (SELECT l.account_id, l.id FROM looked l ORDER BY l.account_id DESC, l.id DESC LIMIT 1)
    SELECT (SELECT count(*) FROM revoked)::int AS revoked, last.account_id, last.id AS grant_id
      FROM (SELECT count(*) AS n FROM looked) looked LEFT JOIN last ON looked.n = :look`,
});

/** The session's row is locked first, as everywhere where both are (see `EXCHANGE_CODE`). */
const REVOKE_GRANT = statement({
  name: 'issued_tokens_revoke_grant',
  ends: true,
  parameters: { accountId: 'uuid', grantId: 'uuid', now: 'timestamptz' },
  row: { id: 'uuid' },
  text: sql`
    WITH locked AS MATERIALIZED (
      SELECT s.id FROM ${theSession(':accountId', '(SELECT g.session_id FROM grants g WHERE g.account_id = :accountId AND g.id = :grantId)')}
         FOR NO KEY UPDATE OF s
    ), ${revokeGrants(
      // The session may be gone.
      'g.account_id = :accountId AND g.id = :grantId AND (SELECT count(*) FROM locked) >= 0',
      `'token_revoked'`,
      ['locked'],
    )}
    SELECT id FROM revoked`,
});

/** An access token that we issued as storage knows it, dead or alive. */
export interface StoredAccessToken {
  /** Under which account its revocation is: the nil uuid for a client's own. */
  readonly accountId: string;
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
  async ofGrant(grant: GrantKey, jti: string, expiresAt: Date): Promise<StoredAccessToken | undefined> {
    const now = this.clock.now();
    const [row] = await this.transactions.query(OF_GRANT, { ...grant, jti, now });
    return row === undefined
      ? undefined
      : {
          accountId: grant.accountId,
          jti,
          expiresAt,
          alive: row.alive && !row.denied && expiresAt > now,
          revoked: row.denied || row.taken_back === true,
          grant: toGrant(row),
        };
  }

  /** @param clientId the client that it must belong to; undefined: any */
  async opaque(
    accountId: string,
    tokenHash: Buffer,
    clientId: string | undefined,
  ): Promise<StoredAccessToken | undefined> {
    const now = this.clock.now();
    const [row] = await this.transactions.query(OPAQUE, { accountId, tokenHash, clientId, now });
    if (row === undefined) return undefined;
    return {
      accountId,
      jti: row.jti,
      expiresAt: row.expires_at,
      alive: row.alive && !row.denied && row.expires_at > now,
      revoked: row.denied || row.taken_back === true,
      grant: row.id === null ? undefined : toGrant({ ...row, id: row.id }),
    };
  }

  /**
   * In steps, each of which stands: however many grants the client has, no statement is long.
   * @returns how many grants were revoked
   */
  async invalidateAll(
    clientId: string,
    filter: { readonly upstream?: { readonly name: string | null }; readonly login?: string },
  ): Promise<number> {
    const about = {
      clientId,
      ofOneUpstream: filter.upstream !== undefined,
      upstream: filter.upstream?.name,
      login: filter.login,
      look: LOOK,
      now: this.clock.now(),
    };
    let revoked = 0;
    for (let after: GrantKey | undefined = FIRST; after !== undefined;) {
      const [row] = await this.transactions.query(INVALIDATE_SOME, {
        ...about,
        afterAccount: after.accountId,
        afterGrant: after.grantId,
      });
      revoked += row?.revoked ?? 0;
      after = afterOf(row);
    }
    return revoked;
  }

  async revokeGrant(tx: Tx, grant: GrantKey): Promise<void> {
    await tx.query(REVOKE_GRANT, { ...grant, now: this.clock.now() });
  }
}

/** Undefined: there are no more. */
function afterOf(row: RowOf<typeof INVALIDATE_SOME> | undefined): GrantKey | undefined {
  if (row === undefined || row.account_id === null || row.grant_id === null) return undefined;
  return { accountId: row.account_id, grantId: row.grant_id };
}
