import { Injectable } from '@nestjs/common';
import { accountClaims } from '../accounts/accounts.sql.js';
import {
  clientHasRedirectUri,
  clientMayBeGranted,
  clientMayRefresh,
  clientMayServePeople,
  scopeGrantedTo,
} from '../clients/clients.sql.js';
import { Clock } from '../../platform/clock/clock.js';
import { statement, type Queryable } from '../../platform/database/statement.js';
import { TransactionRunner } from '../../platform/database/transaction.js';
import { grantOutlivesOrders, NEWEST_ORDER } from '../../platform/epochs/epochs.sql.js';
import { joinSession, sessionIsAlive } from '../sessions/sessions.sql.js';
import { grantIsServed, sessionServes, upstreamVouchingFor } from '../upstreams/upstreams.sql.js';
import { GRANT_COLUMNS, GRANTED_SCOPE, toGrant, type Grant, type GrantRow } from './grant.js';
import { GRANT_JOINS, grantIsAlive } from './tokens.sql.js';

/** What a new opaque access token is stored with; undefined for JWTs, which are not stored. */
export interface OpaqueToStore {
  readonly tokenHash: Buffer;
  readonly jti: string;
  readonly scope: string | null;
  readonly audience: readonly string[];
  /** Added to the audience when the token's scope has `openid`. */
  readonly audienceOfOpenid: readonly string[];
  readonly expiresAt: Date;
}

export interface NewGrant {
  readonly id: string;
  readonly accountId: string;
  readonly clientId: string;
  readonly sessionId: string;
  readonly offline: boolean;
  readonly scope: string;
  readonly claims: object | undefined;
  readonly authenticatedAt: Date;
  readonly amr: readonly string[];
  readonly upstream: string | null;
  readonly codeHash: Buffer;
  readonly redirectUri: string | undefined;
  /** By which registered URI the code goes out; undefined: it goes nowhere. */
  readonly registeredUri: string | undefined;
  readonly codeChallenge: string | undefined;
  readonly nonce: string | undefined;
  readonly codeExpiresAt: Date;
}

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

