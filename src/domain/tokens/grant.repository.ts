import { Injectable, type OnModuleInit } from '@nestjs/common';
import { accountClaims } from '../accounts/accounts.sql.js';
import {
  clientHasRedirectUri,
  clientMayServePeople,
  clientsToBeRemoved,
  DELETED_CLIENT_KEPT_MS,
} from '../clients/clients.sql.js';
import { Clock } from '../../platform/clock/clock.js';
import { DAY } from '../../platform/clock/durations.js';
import { dependentRows, expiredRows, Retention } from '../../platform/database/retention.js';
import { sql, statement, typed } from '../../platform/database/statement.js';
import { TransactionRunner } from '../../platform/database/transaction.js';
import { grantOutlivesOrders } from '../../platform/epochs/epochs.sql.js';
import { joinSession, sessionIsAlive } from '../sessions/sessions.sql.js';
import { grantIsServed } from '../upstreams/upstreams.sql.js';
import { GRANT_COLUMNS, GRANT_SELECTED, lastDayFor, SID_COLUMN, toGrant, type Grant } from './grant.js';
import { OPAQUE_PARAMETERS, opaqueValues, STORE_OPAQUE, type OpaqueToStore } from './opaque-tokens.sql.js';
import type { PresentedCode } from './token-routing.js';
import { theAccount, theClient, theSession } from './tokens.sql.js';

export interface CodeExchange extends PresentedCode {
  readonly clientId: string;
  readonly redirectUri: string | undefined;
  readonly codeChallenge: string | undefined;
  /** Given to the client when this is its first code in the session. */
  readonly newSid: string;
  /** Of its refresh tokens; undefined: it gets none. */
  readonly refreshRootHash: Buffer | undefined;
  readonly refreshExpiresAt: Date;
  readonly opaque: OpaqueToStore | undefined;
}

export interface ExchangedCode {
  readonly grant: Grant;
  readonly nonce: string | undefined;
  readonly accountClaims: Readonly<Record<string, unknown>>;
}

/** What became of a code that could not be exchanged. */
export interface CodeState {
  readonly clientId: string;
  readonly consumedAt: Date | null;
}

/** The code of the grant `g` is this one, unused, and of a request like this. */
const CODE_FITS = `g.account_id = :accountId AND g.id = :grantId AND g.code_hash IS NOT DISTINCT FROM :codeHash
         AND g.client_id IS NOT DISTINCT FROM :clientId AND g.code_consumed_at IS NULL AND g.code_expires_at > :now
         AND g.redirect_uri IS NOT DISTINCT FROM :redirectUri AND g.code_challenge IS NOT DISTINCT FROM :codeChallenge`;

/**
 * Locks the session, then the grant: the order in which a logout locks them. A logout that commits first leaves
 * nothing to exchange; one that comes second sees the participant (docs/decisions/0003-a-logout-in-one-statement.md).
 */
const EXCHANGE_CODE = statement({
  name: 'grants_exchange_code',
  ends: true,
  parameters: {
    accountId: 'uuid',
    grantId: 'uuid',
    codeHash: 'bytea',
    clientId: 'text',
    redirectUri: 'text?',
    codeChallenge: 'text?',
    now: 'timestamptz',
    newSid: 'text',
    refreshRootHash: 'bytea?',
    refreshExpiresAt: 'timestamptz',
    ...OPAQUE_PARAMETERS,
  },
  row: {
    ...GRANT_COLUMNS,
    ...SID_COLUMN,
    account_claims: typed<Readonly<Record<string, unknown>>>('jsonb'),
    nonce: 'text?',
  },
  text: sql`
    WITH s AS (
      SELECT s.id, ${accountClaims('a')} AS account_claims
        FROM ${theSession(':accountId', `(SELECT g.session_id FROM grants g WHERE ${CODE_FITS})`)} CROSS JOIN ${theAccount(':accountId')}
       WHERE ${sessionIsAlive('s', 'a', ':accountId', ':now')}
         FOR NO KEY UPDATE OF s
    ), g AS (
      UPDATE grants g SET code_consumed_at = :now, refresh_root_hash = :refreshRootHash,
             refresh_expires_at = CASE WHEN :refreshRootHash IS NOT NULL THEN :refreshExpiresAt END,
             keep_until = greatest(g.keep_until, ${lastDayFor(':refreshExpiresAt')})
        FROM s, ${theClient(':clientId')}
       WHERE ${CODE_FITS} AND g.session_id IS NOT DISTINCT FROM s.id
         AND g.revoked_at IS NULL AND ${grantOutlivesOrders('g')} AND ${grantIsServed('g')}
         AND ${clientMayServePeople('c')} AND ${clientHasRedirectUri('c', 'g.registered_uri')}
      RETURNING ${GRANT_SELECTED}, g.nonce, s.account_claims
    ), ${joinSession('g')}, ${STORE_OPAQUE}
    SELECT g.*, participant.sid FROM g, participant`,
});

