import { Injectable } from '@nestjs/common';
import { validate as isUuid } from 'uuid';
import { toPage, type Page, type PageRequest } from '../../platform/database/page.js';
import { statement, typed, type RowOf } from '../../platform/database/statement.js';
import { TransactionRunner, type Tx } from '../../platform/database/transaction.js';
import { existing } from '../../platform/oidc/errors.js';
import type { Account } from './account.js';

type Claims = Readonly<Record<string, unknown>>;

const COLUMNS = {
  id: 'uuid',
  login: 'text',
  password_hash: 'text?',
  claims: typed<Claims>('jsonb'),
  claims_updated_at: 'timestamptz',
  roles: 'text[]',
  not_before: 'timestamptz?',
  disabled_at: 'timestamptz?',
  password_changed_at: 'timestamptz?',
  created_at: 'timestamptz',
  updated_at: 'timestamptz',
} as const;
const SELECTED = Object.keys(COLUMNS).join(', ');
const SELECT = `SELECT ${SELECTED} FROM accounts`;

const FIND = statement({
  name: 'accounts_find',
  parameters: { id: 'uuid' },
  row: COLUMNS,
  text: `${SELECT} WHERE id = :id`,
});

const LOCK = statement({
  name: 'accounts_lock',
  parameters: { id: 'uuid' },
  row: COLUMNS,
  text: `${SELECT} WHERE id = :id FOR UPDATE`,
});

/** Two are enough to know whether an address is one person's. */
const FIND_BY_PASSWORD_NAME = statement({
  name: 'accounts_find_by_password_name',
  parameters: { name: 'text' },
  row: COLUMNS,
  text: `
    ${SELECT} a
     WHERE (a.login = :name OR lower(a.claims ->> 'email') = lower(:name)) AND a.password_hash IS NOT NULL
     ORDER BY (a.login = :name) DESC LIMIT 2`,
});

// One comparison, so that the primary key is entered where the page begins.
const LIST = statement({
  name: 'accounts_list',
  parameters: { cursor: 'uuid?', search: 'text?', limit: 'int' },
  row: COLUMNS,
  plannedAnew: true,
  text: `
    ${SELECT} a
     WHERE a.id < coalesce(:cursor, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
       AND (:search IS NULL OR starts_with(a.login, :search) OR starts_with(lower(a.claims ->> 'email'), lower(:search)))
     ORDER BY a.id DESC LIMIT :limit`,
});

const INSERT = statement({
  name: 'accounts_insert',
  parameters: {
    id: 'uuid',
    login: 'text',
    passwordHash: 'text?',
    claims: typed<Claims>('jsonb'),
    roles: 'text[]',
    passwordChangedAt: 'timestamptz?',
    now: 'timestamptz',
  },
  row: COLUMNS,
  text: `
    INSERT INTO accounts (id, login, password_hash, claims, claims_updated_at, roles, password_changed_at, created_at, updated_at)
    VALUES (:id, :login, :passwordHash, :claims, :now, :roles, :passwordChangedAt, :now, :now)
    RETURNING ${SELECTED}`,
});

const INSERT_IF_FREE = statement({
  name: 'accounts_insert_if_free',
  parameters: { id: 'uuid', login: 'text', claims: typed<Claims>('jsonb'), now: 'timestamptz' },
  row: COLUMNS,
  text: `
    INSERT INTO accounts (id, login, claims, claims_updated_at, created_at, updated_at)
    VALUES (:id, :login, :claims, :now, :now, :now)
    ON CONFLICT (login) DO NOTHING RETURNING ${SELECTED}`,
});

const UPDATE = statement({
  name: 'accounts_update',
  ends: true,
  parameters: {
    id: 'uuid',
    login: 'text',
    claims: typed<Claims>('jsonb'),
    claimsUpdatedAt: 'timestamptz',
    roles: 'text[]',
    disabledAt: 'timestamptz?',
    now: 'timestamptz',
  },
  text: `
    UPDATE accounts SET login = :login, claims = :claims, claims_updated_at = :claimsUpdatedAt, roles = :roles,
                        disabled_at = :disabledAt, updated_at = :now
     WHERE id = :id`,
});

const UPDATE_CLAIMS = statement({
  name: 'accounts_update_claims',
  parameters: { id: 'uuid', claims: typed<Claims>('jsonb'), now: 'timestamptz' },
  text: `
    UPDATE accounts SET claims = :claims, claims_updated_at = :now, updated_at = :now
     WHERE id = :id AND claims IS DISTINCT FROM :claims`,
});

const SET_PASSWORD_HASH = statement({
  name: 'accounts_set_password_hash',
  ends: true,
  parameters: { id: 'uuid', passwordHash: 'text', now: 'timestamptz' },
  text: 'UPDATE accounts SET password_hash = :passwordHash, password_changed_at = :now, updated_at = :now WHERE id = :id',
});

const END_EVERYTHING_BEFORE = statement({
  name: 'accounts_end_everything_before',
  ends: true,
  parameters: { id: 'uuid', moment: 'timestamptz', now: 'timestamptz' },
  text: 'UPDATE accounts SET not_before = :moment, updated_at = :now WHERE id = :id',
});

const DISABLE = statement({
  name: 'accounts_disable',
  ends: true,
  parameters: { id: 'uuid', now: 'timestamptz' },
  text: 'UPDATE accounts SET disabled_at = :now, updated_at = :now WHERE id = :id',
});

const DELETE = statement({
  name: 'accounts_delete',
  ends: true,
  parameters: { id: 'uuid' },
  text: 'DELETE FROM accounts WHERE id = :id',
});

