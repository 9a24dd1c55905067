import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Account } from '../accounts/account.js';
import { AccountsService } from '../accounts/accounts.service.js';
import { Clock } from '../../platform/clock/clock.js';
import { isUniqueViolation } from '../../platform/database/storage-errors.js';
import { TransactionRunner, type Tx } from '../../platform/database/transaction.js';
import { ConflictError, NotFoundError } from '../../platform/oidc/errors.js';
import { isStorableText } from '../../platform/oidc/text.js';
import { mappedClaims } from './upstream-claims.js';
import type { UpstreamPerson } from './upstream-person.js';
import type { UpstreamIdentity } from './upstream-identity.js';
import { UpstreamIdentityRepository } from './upstream-identity.repository.js';
import { LOGIN_CLAIM } from './upstream-registration.js';
import type { Upstream } from './upstream.js';

const MAX_LOGIN = 200;
/** Begins the part of a login that was not chosen by a person. */
const MADE = '#';

/**
 * Links between people at other providers and accounts here, by (issuer, sub) and nothing else: an e-mail address that
 * an upstream names, verified or not, opens no account (OpenID Connect Core 1.0 §5.7).
 */
@Injectable()
export class UpstreamIdentities {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly accounts: AccountsService,
    private readonly clock: Clock,
    private readonly repository: UpstreamIdentityRepository,
  ) {}

  /**
   * The account of this person, made now when there is none and the upstream may make accounts. Undefined otherwise, and
   * when the upstream was deleted meanwhile. Callers hold the lock of this identity, so that two first sign-ins at once
   * make one account.
   *
   * Holds the upstream and the link until `tx` ends: a transaction that removes either waits, and then finds the
   * session that came of it.
   */
  async accountOf(tx: Tx, upstream: Upstream, person: UpstreamPerson): Promise<Account | undefined> {
    const { issuer, sub } = person;
    if (!(await this.repository.holdUpstream(tx, upstream.id))) return undefined;
    const identity = await this.repository.hold(tx, issuer, sub);
    if (identity === undefined) return upstream.createsAccounts ? this.createAccount(tx, upstream, person) : undefined;
    if (identity.ownsClaims)
      await this.accounts.updateClaims(
        tx,
        identity.accountId,
        await this.claimsFor(tx, upstream, person, identity.accountId),
      );
    return this.accounts.find(identity.accountId, tx);
  }

  async list(accountId: string): Promise<readonly UpstreamIdentity[]> {
    return (await this.repository.list(accountId)).map(toIdentity);
  }

  /** @throws ConflictError when this person is linked to an account already */
  async link(
    accountId: string,
    issuer: string,
    sub: string,
    onChange: (tx: Tx) => Promise<void> = () => Promise.resolve(),
  ): Promise<UpstreamIdentity> {
    const row = { issuer, sub, accountId, ownsClaims: false, linkedAt: this.clock.now() };
    try {
      await this.transactions.run(async (tx) => {
        await this.repository.insert(tx, row);
        await onChange(tx);
      });
    } catch (error) {
      if (isUniqueViolation(error, 'upstream_identities_pkey'))
        throw new ConflictError('This person is linked to an account already.', { cause: error });
      throw error;
    }
    return toIdentity(row);
  }

  /**
   * Gone with the commit. The caller ends the person's sessions after it in the same transaction: a sign-in that is
   * under way holds the link, so it has committed by then, or finds the link gone.
   * @throws NotFoundError
   */
  async unlink(tx: Tx, accountId: string, issuer: string, sub: string): Promise<void> {
    if (!(await this.repository.delete(tx, accountId, issuer, sub)))
      throw new NotFoundError('The account is not linked to this person.');
  }

  /** An address that another person has verified here is not repeated: applications would take it for that person's. */
  private async claimsFor(
    tx: Tx,
    upstream: Upstream,
    person: UpstreamPerson,
    accountId: string | undefined,
  ): Promise<Readonly<Record<string, unknown>>> {
    const claims = mappedClaims(upstream, person.claims);
    const { email, email_verified: _verified, ...others } = claims;
    if (typeof email !== 'string') return claims;
    return (await this.accounts.isVerifiedElsewhere(tx, email, accountId)) ? others : claims;
  }

  private async createAccount(tx: Tx, upstream: Upstream, person: UpstreamPerson): Promise<Account> {
    const account = await this.accounts.createWithoutPassword(tx, {
      logins: loginsOf(upstream, person),
      claims: await this.claimsFor(tx, upstream, person, undefined),
    });
    await this.repository.insert(tx, {
      issuer: person.issuer,
      sub: person.sub,
      accountId: account.id,
      ownsClaims: true,
      linkedAt: this.clock.now(),
    });
    return account;
  }
}

/**
 * Names for a new account, best first. Each begins with the upstream's name, so that a person there cannot choose the
 * login of a person here. Logins know no case and no space at the end, `sub` does: two people may want the same one, by
 * chance or on purpose. The last is made from who the person is and begins as none that can be chosen, so no person is
 * kept out.
 */
function loginsOf(upstream: Upstream, { issuer, sub, claims }: UpstreamPerson): readonly string[] {
  const named = [claims[upstream.claimMapping[LOGIN_CLAIM] ?? 'preferred_username'], claims.email].find(isName);
  const chosen = [named, sub].filter(isName);
  const made =
    MADE +
    createHash('sha256')
      .update(JSON.stringify([issuer, sub]))
      .digest('hex');
  return [...chosen, made].map((name) => `${upstream.name}:${name}`);
}

function isName(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > MAX_LOGIN || !isStorableText(value)) return false;
  const name = value.normalize('NFC').trim();
  return name !== '' && !name.startsWith(MADE);
}

function toIdentity(row: UpstreamIdentity): UpstreamIdentity {
  return { issuer: row.issuer, sub: row.sub, accountId: row.accountId, linkedAt: row.linkedAt };
}