const CODE_STATE = statement({
  name: 'grants_code_state',
  parameters: { accountId: 'uuid', grantId: 'uuid', codeHash: 'bytea' },
  row: { client_id: 'text', code_consumed_at: 'timestamptz?' },
  text: `
    SELECT g.client_id, g.code_consumed_at FROM grants g
     WHERE g.account_id = :accountId AND g.id = :grantId AND g.code_hash IS NOT DISTINCT FROM :codeHash`,
});

const ACCOUNT_OF = statement({
  name: 'grants_account_of',
  parameters: { grantId: 'uuid' },
  row: { account_id: 'uuid' },
  text: 'SELECT g.account_id FROM grants g WHERE g.id = :grantId',
});

const OF_REMOVED_CLIENTS = dependentRows({
  name: 'grants_remove_of_removed_clients',
  table: 'grants',
  key: 'account_id, id',
  owner: 'client_id',
  owners: clientsToBeRemoved(':before'),
});

const EXPIRED_OPAQUE_TOKENS = expiredRows({
  name: 'grants_remove_expired_opaque_tokens',
  table: 'opaque_access_tokens',
  key: 'account_id, token_hash',
  condition: 'expires_at < :before',
  along: 'expires_at',
});

const EXPIRED_DENIALS = expiredRows({
  name: 'grants_remove_expired_denials',
  table: 'revoked_access_tokens',
  key: 'account_id, jti',
  condition: 'expires_at < :before',
  along: 'expires_at',
});

const DONE_WITH = expiredRows({
  name: 'grants_remove_done_with',
  table: 'grants',
  key: 'account_id, id',
  condition: `keep_until < (:before AT TIME ZONE 'UTC')::date`,
  along: 'keep_until',
});

/** Grants and the codes for them. Every method is one statement and tells what it changed. */
@Injectable()
export class GrantRepository implements OnModuleInit {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly clock: Clock,
    private readonly retention: Retention,
  ) {}

  onModuleInit(): void {
    this.retention.register(
      { ...OF_REMOVED_CLIENTS, keepMs: DELETED_CLIENT_KEPT_MS, first: true },
      { ...EXPIRED_OPAQUE_TOKENS, keepMs: DAY },
      // For as long as an opaque one is remembered, so that a hint that was revoked does not come back by expiring.
      { ...EXPIRED_DENIALS, keepMs: DAY },
      { ...DONE_WITH, keepMs: 0 },
    );
  }

  /** Consumes the code. Undefined when anything about it does not fit; {@link codeState} says what. */
  async exchangeCode(exchange: CodeExchange): Promise<ExchangedCode | undefined> {
    const { opaque, ...code } = exchange;
    const values = { ...code, now: this.clock.now(), ...opaqueValues(opaque) };
    const [row] = await this.transactions.query(EXCHANGE_CODE, values);
    if (row === undefined) return undefined;
    return { grant: toGrant(row), nonce: row.nonce ?? undefined, accountClaims: row.account_claims };
  }

  async codeState({ accountId, grantId, codeHash }: PresentedCode): Promise<CodeState | undefined> {
    const [row] = await this.transactions.query(CODE_STATE, { accountId, grantId, codeHash });
    return row === undefined ? undefined : { clientId: row.client_id, consumedAt: row.code_consumed_at };
  }

  /** The account of a grant that is named by its id alone. */
  async accountOf(grantId: string): Promise<string | undefined> {
    const [row] = await this.transactions.query(ACCOUNT_OF, { grantId });
    return row?.account_id;
  }
}