/** What became of a code that could not be exchanged. */
export interface CodeState {
  readonly grantId: string;
  readonly clientId: string;
  readonly consumedAt: Date | null;
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

/** CTE that stores an opaque access token for the grant in `source` when its hash, parameter `p`, is given. */
function storeOpaque(source: string, p: number, now: string): string {
  return `
opaque AS (
  INSERT INTO opaque_access_tokens (token_hash, jti, grant_id, client_id, scope, audience, issued_at, expires_at)
  SELECT $${p}::bytea, $${p + 1}, g.id, g.client_id, token.scope,
         $${p + 3}::text[] || CASE WHEN 'openid' = ANY (string_to_array(token.scope, ' ')) THEN $${p + 5}::text[] ELSE '{}' END,
         ${now}, $${p + 4}::timestamptz
    FROM g, ${source}, LATERAL (SELECT coalesce($${p + 2}::text, g.scope) AS scope) token WHERE $${p}::bytea IS NOT NULL
)`;
}

const CREATE = statement(
  'grants_create_with_code',
  `WITH live AS (
     SELECT s.id, ${upstreamVouchingFor('s', '$3::text')} AS upstream_id FROM sessions s JOIN accounts a ON a.id = s.account_id
      WHERE s.id = $4 AND s.account_id = $2 AND ${sessionIsAlive('s', 'a', '$10::timestamptz')} AND ${sessionServes('s', '$3::text')}
   ), client AS MATERIALIZED (
     -- Locked, so that a client that is being disabled, or loses something, gets no grant that nobody revokes or narrows.
     SELECT c.client_id, ${scopeGrantedTo('c', '$6::text')} AS scope FROM clients c
      WHERE c.client_id = $3 AND ${clientMayBeGranted('c', '$5::boolean')} AND ${clientHasRedirectUri('c', '$17::text')} FOR SHARE OF c
   ), g AS (
     INSERT INTO grants (id, account_id, client_id, session_id, offline, scope, claims, authenticated_at, amr, created_at, realm,
                         upstream_id, began_after_order)
     SELECT $1::uuid, $2::uuid, client.client_id, live.id, $5::boolean, client.scope, $7::jsonb, $8::timestamptz, $9::text[], $10, $16::text,
            live.upstream_id, ${NEWEST_ORDER}
       FROM live, client RETURNING id
   )
   INSERT INTO authorization_codes (code_hash, grant_id, redirect_uri, registered_uri, code_challenge, nonce, expires_at)
   SELECT $11::bytea, g.id, $12, $17, $13, $14, $15::timestamptz FROM g RETURNING grant_id`,
);

/**
 * Locks the session, then the grant: the order in which a logout locks them. A logout that commits first leaves
 * nothing to exchange; one that comes second sees the participant (docs/decisions/0003-a-logout-in-one-statement.md).
 */
const EXCHANGE_CODE = statement(
  'grants_exchange_code',
  `WITH code AS (
     SELECT c.code_hash, c.grant_id, c.registered_uri FROM authorization_codes c
      WHERE c.code_hash = $1 AND c.consumed_at IS NULL AND c.expires_at > $5::timestamptz
        AND c.redirect_uri IS NOT DISTINCT FROM $3 AND c.code_challenge IS NOT DISTINCT FROM $4
   ), s AS (
     SELECT s.id, ${accountClaims('a')} AS account_claims
       FROM code JOIN grants cg ON cg.id = code.grant_id JOIN sessions s ON s.id = cg.session_id JOIN accounts a ON a.id = s.account_id
      WHERE cg.client_id = $2 AND ${sessionIsAlive('s', 'a', '$5')}
        FOR NO KEY UPDATE OF s
   ), g AS (
     SELECT ${GRANT_COLUMNS}, s.account_claims FROM grants g JOIN s ON s.id = g.session_id JOIN code ON code.grant_id = g.id
       JOIN clients c ON c.client_id = g.client_id
      WHERE g.revoked_at IS NULL AND ${grantOutlivesOrders('g')} AND ${grantIsServed('g')}
        AND ${clientMayServePeople('c')} AND ${clientHasRedirectUri('c', 'code.registered_uri')} FOR SHARE OF g
   ), consumed AS (
     UPDATE authorization_codes c SET consumed_at = $5 FROM g WHERE c.code_hash = $1 AND c.grant_id = g.id AND c.consumed_at IS NULL
     RETURNING c.nonce, g.session_id, g.client_id
   ), ${joinSession('consumed', '$6', '$5')}, refresh AS (
     INSERT INTO refresh_tokens (token_hash, grant_id, created_at, expires_at)
     SELECT $7::bytea, g.id, $5, $8::timestamptz FROM g, consumed WHERE $9::boolean
   ), ${storeOpaque('consumed', 10, '$5')}
   SELECT g.*, consumed.nonce, participant.sid FROM g, consumed, participant`,
);

const CODE_STATE = statement(
  'grants_code_state',
  `SELECT c.grant_id, c.consumed_at, g.client_id FROM authorization_codes c JOIN grants g ON g.id = c.grant_id WHERE c.code_hash = $1`,
);

const SID_JOIN = `LEFT JOIN session_clients sc ON sc.session_id = g.session_id AND sc.client_id = g.client_id`;

/**
 * One statement: the token is used, its successor exists. The grant's row is locked, so a revocation that commits first
 * leaves nothing to rotate, and one that comes second kills the successor too.
 */
const ROTATE = statement(
  'grants_rotate_refresh_token',
  `WITH presented AS (
     SELECT r.grant_id FROM refresh_tokens r WHERE r.token_hash = $1
   ), g AS (
     SELECT ${GRANT_COLUMNS}, sc.sid, ${accountClaims('a')} AS account_claims
       FROM presented JOIN grants g ON g.id = presented.grant_id ${GRANT_JOINS} ${SID_JOIN}
      WHERE g.client_id = $2 AND ($4::text[] IS NULL OR $4 <@ string_to_array(${GRANTED_SCOPE}, ' ')) AND ${grantIsAlive('g', 's', 'a', 'c', '$3::timestamptz')} AND ${clientMayRefresh('c')}
        FOR SHARE OF g
   ), consumed AS (
     UPDATE refresh_tokens r SET consumed_at = $3, successor_salt = $6 FROM g
      WHERE r.token_hash = $1 AND r.grant_id = g.id AND r.consumed_at IS NULL AND r.expires_at > $3 RETURNING r.grant_id
   ), successor AS (
     INSERT INTO refresh_tokens (token_hash, grant_id, created_at, expires_at)
     SELECT $5::bytea, consumed.grant_id, $3, $7::timestamptz FROM consumed
   ), ${storeOpaque('consumed', 8, '$3')}
   SELECT g.* FROM g, consumed`,
);

const REFRESH_TOKEN_STATE = statement(
  'grants_refresh_token_state',
  `SELECT ${GRANT_COLUMNS}, sc.sid, ${accountClaims('a')} AS account_claims, r.expires_at, r.consumed_at, r.successor_salt,
          coalesce(${grantIsAlive('g', 's', 'a', 'c', '$2::timestamptz')} AND ${clientMayRefresh('c')}, false) AS grant_alive
     FROM refresh_tokens r JOIN grants g ON g.id = r.grant_id ${GRANT_JOINS} ${SID_JOIN}
    WHERE r.token_hash = $1`,
);

/** The grace: the same successor again, as long as it was not used. */
const REPEAT_ROTATION = statement(
  'grants_repeat_rotation',
  `WITH g AS (
     SELECT ${GRANT_COLUMNS} FROM grants g JOIN refresh_tokens r ON r.grant_id = g.id ${GRANT_JOINS}
      WHERE r.token_hash = $1 AND g.id = $2 AND r.consumed_at IS NULL AND r.expires_at > $3::timestamptz AND ${grantIsAlive('g', 's', 'a', 'c', '$3')} AND ${clientMayRefresh('c')}
        FOR SHARE OF g
   ), present AS (SELECT 1 FROM g), ${storeOpaque('present', 4, '$3')}
   SELECT g.id FROM g`,
);

const REVOKE_BY_REFRESH_TOKEN = statement(
  'grants_revoke_by_token',
  `WITH revoked AS (
     UPDATE grants g SET revoked_at = $3, revoked_cause = 'token_revoked' FROM refresh_tokens r
      WHERE r.token_hash = $1 AND g.id = r.grant_id AND g.client_id = $2 AND g.revoked_at IS NULL RETURNING g.id
   ), denied AS (
     INSERT INTO revoked_access_tokens (jti, expires_at)
     SELECT o.jti, o.expires_at FROM opaque_access_tokens o WHERE o.token_hash = $1 AND o.client_id = $2 AND o.expires_at > $3::timestamptz
     ON CONFLICT (jti) DO NOTHING
   )
   SELECT id FROM revoked`,
);

const NARROW = statement(
  'grants_narrow',
  `UPDATE grants g SET scope = (
     SELECT coalesce(string_agg(w.value, ' ' ORDER BY w.place), '')
       FROM unnest(string_to_array(g.scope, ' ')) WITH ORDINALITY w (value, place) WHERE w.value <> ALL ($2::text[]))
    WHERE g.client_id = $1 AND g.revoked_at IS NULL AND string_to_array(g.scope, ' ') && $2::text[]`,
);

/** Grants, codes and refresh tokens. Every method is one statement and tells what it changed. */
@Injectable()
export class GrantRepository {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly clock: Clock,
  ) {}

