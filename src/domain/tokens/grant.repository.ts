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
import { TransactionRunner, type Tx } from '../../platform/database/transaction.js';
import { grantOutlivesOrders } from '../../platform/epochs/epochs.sql.js';
import { joinSessions, sessionIsAlive } from '../sessions/sessions.sql.js';
import { grantIsServed } from '../upstreams/upstreams.sql.js';
import { GRANT_COLUMNS, GRANT_SELECTED, SID_COLUMN, toGrant, type Grant } from './grant.js';
import { OPAQUE_PARAMETERS, opaqueValues, storeOpaque, type OpaqueToStore } from './opaque-tokens.sql.js';

export interface CodeExchange {
  readonly codeHash: Buffer;
  readonly clientId: string;
  readonly redirectUri: string | undefined;
  readonly codeChallenge: string | undefined;
  /** Given to the client when this is its first code in the session. */
  readonly newSid: string;
  readonly refreshTokenHash: Buffer;
  readonly refreshExpiresAt: Date;
  /** Whether the client is registered for refresh tokens at all. */
  readonly withRefreshToken: boolean;
  readonly opaque: OpaqueToStore | undefined;
}

export interface ExchangedCode {
  readonly grant: Grant;
  readonly nonce: string | undefined;
  readonly accountClaims: Readonly<Record<string, unknown>>;
}

/** What became of a code that could not be exchanged. */
export interface CodeState {
  readonly grantId: string;
  readonly clientId: string;
  readonly consumedAt: Date | null;
}

/**
 * Locks the session, then the grant: the order in which a logout locks them. A logout that commits first leaves
 * nothing to exchange; one that comes second sees the participant (docs/decisions/0003-a-logout-in-one-statement.md).
 */
const EXCHANGE_CODE = statement({
  name: 'grants_exchange_code',
  parameters: {
    codeHash: 'bytea',
    clientId: 'text',
    redirectUri: 'text?',
    codeChallenge: 'text?',
    now: 'timestamptz',
    newSid: 'text',
    refreshTokenHash: 'bytea',
    refreshExpiresAt: 'timestamptz',
    withRefreshToken: 'boolean',
    ...OPAQUE_PARAMETERS,
  },
  row: {
    ...GRANT_COLUMNS,
    ...SID_COLUMN,
    account_claims: typed<Readonly<Record<string, unknown>>>('jsonb'),
    nonce: 'text?',
  },
  text: sql`
    WITH code AS (
      SELECT c.code_hash, c.grant_id, c.registered_uri FROM authorization_codes c
       WHERE c.code_hash = :codeHash AND c.consumed_at IS NULL AND c.expires_at > :now
         AND c.redirect_uri IS NOT DISTINCT FROM :redirectUri AND c.code_challenge IS NOT DISTINCT FROM :codeChallenge
    ), s AS (
      SELECT s.id, ${accountClaims('a')} AS account_claims
        FROM sessions s CROSS JOIN LATERAL (SELECT * FROM accounts k WHERE k.id = s.account_id OFFSET 0) a
       WHERE s.id = (SELECT CASE WHEN g.client_id = :clientId THEN g.session_id END FROM grants g WHERE g.id = (SELECT grant_id FROM code))
         AND ${sessionIsAlive('s', 'a', ':now')}
         FOR NO KEY UPDATE OF s
    ), g AS (
      SELECT ${GRANT_SELECTED}, s.account_claims
        FROM grants g CROSS JOIN LATERAL (SELECT * FROM clients k WHERE k.client_id = g.client_id OFFSET 0) c CROSS JOIN s CROSS JOIN code
       -- The key alone can be looked up: an index on sessions must not look as good as it.
       WHERE g.id = (SELECT grant_id FROM code) AND g.session_id IS NOT DISTINCT FROM s.id
         AND g.revoked_at IS NULL AND ${grantOutlivesOrders('g')} AND ${grantIsServed('g')}
         AND ${clientMayServePeople('c')} AND ${clientHasRedirectUri('c', 'code.registered_uri')} FOR SHARE OF g
    ), consumed AS (
      UPDATE authorization_codes c SET consumed_at = :now FROM g
       WHERE c.code_hash = :codeHash AND c.consumed_at IS NULL
      RETURNING c.nonce, g.session_id, g.client_id
    ), ${joinSessions('consumed')}, refresh AS (
      INSERT INTO refresh_tokens (token_hash, grant_id, created_at, expires_at)
      SELECT :refreshTokenHash, g.id, :now, :refreshExpiresAt FROM g, consumed WHERE :withRefreshToken
    ), ${storeOpaque('consumed')}
    SELECT g.*, consumed.nonce, participant.sid FROM g, consumed, participant`,
});

