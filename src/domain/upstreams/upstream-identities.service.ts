import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Account } from '../accounts/account.js';
import { AccountsService } from '../accounts/accounts.service.js';
import { Clock } from '../../platform/clock/clock.js';
import { statement } from '../../platform/database/statement.js';
import { isUniqueViolation } from '../../platform/database/storage-errors.js';
import { TransactionRunner, type Tx } from '../../platform/database/transaction.js';
import { ConflictError, NotFoundError } from '../../platform/oidc/errors.js';
import { isStorableText } from '../../platform/oidc/text.js';
import { UpstreamIdentityEntity } from './entities/upstream-identity.entity.js';
import { mappedClaims } from './upstream-claims.js';
import type { UpstreamPerson } from './upstream-client.js';
import { LOGIN_CLAIM } from './upstream-registration.js';
import type { Upstream } from './upstream.js';

/** Who a person at another provider is here. */
export interface UpstreamIdentity {
  readonly issuer: string;
  readonly sub: string;
  readonly accountId: string;
  readonly linkedAt: Date;
}

const MAX_LOGIN = 200;
/** Begins the part of a login that was not chosen by a person. */
const MADE = '#';

const HOLD_UPSTREAM = statement(
  'upstream_identities_hold_upstream',
  'SELECT 1 FROM upstreams WHERE id = $1 FOR KEY SHARE',
);

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
    if ((await tx.query(HOLD_UPSTREAM, [upstream.id])).length === 0) return undefined;
    const identity = await tx.manager.findOne(UpstreamIdentityEntity, {
      where: { issuer, sub },
      lock: { mode: 'for_key_share' },
    });
    if (identity === null) return upstream.createsAccounts ? this.createAccount(tx, upstream, person) : undefined;
    if (identity.ownsClaims)
      await this.accounts.updateClaims(
        tx,
        identity.accountId,
        await this.claimsFor(tx, upstream, person, identity.accountId),
      );
    return this.accounts.find(identity.accountId, tx);
  }

  async list(accountId: string): Promise<readonly UpstreamIdentity[]> {
    const rows = await this.transactions.reader.find(UpstreamIdentityEntity, {
      where: { accountId },
      order: { linkedAt: 'ASC' },
    });
    return rows.map(toIdentity);
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
        await tx.manager.insert(UpstreamIdentityEntity, row);
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
    const { affected } = await tx.manager.delete(UpstreamIdentityEntity, { accountId, issuer, sub });
    if (affected !== 1) throw new NotFoundError('The account is not linked to this person.');
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
    await tx.manager.insert(UpstreamIdentityEntity, {
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

function toIdentity(row: UpstreamIdentityEntity): UpstreamIdentity {
  return { issuer: row.issuer, sub: row.sub, accountId: row.accountId, linkedAt: row.linkedAt };
}
