import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { PeriodicTask } from './periodic-task.js';
import { warnOf } from './storage-log.js';
import { codeOf } from './storage-errors.js';
import { TransactionRunner } from './transaction.js';

/** What a module no longer needs: rows of one table whose time has passed. */
export interface RetentionRule {
  readonly table: string;
  readonly key: string;
  /** SQL condition; `$1` is the moment `keepMs` ago. */
  readonly condition: string;
  readonly keepMs: number;
  /**
   * For rows that others are counted by: the whole statement, which removes at most `$2` rows and returns one for each.
   * Then `key` and `condition` say what it does, for people.
   */
  readonly statement?: string;
  /**
   * What would go along with rows of another rule: it goes first, so that no row of that rule drags thousands with it.
   */
  readonly first?: true;
}

export const RETENTION_INTERVAL_MS = Symbol('RETENTION_INTERVAL_MS');
const BATCH = 1000;
const LOCK = 0x65786576;

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
    private readonly clock: Clock,
    @Inject(RETENTION_INTERVAL_MS) private readonly intervalMs: number,
  ) {}

  register(...rules: RetentionRule[]): void {
    this.rules.push(...rules);
    this.rules.sort((a, b) => Number(b.first ?? false) - Number(a.first ?? false));
  }

  /** Called for each run of a rule that failed, with its table. */
  whenFailed(listener: (table: string) => void): void {
    this.failureListeners.push(listener);
  }

  onApplicationBootstrap(): void {
    this.task.start(this.intervalMs);
  }

  onApplicationShutdown(): Promise<void> {
    return this.task.stop();
  }

  /**
   * One pass over every rule. A rule that fails is counted and left for the next pass; the others continue, since what
   * they remove would otherwise stay for as long as that one fails. Returns how many rows left.
   */
  async sweep(): Promise<number> {
    let removed = 0;
    const failures: string[] = [];
    for (const rule of this.rules) {
      if (this.task.stopping) break;
      try {
        for (let batch = BATCH; batch === BATCH && !this.task.stopping;) {
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

  private async removeBatch(rule: RetentionRule): Promise<number> {
    const before = new Date(this.clock.now().getTime() - rule.keepMs);
    return this.transactions.run(async (tx) => {
      const [lock] = (await tx.manager.query('SELECT pg_try_advisory_xact_lock($1) AS mine', [LOCK])) as {
        mine: boolean;
      }[];
      if (lock?.mine !== true) return 0;
      if (rule.statement !== undefined)
        return (await tx.manager.query<unknown[]>(rule.statement, [before, BATCH])).length;
      const rows = (await tx.manager.query(
        `WITH due AS (SELECT ${rule.key} FROM ${rule.table} WHERE ${rule.condition} LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)
         DELETE FROM ${rule.table} WHERE (${rule.key}) IN (SELECT ${rule.key} FROM due) RETURNING 1`,
        [before],
      )) as [unknown[], number];
      return rows[1];
    });
  }
}
