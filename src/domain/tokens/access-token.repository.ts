import { Injectable } from '@nestjs/common';
import { accountClaims } from '../accounts/accounts.sql.js';
import { clientVouchesFor } from '../clients/clients.sql.js';
import { Clock } from '../../platform/clock/clock.js';
import { statement } from '../../platform/database/statement.js';
import { TransactionRunner } from '../../platform/database/transaction.js';
import { parseScope } from '../../platform/oidc/claims.js';
import { GRANT_COLUMNS, toGrant, type Grant, type GrantRow } from './grant.js';
import { GRANT_JOINS, grantIsAlive } from './tokens.sql.js';

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
const LIVE_CLIENT_TOKEN = statement(
  'access_tokens_live_client_token',
  `SELECT c.metadata ->> 'scope' AS registered_scope FROM clients c
    WHERE c.client_id = $1 AND ${clientVouchesFor('c', '$3::timestamptz', '$4::integer')}
      AND NOT EXISTS (SELECT 1 FROM revoked_access_tokens x WHERE x.jti = $2)`,
);

const LIVE_GRANT = statement(
  'access_tokens_live_grant',
  `SELECT ${GRANT_COLUMNS}, a.login, ${accountClaims('a')} AS account_claims FROM grants g ${GRANT_JOINS}
    WHERE g.id = $1 AND ${grantIsAlive('g', 's', 'a', 'c', '$3::timestamptz')}
      AND NOT EXISTS (SELECT 1 FROM revoked_access_tokens x WHERE x.jti = $2)`,
);

const FIND_OPAQUE = statement(
  'access_tokens_find_opaque',
  `SELECT o.jti, o.client_id AS token_client_id, o.scope AS token_scope, o.audience, o.issued_at, o.expires_at, ${GRANT_COLUMNS},
          c.metadata ->> 'scope' AS registered_scope, sc.sid, a.login, ${accountClaims('a')} AS account_claims
     FROM opaque_access_tokens o
     JOIN clients c ON c.client_id = o.client_id
     LEFT JOIN grants g ON g.id = o.grant_id
     LEFT JOIN accounts a ON a.id = g.account_id
     LEFT JOIN sessions s ON s.id = g.session_id
     LEFT JOIN session_clients sc ON sc.session_id = g.session_id AND sc.client_id = g.client_id
    WHERE o.token_hash = $1 AND o.expires_at > $2::timestamptz
      AND CASE WHEN o.grant_id IS NULL THEN ${clientVouchesFor('c', 'o.issued_at', 'o.token_generation')}
               ELSE ${grantIsAlive('g', 's', 'a', 'c', '$2')} END
      AND NOT EXISTS (SELECT 1 FROM revoked_access_tokens x WHERE x.jti = o.jti)`,
);

const DENY = statement(
  'access_tokens_deny',
  'INSERT INTO revoked_access_tokens (jti, expires_at) VALUES ($1, $2) ON CONFLICT (jti) DO NOTHING',
);

const STORE_OPAQUE = statement(
  'access_tokens_store_opaque',
  `INSERT INTO opaque_access_tokens (token_hash, jti, grant_id, client_id, scope, audience, issued_at, expires_at, token_generation)
   VALUES ($1, $2, NULL, $3, $4, $5, $6, $7, $8)`,
);

export interface LiveGrant {
  readonly grant: Grant;
  readonly login: string;
  readonly accountClaims: Readonly<Record<string, unknown>>;
}

type LiveGrantRow = GrantRow & { login: string; account_claims: Record<string, unknown> };

/** Whether access tokens are still good: the denylist and, by one query, everything that their grant hangs on. */
@Injectable()
export class AccessTokenRepository {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly clock: Clock,
  ) {}

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
    const [row] = await this.transactions.query<{ registered_scope: string }>(LIVE_CLIENT_TOKEN, [
      token.clientId,
      token.jti,
      token.issuedAt,
      token.generation,
    ]);
    return row === undefined ? undefined : { registeredScope: parseScope(row.registered_scope) };
  }

  /** The grant of a token, if both are alive now. */
  async findLiveGrant(grantId: string, jti: string): Promise<LiveGrant | undefined> {
    const [row] = await this.transactions.query<LiveGrantRow>(LIVE_GRANT, [grantId, jti, this.clock.now()]);
    return row === undefined ? undefined : toLiveGrant(row);
  }

  async findOpaque(
    tokenHash: Buffer,
  ): Promise<(OpaqueTokenState & { readonly live: LiveGrant | undefined }) | undefined> {
    const [row] = await this.transactions.query<
      LiveGrantRow & {
        jti: string;
        token_client_id: string;
        token_scope: string;
        registered_scope: string;
        audience: string[];
        issued_at: Date;
        expires_at: Date;
      }
    >(FIND_OPAQUE, [tokenHash, this.clock.now()]);
    if (row === undefined) return undefined;
    const live = row.id === null ? undefined : toLiveGrant(row);
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

  async deny(jti: string, expiresAt: Date): Promise<void> {
    await this.transactions.query(DENY, [jti, expiresAt]);
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
    await this.transactions.query(STORE_OPAQUE, [
      token.tokenHash,
      token.jti,
      token.clientId,
      token.scope,
      token.audience,
      this.clock.now(),
      token.expiresAt,
      token.generation,
    ]);
  }
}

/** A token never does more than what it hangs on allows by now. */
export function stillHeld(scope: readonly string[], held: readonly string[]): readonly string[] {
  return scope.filter((value) => held.includes(value));
}

function toLiveGrant(row: LiveGrantRow): LiveGrant {
  return { grant: toGrant({ ...row, sid: row.sid ?? null }), login: row.login, accountClaims: row.account_claims };
}
