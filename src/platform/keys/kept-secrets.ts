import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { TransactionRunner, type Tx } from '../database/transaction.js';
import { KeyMaintenance } from './key-maintenance.js';
import { Sealer } from './sealer.js';

/** Sealed values that rest in a table: where, and for what purpose. */
export interface KeptSecret {
  readonly table: string;
  /** Columns that together name a row. */
  readonly key: readonly string[];
  readonly column: string;
  readonly purpose: string;
}

const BATCH = 500;

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
    { table, key, column, purpose }: KeptSecret,
    after: string,
  ): Promise<{ readonly rows: number; readonly lost: number; readonly last: string | undefined }> {
    // One text for a key of several columns, which is compared and nothing else.
    const id = `concat_ws(E'\\n', ${key.map((name) => `t.${name}`).join(', ')})`;
    const rows = await tx.manager.query<{ id: string; sealed: string }[]>(
      `SELECT ${id} AS id, t.${column} AS sealed FROM ${table} t
        WHERE t.${column} IS NOT NULL AND NOT starts_with(t.${column}, $1) AND ${id} > $2 ORDER BY 1 LIMIT ${BATCH} FOR UPDATE`,
      [this.sealer.prefix, after],
    );
    const anew = rows.flatMap((row) => {
      const value = this.sealer.openKept<object>(purpose, row.sealed);
      return value === undefined ? [] : [{ ...row, anew: this.sealer.seal(purpose, value) }];
    });
    await tx.manager.query(
      `UPDATE ${table} t SET ${column} = x.anew FROM unnest($1::text[], $2::text[], $3::text[]) AS x(id, sealed, anew)
        WHERE ${id} = x.id AND t.${column} = x.sealed`,
      [anew.map((row) => row.id), anew.map((row) => row.sealed), anew.map((row) => row.anew)],
    );
    return { rows: rows.length, lost: rows.length - anew.length, last: rows.at(-1)?.id };
  }
}
