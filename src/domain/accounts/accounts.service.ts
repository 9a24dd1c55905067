import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { v7 as uuid, validate as isUuid } from 'uuid';
import { Clock } from '../../platform/clock/clock.js';
import { statement } from '../../platform/database/statement.js';
import { isUniqueViolation } from '../../platform/database/storage-errors.js';
import { TransactionRunner, type Tx } from '../../platform/database/transaction.js';
import { ConflictError, NotFoundError } from '../../platform/oidc/errors.js';
import type { Page, PageRequest } from '../../platform/database/page.js';
import type { Account, AccountRole, NewAccount, SignInOutcome } from './account.js';
import { AccountEntity } from './entities/account.entity.js';
import { HasherBusyError, PasswordHasher } from './password-hasher.js';
import { refuseGuessable } from './passwords.js';
import { SignInLimiter } from './sign-in-limiter.js';
import { SignInRecord } from './sign-in-record.js';

/** What else is to happen in the transaction of a change; it gets the account as it was and as it is. */
export type AccountChanged = (tx: Tx, before: Account | undefined, after: Account) => Promise<void>;
const nothingElse: AccountChanged = () => Promise.resolve();

const UPDATE_CLAIMS = statement(
  'accounts_update_claims',
  'UPDATE accounts SET claims = $2::jsonb, claims_updated_at = $3, updated_at = $3 WHERE id = $1 AND claims IS DISTINCT FROM $2::jsonb',
);

/** Changes that make an address verified run one after another, so that each sees what the other did. */
const LOCK_ADDRESS = statement(
  'accounts_lock_address',
  'SELECT pg_advisory_xact_lock(hashtextextended(lower($1), 7355609))',
);

const VERIFIED_ELSEWHERE = statement(
  'accounts_verified_elsewhere',
  `SELECT 1 FROM accounts a
    WHERE lower(a.claims ->> 'email') = lower($1) AND a.claims -> 'email_verified' = 'true'::jsonb
      AND a.id IS DISTINCT FROM $2::uuid LIMIT 1`,
);

const CREATE_WITHOUT_PASSWORD = statement(
  'accounts_create_without_password',
  `INSERT INTO accounts (id, login, claims, claims_updated_at, created_at, updated_at) VALUES ($1, $2, $3::jsonb, $4, $4, $4)
   ON CONFLICT (login) DO NOTHING RETURNING id`,
);

