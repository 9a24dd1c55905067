import { Injectable } from '@nestjs/common';
import { accountClaims } from '../accounts/accounts.sql.js';
import { clientVouchesFor } from '../clients/clients.sql.js';
import { Clock } from '../../platform/clock/clock.js';
import { StatementBatch } from '../../platform/database/statement-batch.js';
import { statement, typed, type RowOf } from '../../platform/database/statement.js';
import { TransactionRunner, type Tx } from '../../platform/database/transaction.js';
import { parseScope } from '../../platform/oidc/claims.js';
import { listIn } from './opaque-tokens.sql.js';
import { GRANT_COLUMNS, GRANT_SELECTED, SID_COLUMN, toGrant, type Grant } from './grant.js';
import { NO_ACCOUNT, type GrantKey } from './token-routing.js';
import { accessTokenIsDenied, grantIsAlive, grantJoins, sidOf, theAccount, theClient } from './tokens.sql.js';
import { listed } from '../../platform/database/sql-text.js';

export interface OpaqueTokenState {
  readonly jti: string;
  readonly clientId: string;
  /** Of what it was issued for, what its client may still have. */
  readonly scope: readonly string[];
  readonly audience: readonly string[];
  readonly issuedAt: Date;
  readonly expiresAt: Date;
  readonly grant: Grant | undefined;
  readonly sub: string | undefined;
}

/** Of a client's own token, which hangs on no grant: its client may use it and it was not revoked. */
const LIVE_CLIENT_TOKEN = statement({
  name: 'access_tokens_live_client_token',
  parameters: { clientId: 'text[]', jti: 'text[]', issuedAt: 'timestamptz[]', generation: 'int[]' },
  row: { place: 'int', registered_scope: 'text' },
  text: `
    SELECT asked.place::int AS place, live.registered_scope
      FROM ${listed(':clientId', ':jti', ':issuedAt', ':generation')} WITH ORDINALITY asked(client_id, jti, issued_at, generation, place)
     CROSS JOIN LATERAL (
       SELECT c.metadata ->> 'scope' AS registered_scope FROM clients c
        WHERE c.client_id = asked.client_id AND ${clientVouchesFor('c', 'asked.issued_at', 'asked.generation')}
          AND NOT ${accessTokenIsDenied(`'${NO_ACCOUNT}'`, 'asked.jti')} OFFSET 0
     ) live`,
});

const PERSON = {
  login: 'text',
  account_claims: typed<Readonly<Record<string, unknown>>>('jsonb'),
} as const;

const LIVE_GRANT = statement({
  name: 'access_tokens_live_grant',
  parameters: { accountId: 'uuid[]', grantId: 'uuid[]', jti: 'text[]', now: 'timestamptz' },
  row: { place: 'int', ...GRANT_COLUMNS, ...PERSON },
  text: `
    SELECT asked.place::int AS place, live.*
      FROM ${listed(':accountId', ':grantId', ':jti')} WITH ORDINALITY asked(account_id, grant_id, jti, place)
     CROSS JOIN LATERAL (
       SELECT ${GRANT_SELECTED}, a.login, ${accountClaims('a')} AS account_claims FROM grants g ${grantJoins('asked.account_id')}
        WHERE g.account_id = asked.account_id AND g.id = asked.grant_id AND ${grantIsAlive('g', 'a', 'c', 'asked.account_id', ':now')}
          AND NOT ${accessTokenIsDenied('asked.account_id', 'asked.jti')} OFFSET 0
     ) live`,
});

