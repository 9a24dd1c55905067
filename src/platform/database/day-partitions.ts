import { Injectable, Logger } from '@nestjs/common';
import { DAY } from '../clock/durations.js';
import { firstIdOf } from '../clock/time-ordered-id.js';
import { statement, type Statement } from './statement.js';
import { codeOf, sqlState } from './storage-errors.js';
import { TransactionRunner, type Tx } from './transaction.js';

/** How a table is kept by day. */
export interface KeptByDay {
  /** What says the day of a row: an id of version 7 (`timeOrderedId`), or a time. It is in the primary key. */
  readonly by: 'id' | 'time';
  /** Whether something in the days from `:from` to `:to` has to stay, or hangs on what is in them; undefined: never. */
  readonly held?: Statement<{ readonly from: Date; readonly to: Date }, { readonly held: boolean }>;
}

/** A partition, and the moment at which it ends. */
interface Partition {
  readonly name: string;
  readonly from: Date;
  readonly to: Date;
}

/** Partitions are there so many days before their first row. */
const AHEAD = 3;
/** Of the advisory lock under which one node makes and drops days, "exed" in ASCII. */
const LOCK = 0x65786564;

const TRY_LOCK = statement({
  name: 'days_try_lock',
  parameters: { lock: 'bigint' },
  row: { mine: 'boolean' },
  text: 'SELECT pg_try_advisory_xact_lock(:lock) AS mine',
});

/** The bounds as Postgres writes them, of all partitions but the one for what has no day. */
const PARTITIONS = statement({
  name: 'days_partitions',
  parameters: { table: 'text' },
  row: { name: 'text', bounds: 'text' },
  text: `
    SELECT c.relname::text AS name, pg_get_expr(c.relpartbound, c.oid) AS bounds
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = to_regclass(quote_ident(:table)) AND pg_get_expr(c.relpartbound, c.oid) <> 'DEFAULT'`,
});

/** SQL for the least id of version 7 that was made at the moment `moment` or later; as `firstIdOf`. */
export function firstIdAt(moment: string): string {
  return `(lpad(to_hex((extract(epoch FROM ${moment}) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid`;
}

/** The midnight, in UTC, that is not after `moment`. */
export function startOfDay(moment: Date): Date {
  return new Date(Math.floor(moment.getTime() / DAY) * DAY);
}

/**
 * Tables whose rows go by the day: each day is a partition, made ahead and dropped as a whole, which costs the same however
 * much is in it (docs/decisions/0055-the-ledger-by-day.md). What no day was made for lies in the default partition.
 *
 * Days are those of our clock, as the ids and times of the rows are. No lock is waited for longer than a moment: what cannot be
 * done now is done by the next pass.
 */
@Injectable()
export class DayPartitions {
  private readonly logger = new Logger(DayPartitions.name);
  private readonly tables = new Map<string, KeptByDay>();
  /** Days that could not be made, so that it is said once. */
  private readonly missing = new Set<string>();

  constructor(private readonly transactions: TransactionRunner) {}

  register(table: string, kept: KeptByDay): void {
    this.tables.set(table, kept);
  }

  /** Makes today and the next days of every table, where they are missing. What fails is logged, and rows go to the default. */
  async makeAhead(now: Date): Promise<void> {
    for (const [table, kept] of this.tables) {
      const there = await this.partitionsOf(table);
      for (let n = 0; n <= AHEAD; n += 1) {
        const from = new Date(startOfDay(now).getTime() + n * DAY);
        if (there.some((partition) => partition.from <= from && partition.to > from)) continue;
        await this.make(table, kept, from);
      }
    }
  }

  /**
   * Drops the days of `table` that end at `before` or earlier and in which nothing has to stay, the oldest first.
   * @returns how many
   */
  async dropBefore(table: string, before: Date): Promise<number> {
    let dropped = 0;
    for (const partition of await this.partitionsOf(table)) {
      if (partition.to <= before && (await this.drop(table, partition))) dropped += 1;
    }
    return dropped;
  }

  /** The oldest first. */
  private async partitionsOf(table: string): Promise<Partition[]> {
    const rows = await this.transactions.query(PARTITIONS, { table });
    return rows.map(toPartition).sort((a, b) => a.to.getTime() - b.to.getTime());
  }

  private async make(table: string, { by }: KeptByDay, from: Date): Promise<void> {
    const day = from.toISOString().slice(0, 10);
    const name = `${table}_${day.replaceAll('-', '')}`;
    const bound = (moment: Date): string => (by === 'id' ? firstIdOf(moment) : moment.toISOString());
    try {
      await this.alone(async (tx) => {
        await tx.manager.query(`CREATE TABLE "${name}" (LIKE "${table}" INCLUDING DEFAULTS INCLUDING CONSTRAINTS)`);
        await tx.manager.query(
          `ALTER TABLE "${table}" ATTACH PARTITION "${name}"
             FOR VALUES FROM ('${bound(from)}') TO ('${bound(new Date(from.getTime() + DAY))}')`,
        );
      });
    } catch (error) {
      if (isBusy(error) || this.missing.has(name)) return;
      this.missing.add(name);
      this.logger.warn(`${table} has no partition for ${day}, its rows go to the default one: ${codeOf(error)}`);
    }
  }

  private async drop(table: string, { name, from, to }: Partition): Promise<boolean> {
    const { held } = this.tables.get(table) ?? {};
    try {
      return await this.alone(async (tx) => {
        const [row] = held === undefined ? [] : await tx.query(held, { from, to });
        if (row?.held === true) return false;
        await tx.manager.query(`DROP TABLE "${name}"`);
        return true;
      });
    } catch (error) {
      if (isBusy(error)) return false;
      throw error;
    }
  }

  /** One node at a time; false when another one is at it. */
  private alone(work: (tx: Tx) => Promise<boolean | void>): Promise<boolean> {
    return this.transactions.run(async (tx) => {
      const [lock] = await tx.query(TRY_LOCK, { lock: LOCK });
      if (lock?.mine !== true) return false;
      // A write to the table waits behind this lock.
      await tx.manager.query(`SET LOCAL lock_timeout = '250ms'`);
      return (await work(tx)) !== false;
    });
  }
}

/** `lock_not_available`: others are at work, and this can wait. */
function isBusy(error: unknown): boolean {
  return sqlState(error) === '55P03';
}

/** `FOR VALUES FROM ('…') TO ('…')`, or `FROM (MINVALUE)`. */
function toPartition({ name, bounds }: { readonly name: string; readonly bounds: string }): Partition {
  const [, from, to] = /FROM \((.*)\) TO \((.*)\)/.exec(bounds) ?? [];
  return { name, from: momentOf(from) ?? new Date(0), to: momentOf(to) ?? new Date(8.64e15) };
}

function momentOf(bound: string | undefined): Date | undefined {
  const text = bound?.replaceAll("'", '') ?? 'MINVALUE';
  if (/^M(?:IN|AX)VALUE$/.test(text)) return undefined;
  const isId = /^[0-9a-f]{8}-[0-9a-f]{4}-/.test(text);
  return new Date(isId ? Number.parseInt(text.slice(0, 8) + text.slice(9, 13), 16) : text);
}
