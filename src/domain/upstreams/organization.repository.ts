import { Injectable } from '@nestjs/common';
import { statement, type RowOf } from '../../platform/database/statement.js';
import { TransactionRunner, type Tx } from '../../platform/database/transaction.js';

/** An organization as it is stored. */
export interface StoredOrganization {
  readonly id: string;
  readonly name: string;
  /** Null: this provider itself. */
  readonly upstreamId: string | null;
  readonly isDefault: boolean;
}

const COLUMNS = { id: 'text', name: 'text', upstream_id: 'uuid?', is_default: 'boolean' } as const;
const SELECT = `SELECT ${Object.keys(COLUMNS).join(', ')} FROM organizations`;

const FIND = statement({
  name: 'organizations_find',
  parameters: { id: 'text' },
  row: COLUMNS,
  text: `${SELECT} WHERE id = :id`,
});

const FIND_DEFAULT = statement({
  name: 'organizations_find_default',
  row: COLUMNS,
  text: `${SELECT} WHERE is_default`,
});

const LIST = statement({ name: 'organizations_list', row: COLUMNS, text: `${SELECT} ORDER BY id` });

const LOCK = statement({
  name: 'organizations_lock',
  parameters: { id: 'text' },
  row: COLUMNS,
  text: `${SELECT} WHERE id = :id FOR UPDATE`,
});

/** Two new defaults at once take turns, so that the second finds the first to replace. Readers do not wait. */
const LOCK_ALL = statement({
  name: 'organizations_lock_all',
  text: 'LOCK TABLE organizations IN SHARE ROW EXCLUSIVE MODE',
});

const CLEAR_DEFAULT = statement({
  name: 'organizations_clear_default',
  text: 'UPDATE organizations SET is_default = false WHERE is_default',
});

const INSERT = statement({
  name: 'organizations_insert',
  parameters: { id: 'text', name: 'text', upstreamId: 'uuid?', isDefault: 'boolean', now: 'timestamptz' },
  text: `
    INSERT INTO organizations (id, name, upstream_id, is_default, created_at)
    VALUES (:id, :name, :upstreamId, :isDefault, :now)`,
});

const UPDATE = statement({
  name: 'organizations_update',
  parameters: { id: 'text', name: 'text', upstreamId: 'uuid?', isDefault: 'boolean' },
  text: 'UPDATE organizations SET name = :name, upstream_id = :upstreamId, is_default = :isDefault WHERE id = :id',
});

const DELETE = statement({
  name: 'organizations_delete',
  ends: true,
  parameters: { id: 'text' },
  row: { id: 'text' },
  text: 'DELETE FROM organizations WHERE id = :id RETURNING id',
});

/** The table `organizations`. */
@Injectable()
export class OrganizationRepository {
  constructor(private readonly transactions: TransactionRunner) {}

  async find(id: string): Promise<StoredOrganization | undefined> {
    const [row] = await this.transactions.query(FIND, { id });
    return row === undefined ? undefined : toStored(row);
  }

  async findDefault(): Promise<StoredOrganization | undefined> {
    const [row] = await this.transactions.query(FIND_DEFAULT, {});
    return row === undefined ? undefined : toStored(row);
  }

  /** All of them, by id. */
  async list(): Promise<readonly StoredOrganization[]> {
    return (await this.transactions.query(LIST, {})).map(toStored);
  }

  /** Its row is locked until the transaction ends. */
  async lock(tx: Tx, id: string): Promise<StoredOrganization | undefined> {
    const [row] = await tx.query(LOCK, { id });
    return row === undefined ? undefined : toStored(row);
  }

  /** The default of until now is none any more. No other transaction makes one before `tx` ends. */
  async clearDefault(tx: Tx): Promise<void> {
    await tx.query(LOCK_ALL, {});
    await tx.query(CLEAR_DEFAULT, {});
  }

  /** @throws a unique violation of `organizations_pkey`, or a foreign key violation when the upstream is gone */
  async insert(tx: Tx, organization: StoredOrganization, now: Date): Promise<void> {
    await tx.query(INSERT, { ...organization, now });
  }

  /** Writes a row that the transaction has locked. @throws a foreign key violation when the upstream is gone */
  async update(tx: Tx, organization: StoredOrganization): Promise<void> {
    await tx.query(UPDATE, organization);
  }

  /** False: there is none. */
  async delete(tx: Tx, id: string): Promise<boolean> {
    return (await tx.query(DELETE, { id })).length > 0;
  }
}

function toStored(row: RowOf<typeof COLUMNS>): StoredOrganization {
  return { id: row.id, name: row.name, upstreamId: row.upstream_id, isDefault: row.is_default };
}
