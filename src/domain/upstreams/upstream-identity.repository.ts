import { Injectable } from '@nestjs/common';
import { statement, type RowOf } from '../../platform/database/statement.js';
import { TransactionRunner, type Tx } from '../../platform/database/transaction.js';
import type { UpstreamIdentity } from './upstream-identity.js';

export interface StoredIdentity extends UpstreamIdentity {
  /** The account was made for this identity, so its claims follow what the upstream says at each sign-in. */
  readonly ownsClaims: boolean;
}

const COLUMNS = {
  issuer: 'text',
  sub: 'text',
  account_id: 'uuid',
  owns_claims: 'boolean',
  linked_at: 'timestamptz',
} as const;
const SELECT = `SELECT ${Object.keys(COLUMNS).join(', ')} FROM upstream_identities`;

const HOLD_UPSTREAM = statement({
  name: 'upstream_identities_hold_upstream',
  parameters: { upstreamId: 'uuid' },
  row: { found: 'int' },
  text: 'SELECT 1 AS found FROM upstreams WHERE id = :upstreamId FOR KEY SHARE',
});

const HOLD = statement({
  name: 'upstream_identities_hold',
  parameters: { issuer: 'text', sub: 'text' },
  row: COLUMNS,
  text: `${SELECT} WHERE issuer = :issuer AND sub = :sub FOR KEY SHARE`,
});

const LIST = statement({
  name: 'upstream_identities_list',
  parameters: { accountId: 'uuid' },
  row: COLUMNS,
  text: `${SELECT} WHERE account_id = :accountId ORDER BY linked_at`,
});

const INSERT = statement({
  name: 'upstream_identities_insert',
  parameters: { issuer: 'text', sub: 'text', accountId: 'uuid', ownsClaims: 'boolean', linkedAt: 'timestamptz' },
  text: `
    INSERT INTO upstream_identities (issuer, sub, account_id, owns_claims, linked_at)
    VALUES (:issuer, :sub, :accountId, :ownsClaims, :linkedAt)`,
});

const DELETE = statement({
  name: 'upstream_identities_delete',
  ends: true,
  parameters: { issuer: 'text', sub: 'text', accountId: 'uuid' },
  row: { account_id: 'uuid' },
  text: `
    DELETE FROM upstream_identities WHERE issuer = :issuer AND sub = :sub AND account_id = :accountId
    RETURNING account_id`,
});

/** The table `upstream_identities`. */
@Injectable()
export class UpstreamIdentityRepository {
  constructor(private readonly transactions: TransactionRunner) {}

  /** No transaction deletes the upstream before `tx` ends. False: it is gone. */
  async holdUpstream(tx: Tx, upstreamId: string): Promise<boolean> {
    return (await tx.query(HOLD_UPSTREAM, { upstreamId })).length > 0;
  }

  /** No transaction removes the link before `tx` ends. */
  async hold(tx: Tx, issuer: string, sub: string): Promise<StoredIdentity | undefined> {
    const [row] = await tx.query(HOLD, { issuer, sub });
    return row === undefined ? undefined : toStored(row);
  }

  /** Those of an account, oldest first. */
  async list(accountId: string): Promise<readonly StoredIdentity[]> {
    return (await this.transactions.query(LIST, { accountId })).map(toStored);
  }

  /** @throws a unique violation of `upstream_identities_pkey` when this person is linked already */
  async insert(tx: Tx, identity: StoredIdentity): Promise<void> {
    await tx.query(INSERT, identity);
  }

  /** False: the account is not linked to this person. */
  async delete(tx: Tx, accountId: string, issuer: string, sub: string): Promise<boolean> {
    return (await tx.query(DELETE, { accountId, issuer, sub })).length > 0;
  }
}

function toStored(row: RowOf<typeof COLUMNS>): StoredIdentity {
  return {
    issuer: row.issuer,
    sub: row.sub,
    accountId: row.account_id,
    ownsClaims: row.owns_claims,
    linkedAt: row.linked_at,
  };
}