const FIND_OPAQUE = statement({
  name: 'access_tokens_find_opaque',
  parameters: { accountId: 'uuid', tokenHash: 'bytea', now: 'timestamptz' },
  row: {
    jti: 'text',
    token_client_id: 'text',
    token_scope: 'text',
    audience: 'text[]',
    issued_at: 'timestamptz',
    expires_at: 'timestamptz',
    registered_scope: 'text',
    ...GRANT_COLUMNS,
    // Null, as is the rest of the grant, for a token of the client's own.
    id: 'uuid?',
    ...SID_COLUMN,
    ...PERSON,
  },
  text: `
    SELECT o.jti, o.client_id AS token_client_id, o.scope AS token_scope, o.audience, o.issued_at, o.expires_at, ${GRANT_SELECTED},
           c.metadata ->> 'scope' AS registered_scope, ${sidOf('g', ':accountId')} AS sid, a.login, ${accountClaims('a')} AS account_claims
      FROM opaque_access_tokens o CROSS JOIN ${theClient('o.client_id')}
      LEFT JOIN LATERAL (SELECT * FROM grants k WHERE k.account_id = :accountId AND k.id = o.grant_id OFFSET 0) g ON true
      LEFT JOIN ${theAccount('g.account_id')} ON true
     WHERE o.account_id = :accountId AND o.token_hash = :tokenHash AND o.expires_at > :now
       AND CASE WHEN o.grant_id IS NULL THEN ${clientVouchesFor('c', 'o.issued_at', 'o.token_generation')}
                ELSE ${grantIsAlive('g', 'a', 'c', ':accountId', ':now')} END
       AND NOT ${accessTokenIsDenied(':accountId', 'o.jti')}`,
});

/** A row for each token that was not denied before. */
const DENY = statement({
  name: 'access_tokens_deny',
  ends: true,
  parameters: { accountId: 'uuid[]', jti: 'text[]', expiresAt: 'timestamptz[]' },
  row: { place: 'int' },
  text: `
    WITH asked AS (
      SELECT * FROM ${listed(':accountId', ':jti', ':expiresAt')} WITH ORDINALITY asked(account_id, jti, expires_at, place)
    ), denied AS (
      INSERT INTO revoked_access_tokens (account_id, jti, expires_at)
      SELECT asked.account_id, asked.jti, asked.expires_at FROM asked ORDER BY asked.account_id, asked.jti
      ON CONFLICT (account_id, jti) DO NOTHING RETURNING account_id, jti
    )
    SELECT asked.place::int AS place FROM asked JOIN denied ON denied.account_id = asked.account_id AND denied.jti = asked.jti`,
});

const DENY_OPAQUE = statement({
  name: 'access_tokens_deny_opaque',
  ends: true,
  parameters: { accountId: 'uuid', tokenHash: 'bytea', clientId: 'text', now: 'timestamptz' },
  text: `
    INSERT INTO revoked_access_tokens (account_id, jti, expires_at)
    SELECT o.account_id, o.jti, o.expires_at FROM opaque_access_tokens o
     WHERE o.account_id = :accountId AND o.token_hash = :tokenHash AND o.client_id = :clientId AND o.expires_at > :now
    ON CONFLICT (account_id, jti) DO NOTHING`,
});

/** Of tokens of a client's own. Lists in a list have to be of one length, so an audience is JSON. */
const CLIENT_TOKEN_LISTS = {
  tokenHash: 'bytea[]',
  jti: 'text[]',
  clientId: 'text[]',
  scope: 'text[]',
  audience: 'text[]',
  issuedAt: 'timestamptz[]',
  expiresAt: 'timestamptz[]',
  generation: 'int[]',
} as const;

const STORE_OPAQUE = statement({
  name: 'access_tokens_store_opaque',
  parameters: CLIENT_TOKEN_LISTS,
  row: { place: 'int' },
  text: `
    WITH asked AS (
      SELECT * FROM ${listed(...Object.keys(CLIENT_TOKEN_LISTS).map((name) => `:${name}`))} WITH ORDINALITY
          x(token_hash, jti, client_id, scope, audience, issued_at, expires_at, generation, place)
    ), stored AS (
      INSERT INTO opaque_access_tokens (account_id, token_hash, jti, grant_id, client_id, scope, audience, issued_at, expires_at, token_generation)
      SELECT '${NO_ACCOUNT}', asked.token_hash, asked.jti, NULL, asked.client_id, asked.scope, ${listIn('asked.audience')},
             asked.issued_at, asked.expires_at, asked.generation
        FROM asked RETURNING token_hash
    )
    SELECT asked.place::int AS place FROM asked JOIN stored ON stored.token_hash = asked.token_hash`,
});

export interface DeniableToken {
  /** The nil uuid for a client's own. */
  readonly accountId: string;
  readonly jti: string;
  readonly expiresAt: Date;
}

export interface LiveGrant {
  readonly grant: Grant;
  readonly login: string;
  readonly accountClaims: Readonly<Record<string, unknown>>;
}

