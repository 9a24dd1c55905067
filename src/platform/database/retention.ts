import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { DayPartitions, startOfDay, type KeptByDay } from './day-partitions.js';
import { PeriodicTask } from './periodic-task.js';
import { limitAlongIndex } from './sql-text.js';
import { statement, type Statement } from './statement.js';
import { warnOf } from './storage-log.js';
import { codeOf } from './storage-errors.js';
import { TransactionRunner } from './transaction.js';

/** Rows of one table whose time has passed. */
export interface ExpiredRows {
  readonly table: string;
  /** Removes at most {@link RETENTION_BATCH} of them and returns a row for each. */
  readonly removal: Statement<{ readonly before: Date }, unknown>;
}

/** What a module no longer needs. */
export interface RetentionRule extends ExpiredRows {
  /** `:before` is the moment that long ago. */
  readonly keepMs: number;
  /** What would go along with rows of another rule: it goes first, so that no row of that rule drags thousands with it. */
  readonly first?: true;
  /**
   * The table is kept by day: whole days are dropped, and the removal is for what lies in no day of its own. `:before` is a
   * midnight, in UTC.
   */
  readonly byDay?: KeptByDay;
}

/** As many rows are removed in one transaction. */
export const RETENTION_BATCH = 1000;

/**
 * The rows of `table` for which `condition` holds, which may ask `:before`. Locked ones are left for the next pass.
 * @param key the columns of the primary key
 * @param along what an index has in order, from the oldest on, so that a pass in which nothing is due reads where that index
 *   begins and no more (docs/decisions/0057-nothing-an-operator-does-grows.md)
 */
export function expiredRows(rows: {
  readonly name: string;
  readonly table: string;
  readonly key: string;
  readonly condition: string;
  readonly along: string;
}): ExpiredRows {
  const { name, table, key, condition, along } = rows;
  return {
    table,
    removal: statement({
      name,
      parameters: { before: 'timestamptz' },
      row: { removed: 'int' },
      // A plan for any moment would expect every third row to have expired.
      plannedAnew: true,
      // In an order, since the table would otherwise be read from its beginning until enough have been found.
      text: `
        WITH due AS (
          SELECT ${key} FROM ${table} WHERE ${condition} ORDER BY ${along} ${limitAlongIndex(String(RETENTION_BATCH))} FOR UPDATE SKIP LOCKED
        )
        DELETE FROM ${table} WHERE ${isAmongDue(key)} RETURNING 1 AS removed`,
    }),
  };
}

/** The row is one of the CTE `due`: by its key, and the first column as an array, so that the table is never read through. */
function isAmongDue(key: string): string {
  const [first = key] = key.split(',');
  return `${first} = ANY (ARRAY(SELECT ${first} FROM due)) AND (${key}) IN (SELECT ${key} FROM due)`;
}

/**
 * The rows of `table` that hang on one of `owners`, which are about to go: in batches of their own, so that no owner's row
 * takes any number of them along in one delete.
 * @param key the columns of the primary key
 * @param owner the column by which a row names its owner; an index begins with it
 * @param owners a relation with that column, such as `clientsToBeRemoved(':before')`
 */
export function dependentRows(rows: {
  readonly name: string;
  readonly table: string;
  readonly key: string;
  readonly owner: string;
  readonly owners: string;
}): ExpiredRows {
  const { name, table, key, owner, owners } = rows;
  return {
    table,
    removal: statement({
      name,
      parameters: { before: 'timestamptz' },
      row: { removed: 'int' },
      plannedAnew: true,
      text: `
        WITH due AS (
          SELECT d.* FROM ${owners} o
           CROSS JOIN LATERAL (
             SELECT ${key} FROM ${table} x WHERE x.${owner} = o.${owner} LIMIT ${RETENTION_BATCH} FOR UPDATE SKIP LOCKED
           ) d LIMIT ${RETENTION_BATCH}
        )
        DELETE FROM ${table} WHERE ${isAmongDue(key)} RETURNING 1 AS removed`,
    }),
  };
}

/**
 * The rows of `table`, which is kept by day along `key`, that are from before `bound` and in no day of their own that was
 * dropped: those of the default partition, of the partition that a migration left, and of days in which something has to
 * stay. By values of the key, so that the table is never read through.
 * @param bound in the terms of the key; it may ask `:before`
 * @param condition of the row `x`
 */