  /**
   * The grant is there before any token of it, so no token is ever without the row that can revoke it. False: the
   * session ended or is none for the client, or the client may not have it.
   */
  async createWithCode(grant: NewGrant, db: Queryable = this.transactions): Promise<boolean> {
    const rows = await db.query(CREATE, [
      grant.id,
      grant.accountId,
      grant.clientId,
      grant.sessionId,
      grant.offline,
      grant.scope,
      grant.claims === undefined ? null : JSON.stringify(grant.claims),
      grant.authenticatedAt,
      grant.amr,
      this.clock.now(),
      grant.codeHash,
      grant.redirectUri ?? null,
      grant.codeChallenge ?? null,
      grant.nonce ?? null,
      grant.codeExpiresAt,
      grant.upstream,
      grant.registeredUri ?? null,
    ]);
    return rows.length === 1;
  }

  /** Consumes the code. Undefined when anything about it does not fit; {@link codeState} says what. */
  async exchangeCode(exchange: CodeExchange): Promise<ExchangedCode | undefined> {
    const [row] = await this.transactions.query<
      GrantRow & { nonce: string | null; account_claims: Record<string, unknown> }
    >(EXCHANGE_CODE, [
      exchange.codeHash,
      exchange.clientId,
      exchange.redirectUri ?? null,
      exchange.codeChallenge ?? null,
      this.clock.now(),
      exchange.newSid,
      exchange.refreshTokenHash,
      exchange.refreshExpiresAt,
      exchange.withRefreshToken,
      ...opaqueParameters(exchange.opaque),
    ]);
    if (row === undefined) return undefined;
    return {
      grant: toGrant(row),
      nonce: row.nonce ?? undefined,
      accountClaims: row.account_claims,
    };
  }