/** People who can sign in: their password, their claims, whether they may. */
@Injectable()
export class AccountsService {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly clock: Clock,
    private readonly hasher: PasswordHasher,
    private readonly limiter: SignInLimiter,
    private readonly record: SignInRecord,
  ) {}

  /**
   * Checks a password. Unknown login, disabled account and wrong password are one answer and take the same time.
   * @param login or an e-mail address
   * @param address where the attempt comes from, for the rate limits
   */
  async signIn(login: string, password: string, address: string): Promise<SignInOutcome> {
    const tooManyFrom = await this.limiter.attemptFrom(address);
    if (tooManyFrom !== undefined) return this.tooMany(tooManyFrom, address);
    const typed = normalizeLogin(login);
    const row = await this.findByPasswordName(typed);
    const name = row?.login ?? typed;
    const retryAfterSeconds = await this.limiter.attempt(name, address);
    if (retryAfterSeconds !== undefined) return this.tooMany(retryAfterSeconds, address);
    const usable = row?.disabledAt === null ? row : undefined;
    try {
      if (!(await this.hasher.verify(usable?.passwordHash ?? null, password)) || usable === undefined) {
        await this.record.refused('wrong_credentials', address, row?.id);
        return { kind: 'wrong_credentials' };
      }
    } catch (error) {
      if (!(error instanceof HasherBusyError)) throw error;
      await this.limiter.notChecked(name, address);
      return { kind: 'busy' };
    }
    await this.limiter.succeeded(name, address);
    // Before the response: a sign-in that cannot be put on record is refused.
    await this.record.done(usable.id, address);
    return { kind: 'signed_in', account: toAccount(usable) };
  }

  private async tooMany(retryAfterSeconds: number, address: string): Promise<SignInOutcome> {
    await this.record.refused('too_many_attempts', address);
    return { kind: 'too_many_attempts', retryAfterSeconds };
  }

  /**
   * Which account a typed name means, of those that have a password: the one whose login it is, else the one whose
   * e-mail address it is, if no other has it. The login goes first, so that an address on another account cannot keep a
   * person out.
   */
  private async findByPasswordName(name: string): Promise<AccountEntity | undefined> {
    const rows = await this.transactions.reader
      .createQueryBuilder(AccountEntity, 'a')
      .where("(a.login = :name OR lower(a.claims ->> 'email') = lower(:name))", { name })
      .andWhere('a.passwordHash IS NOT NULL')
      .orderBy('(a.login = :name)', 'DESC')
      .limit(2)
      .getMany();
    const [first, second] = rows;
    return first?.login === name || second === undefined ? first : undefined;
  }

  /** @param tx to see what that transaction has written */
  async find(id: string, tx?: Tx): Promise<Account | undefined> {
    const row = await (tx?.manager ?? this.transactions.reader).findOneBy(AccountEntity, { id });
    return row === null ? undefined : toAccount(row);
  }

  async get(id: string): Promise<Account> {
    const account = isUuid(id) ? await this.find(id) : undefined;
    if (account === undefined) throw new NotFoundError('There is no such account.');
    return account;
  }

  /** @throws ConflictError when the login is taken, InvalidRequestError when the password is a common one */
  async create(input: NewAccount, alongside = nothingElse): Promise<Account> {
    const passwordHash = input.password === undefined ? null : await this.hashPassword(input.password, input);
    const now = this.clock.now();
    const row = {
      id: uuid(),
      login: normalizeLogin(input.login),
      passwordHash,
      claims: { ...input.claims },
      claimsUpdatedAt: now,
      roles: [...(input.roles ?? [])],
      notBefore: null,
      disabledAt: null,
      passwordChangedAt: passwordHash === null ? null : now,
      createdAt: now,
      updatedAt: now,
    };
    await this.transactions
      .run(async (tx) => {
        await tx.manager.insert(AccountEntity, row as never);
        await alongside(tx, undefined, toAccount(row));
      })
      .catch((error: unknown) => refuseTakenLogin(error));
    return toAccount(row);
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
    const now = this.clock.now();
    for (const login of input.logins.map(normalizeLogin)) {
      const values = [id, login, JSON.stringify(input.claims), now];
      if ((await tx.query(CREATE_WITHOUT_PASSWORD, values)).length === 0) continue;
      const account = await this.find(id, tx);
      if (account !== undefined) return account;
    }
    throw new ConflictError('Each of these logins is taken.');
  }

  /** Newest first. `search` is the beginning of a login or of an e-mail address. */
  async list(options: PageRequest & { readonly search?: string | undefined }): Promise<Page<Account>> {
    const query = this.transactions.reader
      .createQueryBuilder(AccountEntity, 'a')
      .orderBy('a.id', 'DESC')
      .take(options.limit + 1);
    if (options.cursor !== undefined && isUuid(options.cursor))
      query.andWhere('a.id < :cursor', { cursor: options.cursor });
    if (options.search !== undefined)
      query.andWhere("(starts_with(a.login, :search) OR starts_with(lower(a.claims ->> 'email'), lower(:search)))", {
        search: normalizeLogin(options.search),
      });
    const rows = await query.getMany();
    const items = rows.slice(0, options.limit).map(toAccount);
    return { items, nextCursor: rows.length > options.limit ? items.at(-1)?.id : undefined };
  }

  /**
   * Replaces what is known about the person, and the login where one is given.
   * @throws ConflictError when the login is taken
   */
  async update(
    id: string,
    wanted: { readonly login?: string | undefined; readonly claims: Readonly<Record<string, unknown>> },
    alongside = nothingElse,
  ): Promise<Account> {
    const now = this.clock.now();
    const to = (before: AccountEntity) => {
      const login = wanted.login === undefined ? before.login : normalizeLogin(wanted.login);
      const changed = login !== before.login || !isDeepStrictEqual(before.claims, wanted.claims);
      return changed ? { login, claims: { ...wanted.claims }, claimsUpdatedAt: now } : {};
    };
    return this.change(id, to, alongside).catch((error: unknown) => refuseTakenLogin(error));
  }

  /** Roles are looked up at each request, so who has lost one is out at once. */
  async setRoles(id: string, roles: readonly AccountRole[], alongside = nothingElse): Promise<Account> {
    return this.change(id, () => ({ roles: [...new Set(roles)] }), alongside);
  }

  /** Whether another account holds this address as verified; none comes to before `tx` ends. */
  async isVerifiedElsewhere(tx: Tx, email: string, accountId: string | undefined): Promise<boolean> {
    await tx.query(LOCK_ADDRESS, [email]);
    return (await tx.query(VERIFIED_ELSEWHERE, [email, accountId ?? null])).length > 0;
  }

  /** As a part of `tx`; nothing is written when they are what they were. */
  async updateClaims(tx: Tx, id: string, claims: Readonly<Record<string, unknown>>): Promise<void> {
    await tx.query(UPDATE_CLAIMS, [id, JSON.stringify(claims), this.clock.now()]);
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
    const now = this.clock.now();
    await tx.manager.update(AccountEntity, { id }, { passwordHash, passwordChangedAt: now, updatedAt: now });
  }

  /** Sessions and grants that began before now are dead from the commit on, also those that we do not list. */
  async endEverythingBefore(tx: Tx, id: string, moment: Date): Promise<void> {
    await tx.manager.update(AccountEntity, { id }, { notBefore: moment, updatedAt: this.clock.now() });
  }

  async disable(tx: Tx, id: string): Promise<void> {
    const now = this.clock.now();
    await tx.manager.update(AccountEntity, { id }, { disabledAt: now, updatedAt: now });
  }

  async enable(id: string, alongside = nothingElse): Promise<Account> {
    return this.change(id, () => ({ disabledAt: null }), alongside);
  }

  /** Removes the person's data; sessions and grants go with it by the foreign keys. */
  async delete(tx: Tx, id: string): Promise<void> {
    await tx.manager.delete(AccountEntity, { id });
  }

  /** Under the row's lock, so that `alongside` gets what this change changed and nothing else. */
  private async change(
    id: string,
    change: (
      before: AccountEntity,
    ) => Partial<Pick<AccountEntity, 'login' | 'claims' | 'claimsUpdatedAt' | 'roles' | 'disabledAt'>>,
    alongside: AccountChanged,
  ): Promise<Account> {
    return this.transactions.run(async (tx) => {
      const lock = { mode: 'pessimistic_write' } as const;
      const before = await tx.manager.findOne(AccountEntity, { where: { id }, lock });
      if (before === null) throw new NotFoundError('There is no such account.');
      const values = { ...change(before), updatedAt: this.clock.now() };
      await tx.manager.update(AccountEntity, { id }, values as never);
      const after = toAccount({ ...before, ...values });
      await alongside(tx, toAccount(before), after);
      return after;
    });
  }
}

function refuseTakenLogin(error: unknown): never {
  if (isUniqueViolation(error, 'accounts_login_key')) throw new ConflictError('This login is taken.', { cause: error });
  throw error;
}

function normalizeLogin(login: string): string {
  return login.normalize('NFC').trim().toLowerCase();
}

function toAccount(row: AccountEntity): Account {
  return {
    id: row.id,
    login: row.login,
    claims: { ...row.claims, updated_at: Math.floor(row.claimsUpdatedAt.getTime() / 1000) },
    roles: row.roles,
    hasPassword: row.passwordHash !== null,
    disabledAt: row.disabledAt,
    notBefore: row.notBefore,
    passwordChangedAt: row.passwordChangedAt,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
}