export function rowsWithoutDay(rows: {
  readonly name: string;
  readonly table: string;
  readonly key: string;
  readonly bound: string;
  readonly condition?: string;
}): ExpiredRows {
  const { name, table, key, bound, condition = 'true' } = rows;
  return {
    table,
    removal: statement({
      name,
      parameters: { before: 'timestamptz' },
      row: { removed: 'int' },
      plannedAnew: true,
      text: `
        DELETE FROM ${table} WHERE ${key} < ${bound} AND ${key} = ANY(ARRAY(
          SELECT x.${key} FROM ${table} x WHERE x.${key} < ${bound} AND ${condition} ORDER BY x.${key} LIMIT ${RETENTION_BATCH}))
        RETURNING 1 AS removed`,
    }),
  };
}

export const RETENTION_INTERVAL_MS = Symbol('RETENTION_INTERVAL_MS');
/** Of the advisory lock under which one node removes, "exev" in ASCII. */
const LOCK = 0x65786576;
const TRY_LOCK = statement({
  name: 'retention_try_lock',
  parameters: { lock: 'bigint' },
  row: { mine: 'boolean' },
  text: 'SELECT pg_try_advisory_xact_lock(:lock) AS mine',
});

/**
 * Removes expired rows in small batches, one node at a time, so that no single delete holds the database
 * (docs/threat-model.md#rows-never-go). Each module registers its own rules; this one knows no table.
 */
@Injectable()
export class Retention implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(Retention.name);
  private readonly rules: RetentionRule[] = [];
  private readonly failureListeners: ((table: string) => void)[] = [];
  private readonly task = new PeriodicTask(
    () => this.sweep(),
    (error) => warnOf(this.logger, 'retention failed', error),
  );

  constructor(
    private readonly transactions: TransactionRunner,
    private readonly days: DayPartitions,
    private readonly clock: Clock,
    @Inject(RETENTION_INTERVAL_MS) private readonly intervalMs: number,
  ) {}

  register(...rules: RetentionRule[]): void {
    this.rules.push(...rules);
    for (const { table, byDay } of rules) if (byDay !== undefined) this.days.register(table, byDay);
    this.rules.sort((a, b) => Number(b.first ?? false) - Number(a.first ?? false));
  }

  /** Called for each run of a rule that failed, with its table. */
  whenFailed(listener: (table: string) => void): void {
    this.failureListeners.push(listener);
  }

  async onApplicationBootstrap(): Promise<void> {
    if (this.intervalMs === 0) return;
    // Before the first request, so that today's rows have their day.
    await this.makeDays();
    this.task.start(this.intervalMs);
  }

  onApplicationShutdown(): Promise<void> {
    return this.task.stop();
  }

  /**
   * One pass over every rule. A rule that fails is counted and left for the next pass; the others continue, since what
   * they remove would otherwise stay for as long as that one fails. Returns how many rows left; a day counts as one.
   */
  async sweep(): Promise<number> {
    let removed = 0;
    const failures: string[] = [];
    await this.makeDays();
    for (const rule of this.rules) {
      if (this.task.stopping) break;
      try {
        if (rule.byDay !== undefined) removed += await this.days.dropBefore(rule.table, this.before(rule));
        for (let batch = RETENTION_BATCH; batch === RETENTION_BATCH && !this.task.stopping;) {
          batch = await this.removeBatch(rule);
          removed += batch;
        }
      } catch (error) {
        failures.push(`${rule.table} (${codeOf(error)})`);
        for (const listener of this.failureListeners) listener(rule.table);
      }
    }
    if (failures.length > 0) this.logger.warn(`retention failed for ${failures.join(', ')}`);
    return removed;
  }

  /** What fails here must not keep rules from running: rows go to the default partition meanwhile. */
  private async makeDays(): Promise<void> {
    try {
      await this.days.makeAhead(this.clock.now());
    } catch (error) {
      warnOf(this.logger, 'no days were made', error);
    }
  }

  private async removeBatch(rule: RetentionRule): Promise<number> {
    const before = this.before(rule);
    return this.transactions.run(async (tx) => {
      const [lock] = await tx.query(TRY_LOCK, { lock: LOCK });
      if (lock?.mine !== true) return 0;
      return (await tx.query(rule.removal, { before })).length;
    });
  }

  private before({ keepMs, byDay }: RetentionRule): Date {
    const before = this.clock.in(-keepMs);
    return byDay === undefined ? before : startOfDay(before);
  }
}
