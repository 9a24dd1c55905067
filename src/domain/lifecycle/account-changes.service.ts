import { Injectable } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.js';
import type { Tx } from '../../platform/database/transaction.js';
import type { Account, AccountRole } from '../accounts/account.js';
import { AccountsService, type AccountChanged } from '../accounts/accounts.service.js';
import { checkedClaims } from '../accounts/claims-check.js';
import type { LogoutOutcome, OrderedLogout, TerminationCause } from '../logout/command/logout.js';
import { LogoutService } from '../logout/command/logout.service.js';
import { ChangeRecord, initiatorOf, type Actor, type Change, type RecordChange, type Values } from './change-record.js';

/** What is known about a person. `email` is one of the claims, and counts before the one among them. */
export interface PersonDetails {
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
  readonly email?: string | undefined;
}

export interface AccountToCreate extends PersonDetails {
  readonly login: string;
  readonly password?: string | undefined;
  readonly roles?: readonly AccountRole[] | undefined;
}

/**
 * Changes of accounts, each on record with who made it. What takes a person's access away ends, in the same transaction,
 * all that they have: every session and every grant, offline ones too.
 */
@Injectable()
export class AccountChanges {
  constructor(
    private readonly accounts: AccountsService,
    private readonly logoutService: LogoutService,
    private readonly record: ChangeRecord,
    private readonly clock: Clock,
  ) {}

  /** @throws InvalidRequestError, ConflictError when the login is taken */
  async create({ login, password, roles, ...details }: AccountToCreate, actor: Actor): Promise<Account> {
    const account = {
      login,
      claims: claimsOf(details),
      ...(password === undefined ? {} : { password }),
      ...(roles === undefined ? {} : { roles }),
    };
    const change = { event: 'account_changed', change: 'created', subject: {} } as const;
    return this.record.of(actor, change, (record) => this.accounts.create(account, recorded(record)));
  }

  /**
   * `claims` replaces all of them; `email` alone changes only that. A login is what the person types from now on.
   * @throws NotFoundError, InvalidRequestError, ConflictError when the login is taken
   */
  async update(
    id: string,
    { login, claims, email }: PersonDetails & { readonly login?: string | undefined },
    actor: Actor,
  ): Promise<Account> {
    const account = await this.accounts.get(id);
    const to = { login, claims: claimsOf({ claims: claims ?? account.claims, email }) };
    return this.record.of(actor, changeOf('claims_set', account.id), (record) =>
      this.accounts.update(account.id, to, recorded(record)),
    );
  }

  /** Replaces all roles. They count from the next request on, either way. @throws NotFoundError */
  async setRoles(id: string, roles: readonly AccountRole[], actor: Actor): Promise<Account> {
    const { id: accountId } = await this.accounts.get(id);
    return this.record.of(actor, changeOf('roles_set', accountId), (record) =>
      this.accounts.setRoles(accountId, roles, recorded(record)),
    );
  }

  /**
   * When this returns, only the new password counts, and who knew the old one is signed out everywhere.
   * @throws NotFoundError, InvalidRequestError when the password is a common one, or the account's own name
   */
  async changePassword(id: string, password: string, actor: Actor): Promise<LogoutOutcome | OrderedLogout> {
    const account = await this.accounts.get(id);
    const passwordHash = await this.accounts.hashPassword(password, account);
    return this.endAll(account.id, 'password_set', 'password_changed', actor, (tx) =>
      this.accounts.setPasswordHash(tx, account.id, passwordHash),
    );
  }

  /** When this returns, the account cannot sign in. @throws NotFoundError */
  async disable(id: string, actor: Actor): Promise<LogoutOutcome | OrderedLogout> {
    const { id: accountId } = await this.accounts.get(id);
    return this.endAll(accountId, 'disabled', 'account_disabled', actor, (tx) => this.accounts.disable(tx, accountId));
  }

  /** What ended when it was disabled stays ended. @throws NotFoundError */
  async enable(id: string, actor: Actor): Promise<Account> {
    const { id: accountId } = await this.accounts.get(id);
    return this.record.of(actor, changeOf('enabled', accountId), (record) =>
      this.accounts.enable(accountId, recorded(record)),
    );
  }

  /** When this returns, the person is forgotten, and the applications are being notified. @throws NotFoundError */
  async delete(id: string, actor: Actor): Promise<LogoutOutcome> {
    const { id: accountId } = await this.accounts.get(id);
    return this.record.of(actor, changeOf('deleted', accountId), (record) =>
      this.logoutService.logout(
        { target: { kind: 'account', accountId }, cause: 'account_deleted', initiator: initiatorOf(actor) },
        {
          after: async (tx) => {
            await this.accounts.delete(tx, accountId);
            await record(tx);
          },
        },
      ),
    );
  }

  /** The change first: a sign-in that is under way waits for the row, and then finds that it came too early. */
  private endAll(
    accountId: string,
    change: string,
    cause: TerminationCause,
    actor: Actor,
    carryOut: (tx: Tx) => Promise<void>,
  ): Promise<LogoutOutcome | OrderedLogout> {
    return this.record.of(actor, changeOf(change, accountId), (record) =>
      this.logoutService.logoutAny(
        { target: { kind: 'account', accountId }, cause, initiator: initiatorOf(actor) },
        {
          before: async (tx) => {
            await carryOut(tx);
            await this.accounts.endEverythingBefore(tx, accountId, this.clock.now());
            await record(tx);
          },
        },
      ),
    );
  }
}

function changeOf(change: string, accountId: string): Change {
  return { event: 'account_changed', change, subject: { account_id: accountId } };
}

function claimsOf({ claims, email }: PersonDetails): Record<string, unknown> {
  return checkedClaims({ ...claims, ...(email === undefined ? {} : { email }) });
}

/** What the record keeps of an account: nothing that says who it is, since the record outlives the person's data. */
function recorded(record: RecordChange): AccountChanged {
  return (tx, before, after) =>
    record(tx, before === undefined ? {} : valuesOf(before), {
      ...valuesOf(after),
      ...changedClaims(before?.claims ?? {}, after.claims),
      ...(before === undefined || before.login === after.login ? {} : { login_changed: true }),
    });
}

function valuesOf({ id, roles, disabledAt }: Account): Values {
  return { account_id: id, roles: roles.join(' '), disabled: disabledAt !== null };
}

/** The names of the claims that differ, which say what was changed and not to what. */
function changedClaims(before: Account['claims'], after: Account['claims']): Values {
  const names = Object.keys({ ...before, ...after }).filter(
    (name) => name !== 'updated_at' && JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  );
  return names.length === 0 ? {} : { claims_changed: names.sort().join(' ') };
}