/** Whether access tokens are still good: the denylist and, by one query, everything that their grant hangs on. */
@Injectable()
export class AccessTokenRepository {
  private readonly liveClientTokens;
  private readonly liveGrants;
  private readonly denials;
  private readonly stored;

  constructor(
    private readonly transactions: TransactionRunner,
    private readonly clock: Clock,
  ) {
    this.liveClientTokens = new StatementBatch(transactions, LIVE_CLIENT_TOKEN, { repeatable: true });
    this.liveGrants = new StatementBatch(transactions, LIVE_GRANT, {
      repeatable: true,
      shared: () => ({ now: this.clock.now() }),
    });
    // Stored again it would be there already: which is a failure, and the token does not go out.
    this.stored = new StatementBatch(transactions, STORE_OPAQUE, { repeatable: false });
    // A token that is denied again is denied.
    this.denials = new StatementBatch(transactions, DENY, {
      repeatable: true,
      key: ({ accountId, jti }) => `${accountId} ${jti}`,
    });
  }

  /**
   * What the client of a live token is registered for now; undefined when the token is dead. Asked of storage, not of the
   * cache of clients: what was taken from a client is gone on every node at once.
   */
  async findLiveClientToken(token: {
    readonly clientId: string;
    readonly jti: string;
    readonly issuedAt: Date;
    readonly generation: number;
  }): Promise<{ readonly registeredScope: readonly string[] } | undefined> {
    const row = await this.liveClientTokens.run(token);
    return row === undefined ? undefined : { registeredScope: parseScope(row.registered_scope) };
  }

  /** The grant of a token, if both are alive now. */
  async findLiveGrant({ accountId, grantId }: GrantKey, jti: string): Promise<LiveGrant | undefined> {
    const row = await this.liveGrants.run({ accountId, grantId, jti });
    return row === undefined ? undefined : toLiveGrant(row);
  }

  /** @param accountId that the token names; the nil uuid for a client's own */
  async findOpaque(
    accountId: string,
    tokenHash: Buffer,
  ): Promise<(OpaqueTokenState & { readonly live: LiveGrant | undefined }) | undefined> {
    const [row] = await this.transactions.query(FIND_OPAQUE, { accountId, tokenHash, now: this.clock.now() });
    if (row === undefined) return undefined;
    const live = row.id === null ? undefined : toLiveGrant({ ...row, id: row.id });
    return {
      jti: row.jti,
      clientId: row.token_client_id,
      scope: stillHeld(parseScope(row.token_scope), live?.grant.scope ?? parseScope(row.registered_scope)),
      audience: row.audience,
      issuedAt: row.issued_at,
      expiresAt: row.expires_at,
      grant: live?.grant,
      sub: live?.grant.accountId,
      live,
    };
  }

  /** Denies one token until it would have expired. False: it was denied before. */
  async deny({ accountId, jti, expiresAt }: DeniableToken, tx?: Tx): Promise<boolean> {
    if (tx === undefined) return (await this.denials.run({ accountId, jti, expiresAt })) !== undefined;
    return (await tx.query(DENY, { accountId: [accountId], jti: [jti], expiresAt: [expiresAt] })).length === 1;
  }

  /** As {@link deny}. Nothing happens for another client's token, and for one that has expired. */
  async denyOpaque(accountId: string, tokenHash: Buffer, clientId: string): Promise<void> {
    await this.transactions.query(DENY_OPAQUE, { accountId, tokenHash, clientId, now: this.clock.now() });
  }

  async storeOpaque(token: {
    tokenHash: Buffer;
    jti: string;
    clientId: string;
    scope: string;
    audience: readonly string[];
    expiresAt: Date;
    generation: number;
  }): Promise<void> {
    const item = { ...token, audience: JSON.stringify(token.audience), issuedAt: this.clock.now() };
    if ((await this.stored.run(item)) === undefined) throw new Error('a token was not stored');
  }
}

/** A token never does more than what it hangs on allows by now. */
export function stillHeld(scope: readonly string[], held: readonly string[]): readonly string[] {
  return scope.filter((value) => held.includes(value));
}

function toLiveGrant(row: Omit<RowOf<typeof LIVE_GRANT>, 'place'> & { readonly sid?: string | null }): LiveGrant {
  return { grant: toGrant(row), login: row.login, accountClaims: row.account_claims };
}
