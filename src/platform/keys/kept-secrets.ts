import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { statement } from '../database/statement.js';
import { TransactionRunner, type Tx } from '../database/transaction.js';
import { KeyMaintenance } from './key-maintenance.js';
import { Sealer } from './sealer.js';

const BATCH = 500;

/**
 * Sealed values that rest in a column of a table, and for what purpose.
 * @param key columns that together name a row
 */
export function keptSecret(kept: {
  readonly name: string;
  readonly table: string;
  readonly key: readonly string[];
  readonly column: string;
  readonly purpose: string;
}) {
  const { name, table, key, column, purpose } = kept;
  // One text for a key of several columns, which is compared and nothing else.
  const id = `concat_ws(E'\\n', ${key.map((part) => `t.${part}`).join(', ')})`;
  return {
    table,
    purpose,
    find: statement({
      name: `${name}_find_sealed`,
      parameters: { prefix: 'text', after: 'text' },
      row: { id: 'text', sealed: 'text!' },
      plannedAnew: true,
      text: `
        SELECT ${id} AS id, t.${column} AS sealed FROM ${table} t
         WHERE t.${column} IS NOT NULL AND NOT starts_with(t.${column}, :prefix) AND ${id} > :after
         ORDER BY 1 LIMIT ${BATCH} FOR UPDATE`,
    }),
    replace: statement({
      name: `${name}_seal_again`,
      ends: true,
      parameters: { ids: 'text[]', sealed: 'text[]', again: 'text[]' },
      plannedAnew: true,
      text: `
        UPDATE ${table} t SET ${column} = x.again FROM unnest(:ids, :sealed, :again) AS x(id, sealed, again)
         WHERE ${id} = x.id AND t.${column} = x.sealed`,
    }),
  };
}

export type KeptSecret = ReturnType<typeof keptSecret>;

/**
 * Seals the stored values again when the sealing key was rotated, in batches; then the old key is forgotten. Each
 * module says where its own secrets rest; this one knows no table.
 */
@Injectable()
export class KeptSecrets implements OnModuleInit {
  private readonly logger = new Logger(KeptSecrets.name);
  private readonly kept: KeptSecret[] = [];

  constructor(
    private readonly transactions: TransactionRunner,
    private readonly maintenance: KeyMaintenance,
    private readonly sealer: Sealer,
  ) {}

  onModuleInit(): void {
    this.maintenance.whenSealingKeysRetire(() => this.sealAnew());
  }

  register(...kept: KeptSecret[]): void {
    this.kept.push(...kept);
  }

  /** Returns once nothing rests under another key than the newest. What no key opens stays as it is. */
  private async sealAnew(): Promise<void> {
    for (const secret of this.kept) await this.sealTable(secret);
  }

  private async sealTable(secret: KeptSecret): Promise<void> {
    let lost = 0;
    for (let after: string | undefined = '', batch = BATCH; batch === BATCH;) {
      const done: { readonly rows: number; readonly lost: number; readonly last: string | undefined } =
        await this.transactions.run((tx) => this.sealBatch(tx, secret, after ?? ''));
      batch = done.rows;
      lost += done.lost;
      after = done.last;
    }
    if (lost > 0) this.logger.warn(`${lost} values in ${secret.table} open with no key`);
  }

  private async sealBatch(
    tx: Tx,
    { find, replace, purpose }: KeptSecret,
    after: string,
  ): Promise<{ readonly rows: number; readonly lost: number; readonly last: string | undefined }> {
    const rows = await tx.query(find, { prefix: this.sealer.prefix, after });
    const opened = rows.flatMap((row) => {
      const value = this.sealer.openKept<object>(purpose, row.sealed);
      return value === undefined ? [] : [{ ...row, again: this.sealer.seal(purpose, value) }];
    });
    await tx.query(replace, {
      ids: opened.map((row) => row.id),
      sealed: opened.map((row) => row.sealed),
      again: opened.map((row) => row.again),
    });
    return { rows: rows.length, lost: rows.length - opened.length, last: rows.at(-1)?.id };
  }
}
