import {
  Inject,
  Injectable,
  Logger,
  Optional,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { SETTINGS, type LogoutDurability, type Settings } from '../config/settings.js';
import { PeriodicTask } from './periodic-task.js';
import { statement, type RowOf } from './statement.js';
import { warnOf } from './storage-log.js';
import { TransactionRunner } from './transaction.js';

/** Without the right to see more of it, `pg_stat_replication` has a row for each standby all the same. */
const LOOK = statement({
  name: 'database_replication',
  row: { standbys: 'int', synchronous: 'boolean', level: 'text' },
  text: `
    SELECT (SELECT count(*) FROM pg_catalog.pg_stat_replication)::int AS standbys,
           current_setting('synchronous_standby_names') <> '' AS synchronous,
           current_setting('synchronous_commit') AS level`,
});
const INTERVAL_MS = 60_000;

/** How the cluster replicates, as the primary says. */
export type ReplicationState = RowOf<typeof LOOK>;

/**
 * Looks at the start and each minute how the cluster replicates, and says in the log what a failover can undo. Once, and
 * again when that has changed.
 */
@Injectable()
export class Replication implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(Replication.name);
  private readonly durability: LogoutDurability | undefined;
  private readonly task = new PeriodicTask(
    () => this.look(),
    (error) => warnOf(this.logger, 'how the cluster replicates is not known', error),
  );
  private said: string | undefined;
  private seen: ReplicationState | undefined;

  constructor(
    private readonly transactions: TransactionRunner,
    @Optional() @Inject(SETTINGS) settings?: Pick<Settings, 'logoutDurability'>,
  ) {
    this.durability = settings?.logoutDurability;
  }

  onApplicationBootstrap(): void {
    this.task.start(INTERVAL_MS);
    this.task.runSoon();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.task.stop();
  }

  /** What the last look saw; undefined: there was none yet. */
  get state(): ReplicationState | undefined {
    return this.seen;
  }

  /** Whether an answer "it is over" waits for a standby. */
  get waits(): boolean {
    return this.seen !== undefined && waits(this.seen, this.durability);
  }

  /** Looks now. */
  async look(): Promise<void> {
    [this.seen] = await this.transactions.query(LOOK, {});
    const words = this.seen === undefined ? undefined : lossOf(this.seen, this.durability);
    if (words === this.said) return;
    if (words !== undefined) this.logger.warn(words);
    else this.logger.log('an answered logout waits for a standby again');
    this.said = words;
  }
}

function waits({ synchronous, level }: ReplicationState, durability: LogoutDurability | undefined): boolean {
  if (!synchronous || durability === 'local') return false;
  return durability === 'replicated' || !/^(off|local)$/.test(level);
}

/**
 * What a failover can undo, for the log; undefined: nothing, there is no standby, or it is so by choice (`local`).
 */
export function lossOf(state: ReplicationState, durability: LogoutDurability | undefined): string | undefined {
  if (durability === 'local' || waits(state, durability)) return undefined;
  if (durability === 'replicated')
    return (
      'LOGOUT_DURABILITY=replicated cannot be kept: Postgres waits for no standby (synchronous_standby_names is empty), ' +
      'so a failover can undo a logout that was answered. Set it (Patroni: synchronous_mode, and synchronous_mode_strict ' +
      'so that it is not emptied when no standby is left).'
    );
  if (state.standbys === 0) return undefined;
  return state.synchronous
    ? `A failover can undo a logout that was answered: synchronous_commit is ${state.level}. Set LOGOUT_DURABILITY=replicated.`
    : 'A failover can undo a logout that was answered: the primary waits for none of its standbys. Set ' +
        'synchronous_standby_names (Patroni: synchronous_mode) and LOGOUT_DURABILITY=replicated, or LOGOUT_DURABILITY=local ' +
        'if that is meant.';
}
