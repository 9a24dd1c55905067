import { Injectable, type OnModuleInit } from '@nestjs/common';
import { dependentRows, Retention } from '../../platform/database/retention.js';
import { statement } from '../../platform/database/statement.js';
import { TransactionRunner, type Tx } from '../../platform/database/transaction.js';
import { clientsToBeRemoved, DELETED_CLIENT_KEPT_MS } from '../clients/clients.sql.js';
import type { Consent } from './consent.js';

const COVERS = statement({
  name: 'consents_covers',
  parameters: { accountId: 'uuid', clientId: 'text', scope: 'text[]', claims: 'text[]' },
  row: { found: 'int' },
  text: `
    SELECT 1 AS found FROM consents
     WHERE account_id = :accountId AND client_id = :clientId AND scope @> :scope AND claims @> :claims`,
});

const REMEMBER = statement({
  name: 'consents_remember',
  parameters: { accountId: 'uuid', clientId: 'text', scope: 'text[]', claims: 'text[]', now: 'timestamptz' },
  text: `
    INSERT INTO consents (account_id, client_id, scope, claims, granted_at)
    VALUES (:accountId, :clientId, :scope, :claims, :now)
    ON CONFLICT (account_id, client_id) DO UPDATE SET granted_at = excluded.granted_at,
      scope = ARRAY(SELECT DISTINCT unnest(consents.scope || excluded.scope)),
      claims = ARRAY(SELECT DISTINCT unnest(consents.claims || excluded.claims))`,
});

const LIST = statement({
  name: 'consents_list',
  parameters: { accountId: 'uuid' },
  row: { client_id: 'text', scope: 'text[]', claims: 'text[]', granted_at: 'timestamptz' },
  text: `
    SELECT client_id, scope, claims, granted_at FROM consents WHERE account_id = :accountId
     ORDER BY granted_at DESC, client_id`,
});

const FORGET = statement({
  name: 'consents_forget',
  ends: true,
  parameters: { accountId: 'uuid', clientId: 'text' },
  row: { client_id: 'text' },
  text: 'DELETE FROM consents WHERE account_id = :accountId AND client_id = :clientId RETURNING client_id',
});

const OF_REMOVED_CLIENTS = dependentRows({
  name: 'consents_remove_of_removed_clients',
  table: 'consents',
  key: 'account_id, client_id',
  owner: 'client_id',
  owners: clientsToBeRemoved(':before'),
});

/** What a person is asked to allow, or has allowed. */
export interface Asked {
  readonly accountId: string;
  readonly clientId: string;
  readonly scope: readonly string[];
  /** Names of single claims. */
  readonly claims: readonly string[];
}

/** The table `consents`. */
@Injectable()
export class ConsentRepository implements OnModuleInit {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly retention: Retention,
  ) {}

  onModuleInit(): void {
    this.retention.register({ ...OF_REMOVED_CLIENTS, keepMs: DELETED_CLIENT_KEPT_MS, first: true });
  }

  /** Whether all of it was allowed before. */
  async covers(asked: Asked): Promise<boolean> {
    return (await this.transactions.query(COVERS, asked)).length > 0;
  }

  /** Adds to what was allowed before. */
  async remember(allowed: Asked, now: Date): Promise<void> {
    await this.transactions.query(REMEMBER, { ...allowed, now });
  }

  /** Newest first. */
  async list(accountId: string): Promise<Consent[]> {
    const rows = await this.transactions.query(LIST, { accountId });
    return rows.map(({ client_id: clientId, scope, claims, granted_at: grantedAt }) => ({
      clientId,
      scope,
      claims,
      grantedAt,
    }));
  }

  /** False: nothing had been allowed. */
  async forget(tx: Tx, accountId: string, clientId: string): Promise<boolean> {
    return (await tx.query(FORGET, { accountId, clientId })).length === 1;
  }
}