const CODE_STATE = statement({
  name: 'grants_code_state',
  parameters: { codeHash: 'bytea' },
  row: { grant_id: 'uuid', client_id: 'text', consumed_at: 'timestamptz?' },
  text: `
    SELECT c.grant_id, g.client_id, c.consumed_at
      FROM authorization_codes c CROSS JOIN LATERAL (SELECT * FROM grants k WHERE k.id = c.grant_id OFFSET 0) g
     WHERE c.code_hash = :codeHash`,
});

const NARROW = statement({
  name: 'grants_narrow',
  parameters: { clientId: 'text', scope: 'text[]' },
  text: `
    UPDATE grants g SET scope = (
      SELECT coalesce(string_agg(w.value, ' ' ORDER BY w.place), '')
        FROM unnest(string_to_array(g.scope, ' ')) WITH ORDINALITY w (value, place) WHERE w.value <> ALL (:scope))
     WHERE g.client_id = :clientId AND g.revoked_at IS NULL AND string_to_array(g.scope, ' ') && :scope`,
});

const OF_REMOVED_CLIENTS = dependentRows({
  name: 'grants_remove_of_removed_clients',
  table: 'grants',
  key: 'id',
  owner: 'client_id',
  owners: clientsToBeRemoved(':before'),
});

const EXPIRED_CODES = expiredRows({
  name: 'grants_remove_expired_codes',
  table: 'authorization_codes',
  key: 'code_hash',
  condition: 'expires_at < :before',
  along: 'expires_at',
});

const EXPIRED_REFRESH_TOKENS = expiredRows({
  name: 'grants_remove_expired_refresh_tokens',
  table: 'refresh_tokens',
  key: 'token_hash',
  condition: 'expires_at < :before',
  along: 'expires_at',
});

const EXPIRED_OPAQUE_TOKENS = expiredRows({
  name: 'grants_remove_expired_opaque_tokens',
  table: 'opaque_access_tokens',
  key: 'token_hash',
  condition: 'expires_at < :before',
  along: 'expires_at',
});

const EXPIRED_DENIALS = expiredRows({
  name: 'grants_remove_expired_denials',
  table: 'revoked_access_tokens',
  key: 'jti',
  condition: 'expires_at < :before',
  along: 'expires_at',
});

/** A grant is done with when nothing that hangs on it can be used any more. */
const DONE_WITH = expiredRows({
  name: 'grants_remove_done_with',
  table: 'grants',
  key: 'id',
  condition: `(revoked_at < :before OR created_at < :before)
          AND NOT EXISTS (SELECT 1 FROM refresh_tokens r WHERE r.grant_id = grants.id)
          AND NOT EXISTS (SELECT 1 FROM authorization_codes c WHERE c.grant_id = grants.id)
          AND NOT EXISTS (SELECT 1 FROM opaque_access_tokens o WHERE o.grant_id = grants.id)`,
  along: 'created_at',
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
      { ...EXPIRED_CODES, keepMs: DAY },
      { ...EXPIRED_REFRESH_TOKENS, keepMs: DAY },
      { ...EXPIRED_OPAQUE_TOKENS, keepMs: DAY },
      // For as long as an opaque one is remembered, so that a hint that was revoked does not come back by expiring.
      { ...EXPIRED_DENIALS, keepMs: DAY },
      { ...DONE_WITH, keepMs: 2 * DAY },
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

  async codeState(codeHash: Buffer): Promise<CodeState | undefined> {
    const [row] = await this.transactions.query(CODE_STATE, { codeHash });
    return row === undefined
      ? undefined
      : { grantId: row.grant_id, clientId: row.client_id, consumedAt: row.consumed_at };
  }

  /** Takes these scopes from every live grant to the client. */
  async narrow(tx: Tx, clientId: string, scope: readonly string[]): Promise<void> {
    await tx.query(NARROW, { clientId, scope });
  }
}
