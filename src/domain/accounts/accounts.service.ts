import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { v7 as uuid, validate as isUuid } from 'uuid';
import { Clock } from '../../platform/clock/clock.js';
import { isUniqueViolation } from '../../platform/database/storage-errors.js';
import { TransactionRunner, type Tx } from '../../platform/database/transaction.js';
import { ConflictError, NotFoundError, existing } from '../../platform/oidc/errors.js';
import type { Page, PageRequest } from '../../platform/database/page.js';
import { normalizeLogin, type Account, type AccountRole, type NewAccount } from './account.js';
import { AccountRepository, toAccount, type StoredAccount } from './account.repository.js';
import { PasswordHasher } from './password-hasher.js';
import { refuseGuessable } from './passwords.js';

/** What else is to happen in the transaction of a change; it gets the account as it was and as it is. */
export type AccountChanged = (tx: Tx, before: Account | undefined, after: Account) => Promise<void>;
const nothingElse: AccountChanged = () => Promise.resolve();

/** What a change makes of some of an account's columns. */
type Change = Partial<Pick<StoredAccount, 'login' | 'claims' | 'claims_updated_at' | 'roles' | 'disabled_at'>>;

/** People who can sign in: their password, their claims, whether they may. */
@Injectable()
export class AccountsService {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly repository: AccountRepository,
    private readonly hasher: PasswordHasher,
    private readonly clock: Clock,
  ) {}

  /** @param tx to see what that transaction has written */
  async find(id: string, tx?: Tx): Promise<Account | undefined> {
    const row = await this.repository.find(id, tx);
    return row === undefined ? undefined : toAccount(row);
  }

  async get(id: string): Promise<Account> {
    const account = isUuid(id) ? await this.find(id) : undefined;
    if (account === undefined) throw new NotFoundError('There is no such account.');
    return account;
  }

  /** @throws ConflictError when the login is taken, InvalidRequestError when the password is a common one */
  async create(input: NewAccount, onChange = nothingElse): Promise<Account> {
    const passwordHash = input.password === undefined ? null : await this.hashPassword(input.password, input);
    const id = uuid();
    const login = normalizeLogin(input.login);
    return this.transactions
      .run(async (tx) => {
        const { claims, roles = [] } = input;
        const row = await this.repository.insert(tx, { id, login, passwordHash, claims, roles }, this.clock.now());
        const account = toAccount(row);
        await onChange(tx, undefined, account);
        return account;
      })
      .catch((error: unknown) => refuseTakenLogin(error));
  }

  /**
   * Makes an account without a password, as a part of `tx`, under the first of the logins that is free, also when
   * another transaction takes one at this moment.
   * @throws ConflictError when none is; the last one should be unique by the way it is made
   */
  async createWithoutPassword(
    tx: Tx,
    input: { readonly logins: readonly string[]; readonly claims: Readonly<Record<string, unknown>> },
  ): Promise<Account> {
    const id = uuid();
    for (const login of input.logins.map(normalizeLogin)) {
      const row = await this.repository.insertIfFree(tx, { id, login, claims: input.claims }, this.clock.now());
      if (row !== undefined) return toAccount(row);
    }
    throw new ConflictError('Each of these logins is taken.');
  }

  /** Newest first. `search` is the beginning of a login or of an e-mail address. */
  async list(options: PageRequest & { readonly search?: string | undefined }): Promise<Page<Account>> {
    const search = options.search === undefined ? undefined : normalizeLogin(options.search);
    return this.repository.list({ ...options, search });
  }

  /**
   * Replaces what is known about the person, and the login where one is given.
   * @throws ConflictError when the login is taken
   */
  async update(
    id: string,
    wanted: { readonly login?: string | undefined; readonly claims: Readonly<Record<string, unknown>> },
    onChange = nothingElse,
  ): Promise<Account> {
    const now = this.clock.now();
    const to = (before: StoredAccount): Change => {
      const login = wanted.login === undefined ? before.login : normalizeLogin(wanted.login);
      const changed = login !== before.login || !isDeepStrictEqual(before.claims, wanted.claims);
      return changed ? { login, claims: wanted.claims, claims_updated_at: now } : {};
    };
    return this.change(id, to, onChange).catch((error: unknown) => refuseTakenLogin(error));
  }

  /** Roles are looked up at each request, so who has lost one is out at once. */
  async setRoles(id: string, roles: readonly AccountRole[], onChange = nothingElse): Promise<Account> {
    return this.change(id, () => ({ roles: [...new Set(roles)] }), onChange);
  }

  /** Whether another account holds this address as verified; none comes to before `tx` ends. */
  async isVerifiedElsewhere(tx: Tx, email: string, accountId: string | undefined): Promise<boolean> {
    return this.repository.isVerifiedElsewhere(tx, email, accountId);
  }

  /** As a part of `tx`; nothing is written when they are what they were. */
  async updateClaims(tx: Tx, id: string, claims: Readonly<Record<string, unknown>>): Promise<void> {
    await this.repository.updateClaims(tx, id, claims, this.clock.now());
  }

  /**
   * Hashes outside of any transaction; give the result to {@link setPasswordHash}.
   * @throws InvalidRequestError when the password is a common one, or the account's own name
   */
  async hashPassword(
    password: string,
    account: { readonly login: string; readonly claims: Readonly<Record<string, unknown>> },
  ): Promise<string> {
    await refuseGuessable(password, [account.login, account.claims.email]);
    return this.hasher.hash(password);
  }

  async setPasswordHash(tx: Tx, id: string, passwordHash: string): Promise<void> {
    await this.repository.setPasswordHash(tx, id, passwordHash, this.clock.now());
  }

  /** Sessions and grants that began before now are dead from the commit on, also those that we do not list. */
  async endEverythingBefore(tx: Tx, id: string, moment: Date): Promise<void> {
    await this.repository.endEverythingBefore(tx, id, moment, this.clock.now());
  }

  async disable(tx: Tx, id: string): Promise<void> {
    await this.repository.disable(tx, id, this.clock.now());
  }

  async enable(id: string, onChange = nothingElse): Promise<Account> {
    return this.change(id, () => ({ disabled_at: null }), onChange);
  }

  /** Removes the person's data; sessions and grants go with it by the foreign keys. */
  async delete(tx: Tx, id: string): Promise<void> {
    await this.repository.delete(tx, id);
  }

  /** Under the row's lock, so that `onChange` gets what this change changed and nothing else. */
  private async change(id: string, to: (before: StoredAccount) => Change, onChange: AccountChanged): Promise<Account> {
    return this.transactions.run(async (tx) => {
      const before = existing(await this.repository.lock(tx, id), 'account');
      const after = { ...before, ...to(before), updated_at: this.clock.now() };
      await this.repository.update(tx, after);
      await onChange(tx, toAccount(before), toAccount(after));
      return toAccount(after);
    });
  }
}

function refuseTakenLogin(error: unknown): never {
  if (isUniqueViolation(error, 'accounts_login_key')) throw new ConflictError('This login is taken.', { cause: error });
  throw error;
}
