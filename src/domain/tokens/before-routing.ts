import { createHmac, hash } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DAY } from '../../platform/clock/durations.js';
import { expiredRows, Retention } from '../../platform/database/retention.js';
import { statement } from '../../platform/database/statement.js';
import { TransactionRunner } from '../../platform/database/transaction.js';
import { sha256 } from '../../platform/oidc/secret.js';
import { RefreshTokenForm, type PresentedRefreshToken } from './refresh-token-form.js';
import { NO_ACCOUNT, type GrantKey, type PresentedCode } from './token-routing.js';
import { accessTokenIsDenied } from './tokens.sql.js';

const CODE = statement({
  name: 'before_routing_code',
  parameters: { codeHash: 'bytea' },
  row: { account_id: 'uuid', id: 'uuid' },
  text: `SELECT g.account_id, g.id FROM grants g WHERE g.before_routing AND g.code_hash = :codeHash`,
});

const ACCESS_TOKEN = statement({
  name: 'before_routing_access_token',
  parameters: { tokenHash: 'bytea' },
  row: { account_id: 'uuid' },
  text: `SELECT o.account_id FROM opaque_access_tokens o WHERE o.before_routing AND o.token_hash = :tokenHash`,
});

/**
 * The token that was good at the upgrade is its grant's generation 0 from now on, with a random part that follows from its
 * text: whatever is asked by it then goes the ordinary way.
 */
const REFRESH_TOKEN = statement({
  name: 'before_routing_refresh_token',
  parameters: { tokenHash: 'bytea', rootHash: 'bytea' },
  row: {
    account_id: 'uuid',
    id: 'uuid',
    refresh_root_hash: 'bytea?',
    consumed_at: 'timestamptz?',
    successor_salt: 'bytea?',
  },
  text: `
    WITH old AS (
      SELECT o.grant_id, o.expires_at, o.consumed_at, o.successor_salt FROM old_refresh_tokens o WHERE o.token_hash = :tokenHash
    ), adopted AS (
      UPDATE grants g SET refresh_root_hash = :rootHash, refresh_expires_at = old.expires_at FROM old
       WHERE g.id = old.grant_id AND old.consumed_at IS NULL AND g.refresh_root_hash IS NULL
    )
    SELECT g.account_id, g.id, g.refresh_root_hash, old.consumed_at, old.successor_salt FROM old JOIN grants g ON g.id = old.grant_id`,
});

const IS_DENIED = statement({
  name: 'before_routing_is_denied',
  parameters: { jti: 'text' },
  row: { denied: 'boolean' },
  text: `SELECT ${accessTokenIsDenied(`'${NO_ACCOUNT}'`, ':jti')} AS denied`,
});

const EXPIRED_REFRESH_TOKENS = expiredRows({
  name: 'before_routing_remove_expired_refresh_tokens',
  table: 'old_refresh_tokens',
  key: 'token_hash',
  condition: 'expires_at < :before',
  along: 'expires_at',
});

/** The grant `g` has a refresh token of before that is good at `:now`, if no other. */
export const HAS_OLD_REFRESH_TOKEN = `EXISTS (
  SELECT 1 FROM old_refresh_tokens o WHERE o.grant_id = g.id AND o.consumed_at IS NULL AND o.expires_at > :now)`;

interface OldRefreshToken extends GrantKey {
  /** Of the tokens of the grant by now. */
  readonly rootHash: Buffer | null;
  readonly consumedAt: Date | null;
  readonly successorSalt: Buffer | null;
}

/**
 * What was issued before codes and tokens named the account, and refresh tokens were generations of their grant's: each
 * question costs one round trip, and the answer goes the ordinary way. Once the last of it has expired nothing is found
 * here (docs/decisions/0054-refresh-by-generation.md).
 */
@Injectable()
export class BeforeRouting implements OnModuleInit {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly retention: Retention,
    private readonly form: RefreshTokenForm,
  ) {}

  onModuleInit(): void {
    this.retention.register({ ...EXPIRED_REFRESH_TOKENS, keepMs: DAY });
  }

  async findCode(code: string): Promise<PresentedCode | undefined> {
    const codeHash = sha256(code);
    const [row] = await this.transactions.query(CODE, { codeHash });
    return row === undefined ? undefined : { accountId: row.account_id, grantId: row.id, codeHash };
  }

  /** The account of an opaque access token. */
  async accountOfAccessToken(tokenHash: Buffer): Promise<string | undefined> {
    const [row] = await this.transactions.query(ACCESS_TOKEN, { tokenHash });
    return row?.account_id;
  }

  /** Whether a JWT that does not name its account was revoked before the upgrade. Later revocations are its account's. */
  async isDenied(jti: string): Promise<boolean> {
    const [row] = await this.transactions.query(IS_DENIED, { jti });
    return row?.denied === true;
  }

  /**
   * A refresh token as if it were a generation of its grant's: 0 is the one that was good at the upgrade, -1 the one that
   * this is the successor of, -2 any before. Two round trips for one that has been used.
   */
  async findRefreshToken(token: string): Promise<PresentedRefreshToken | undefined> {
    const old = await this.findOld(token);
    if (old === undefined) return undefined;
    if (old.consumedAt === null) return this.good(token, old);
    const { accountId, grantId, rootHash, successorSalt, consumedAt: usedAt } = old;
    const used = { accountId, grantId, rootHash, usedAt };
    // Invalidated by its client: neither good nor used.
    if (successorSalt === null) return { ...used, generation: 0, successor: '', rootHash: null };
    const successor = successorOf(token, successorSalt);
    const next = await this.findOld(successor);
    if (next?.consumedAt !== null) return { ...used, generation: -2, successor: '' };
    return { ...used, rootHash: next.rootHash, generation: -1, successor };
  }

  private good(token: string, { accountId, grantId, rootHash }: OldRefreshToken): PresentedRefreshToken {
    const { token: equal } = this.form.first({ accountId, grantId }, rootOf(token));
    const presented = this.form.read(equal);
    if (presented === undefined || presented === 'forged')
      throw new Error('a refresh token cannot be read that was just made');
    return { ...presented, rootHash };
  }

  private async findOld(token: string): Promise<OldRefreshToken | undefined> {
    const rootHash = hash('sha256', rootOf(token), 'buffer');
    const [row] = await this.transactions.query(REFRESH_TOKEN, { tokenHash: sha256(token), rootHash });
    if (row === undefined) return undefined;
    return {
      accountId: row.account_id,
      grantId: row.id,
      // The statement shows the row as it was before.
      rootHash: row.consumed_at === null ? (row.refresh_root_hash ?? rootHash) : row.refresh_root_hash,
      consumedAt: row.consumed_at,
      successorSalt: row.successor_salt,
    };
  }
}

/** The random part of the generations that continue an old token. */
function rootOf(token: string): Buffer {
  return createHmac('sha256', token).update('generation 0').digest().subarray(0, 16);
}

/** As decision 4 had it: the successor followed from the token and a salt that only the database has. */
function successorOf(token: string, salt: Buffer): string {
  return createHmac('sha256', token).update(salt).digest('base64url');
}