/** Changes that make an address verified run one after another, so that each sees what the other did. */
const LOCK_ADDRESS = statement({
  name: 'accounts_lock_address',
  parameters: { email: 'text' },
  row: { pg_advisory_xact_lock: 'void' },
  text: 'SELECT pg_advisory_xact_lock(hashtextextended(lower(:email), 7355609))',
});

const VERIFIED_ELSEWHERE = statement({
  name: 'accounts_verified_elsewhere',
  parameters: { email: 'text', accountId: 'uuid?' },
  row: { found: 'int' },
  text: `
    SELECT 1 AS found FROM accounts a
     WHERE lower(a.claims ->> 'email') = lower(:email) AND a.claims -> 'email_verified' = 'true'::jsonb
       AND a.id IS DISTINCT FROM :accountId LIMIT 1`,
});

/** An account as storage has it, the hash of its password included: this shape does not leave the module. */
export type StoredAccount = Readonly<RowOf<typeof COLUMNS>>;

/** The table `accounts`. */
@Injectable()
export class AccountRepository {
  constructor(private readonly transactions: TransactionRunner) {}

  /** @param tx to see what that transaction has written */
  async find(id: string, tx?: Tx): Promise<StoredAccount | undefined> {
    const [row] = await (tx ?? this.transactions).query(FIND, { id });
    return row;
  }

  /** Its row is locked until the transaction ends. */
  async lock(tx: Tx, id: string): Promise<StoredAccount | undefined> {
    const [row] = await tx.query(LOCK, { id });
    return row;
  }

  /**
   * Which account a typed name means, of those that have a password: the one whose login it is, else the one whose
   * e-mail address it is, if no other has it. The login goes first, so that an address on another account cannot keep a
   * person out.
   */
  async findByPasswordName(name: string): Promise<StoredAccount | undefined> {
    const [first, second] = await this.transactions.query(FIND_BY_PASSWORD_NAME, { name });
    return first?.login === name || second === undefined ? first : undefined;
  }

  /** Newest first. `search` is the beginning of a login, in lower case, or of an e-mail address. */
  async list({
    cursor,
    search,
    limit,
  }: PageRequest & { readonly search?: string | undefined }): Promise<Page<Account>> {
    const from = cursor !== undefined && isUuid(cursor) ? cursor : undefined;
    const rows = await this.transactions.list(LIST, { cursor: from, search, limit: limit + 1 });
    return toPage(rows.map(toAccount), limit, ({ id }) => id);
  }

  /** @throws a unique violation of `accounts_login_key` when the login is taken */
  async insert(
    tx: Tx,
    account: {
      readonly id: string;
      readonly login: string;
      readonly passwordHash: string | null;
      readonly claims: Claims;
      readonly roles: readonly string[];
    },
    now: Date,
  ): Promise<StoredAccount> {
    const passwordChangedAt = account.passwordHash === null ? null : now;
    const [row] = await tx.query(INSERT, { ...account, passwordChangedAt, now });
    return existing(row, 'account');
  }

  /** One without a password. Undefined when the login is taken. */
  async insertIfFree(
    tx: Tx,
    account: { readonly id: string; readonly login: string; readonly claims: Claims },
    now: Date,
  ): Promise<StoredAccount | undefined> {
    const [row] = await tx.query(INSERT_IF_FREE, { ...account, now });
    return row;
  }

  /** Writes what can be changed of a row that the transaction has locked. @throws as {@link insert} */
  async update(tx: Tx, row: StoredAccount): Promise<void> {
    const { id, login, claims, roles } = row;
    await tx.query(UPDATE, {
      id,
      login,
      claims,
      claimsUpdatedAt: row.claims_updated_at,
      roles,
      disabledAt: row.disabled_at,
      now: row.updated_at,
    });
  }

  /** Nothing is written when they are what they were. */
  async updateClaims(tx: Tx, id: string, claims: Claims, now: Date): Promise<void> {
    await tx.query(UPDATE_CLAIMS, { id, claims, now });
  }

  async setPasswordHash(tx: Tx, id: string, passwordHash: string, now: Date): Promise<void> {
    await tx.query(SET_PASSWORD_HASH, { id, passwordHash, now });
  }

  async endEverythingBefore(tx: Tx, id: string, moment: Date, now: Date): Promise<void> {
    await tx.query(END_EVERYTHING_BEFORE, { id, moment, now });
  }

  async disable(tx: Tx, id: string, now: Date): Promise<void> {
    await tx.query(DISABLE, { id, now });
  }

  /** Sessions and grants go with it by the foreign keys. */
  async delete(tx: Tx, id: string): Promise<void> {
    await tx.query(DELETE, { id });
  }

  /** Whether another account holds this address as verified; none comes to before `tx` ends. */
  async isVerifiedElsewhere(tx: Tx, email: string, accountId: string | undefined): Promise<boolean> {
    await tx.query(LOCK_ADDRESS, { email });
    return (await tx.query(VERIFIED_ELSEWHERE, { email, accountId })).length > 0;
  }
}

/** What others may know of it. */
export function toAccount(row: StoredAccount): Account {
  return {
    id: row.id,
    login: row.login,
    claims: { ...row.claims, updated_at: Math.floor(row.claims_updated_at.getTime() / 1000) },
    roles: row.roles,
    hasPassword: row.password_hash !== null,
    disabledAt: row.disabled_at,
    notBefore: row.not_before,
    passwordChangedAt: row.password_changed_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