  async codeState(codeHash: Buffer): Promise<CodeState | undefined> {
    const [row] = await this.transactions.query<{ grant_id: string; client_id: string; consumed_at: Date | null }>(
      CODE_STATE,
      [codeHash],
    );
    return row === undefined
      ? undefined
      : { grantId: row.grant_id, clientId: row.client_id, consumedAt: row.consumed_at };
  }

  /**
   * Uses the token and stores its successor. Undefined: someone was first, or it does not fit; {@link
   * refreshTokenState} says what.
   */
  async rotate(rotation: Rotation): Promise<GrantWithClaims | undefined> {
    const [row] = await this.transactions.query<GrantRow & { account_claims: Record<string, unknown> }>(ROTATE, [
      rotation.tokenHash,
      rotation.clientId,
      this.clock.now(),
      rotation.scope ?? null,
      rotation.successorHash,
      rotation.successorSalt,
      rotation.successorExpiresAt,
      ...opaqueParameters(rotation.opaque),
    ]);
    return row === undefined ? undefined : { grant: toGrant(row), accountClaims: row.account_claims };
  }

  async refreshTokenState(tokenHash: Buffer): Promise<RefreshTokenState | undefined> {
    const [row] = await this.transactions.query<
      GrantRow & {
        account_claims: Record<string, unknown>;
        expires_at: Date;
        consumed_at: Date | null;
        successor_salt: Buffer | null;
        grant_alive: boolean;
      }
    >(REFRESH_TOKEN_STATE, [tokenHash, this.clock.now()]);
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
    const rows = await this.transactions.query(REPEAT_ROTATION, [
      successorHash,
      grantId,
      this.clock.now(),
      ...opaqueParameters(opaque),
    ]);
    return rows.length === 1;
  }

  /** Takes these scopes from every live grant to the client. */
  async narrow(tx: Queryable, clientId: string, scope: readonly string[]): Promise<void> {
    await tx.query(NARROW, [clientId, scope]);
  }

  /**
   * RFC 7009 §2.1: a refresh token's grant dies with it; another client's token is left alone. Also opaque access
   * tokens.
   */
  async revokeByToken(tokenHash: Buffer, clientId: string): Promise<void> {
    await this.transactions.query(REVOKE_BY_REFRESH_TOKEN, [tokenHash, clientId, this.clock.now()]);
  }
}

function opaqueParameters(opaque: OpaqueToStore | undefined): unknown[] {
  if (opaque === undefined) return [null, null, null, [], null, []];
  return [opaque.tokenHash, opaque.jti, opaque.scope, opaque.audience, opaque.expiresAt, opaque.audienceOfOpenid];
}
