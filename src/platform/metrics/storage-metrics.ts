import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { SECOND } from '../clock/durations.js';
import { ChangeFeed } from '../database/change-feed.js';
import { Replication } from '../database/replication.js';
import { Retention } from '../database/retention.js';
import { TransactionRunner } from '../database/transaction.js';
import { Counter, Gauge, Histogram } from 'prom-client';
import { Metrics } from './metrics.js';

/** Up to what one statement takes at most. */
const BATCH_SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 200];
const BATCH_WAIT_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5];

/** Shows what the database module knows of itself; it stands below the metrics and cannot tell them. */
@Injectable()
export class StorageMetrics implements OnModuleInit {
  constructor(
    private readonly metrics: Metrics,
    private readonly retention: Retention,
    private readonly changes: ChangeFeed,
    private readonly clock: Clock,
    private readonly transactions: TransactionRunner,
    private readonly replication: Replication,
  ) {}

  onModuleInit(): void {
    this.metrics.showChangeFeed(() => this.changes.hears);
    this.metrics.showClockOffset(() => this.clock.machineAheadMs / SECOND);
    this.metrics.showReplication(() => ({
      standbys: this.replication.state?.standbys,
      waits: this.replication.waits,
    }));
    this.retention.whenFailed((table) => this.metrics.countRetentionFailure(table));
    this.showConnections();
    this.showBatches();
  }

  /** Read when they are asked for, so they cost nothing in between. */
  private showConnections(): void {
    const registers = [this.metrics.registry];
    const connections: Gauge<'state'> = new Gauge({
      name: 'exeunt_database_connections',
      help: 'Connections of this process to Postgres: idle, or in use.',
      labelNames: ['state'],
      registers,
      collect: () => {
        const { idle, inUse } = this.transactions.connections;
        connections.set({ state: 'idle' }, idle);
        connections.set({ state: 'in_use' }, inUse);
      },
    });
    const waiting: Gauge = new Gauge({
      name: 'exeunt_database_connection_waiters',
      help: 'Callers that wait for a connection at this moment.',
      registers,
      collect: () => waiting.set(this.transactions.connections.waiting),
    });
    let counted = 0;
    const waited: Counter = new Counter({
      name: 'exeunt_database_connection_wait_seconds_total',
      help: 'For how long callers have waited for a connection, all together: for one in use, or for a new one to be opened.',
      registers,
      collect: () => {
        const { waitedSeconds } = this.transactions.connections;
        waited.inc(waitedSeconds - counted);
        counted = waitedSeconds;
      },
    });
  }

  private showBatches(): void {
    const registers = [this.metrics.registry];
    const labelNames = ['statement'] as const;
    const size = new Histogram({
      name: 'exeunt_statement_batch_size',
      help: 'How many calls went in one statement that serves many.',
      labelNames,
      buckets: BATCH_SIZES,
      registers,
    });
    const wait = new Histogram({
      name: 'exeunt_statement_batch_wait_seconds',
      help: 'For how long the first call of a batch waited for it to go.',
      labelNames,
      buckets: BATCH_WAIT_SECONDS,
      registers,
    });
    // A metric's own way to a series looks at its labels each time, which costs more than the counting.
    const series = new Map<string, (calls: number, waitedMs: number) => void>();
    this.transactions.batchListener = (statement, calls, waitedMs) => {
      let observe = series.get(statement);
      if (observe === undefined) {
        const [sizes, waits] = [size.labels({ statement }), wait.labels({ statement })];
        observe = (n, ms) => {
          sizes.observe(n);
          waits.observe(ms / 1000);
        };
        series.set(statement, observe);
      }
      observe(calls, waitedMs);
    };
    const underWay: Gauge<'statement'> = new Gauge({
      name: 'exeunt_statement_batches_under_way',
      help: 'Batches that Postgres is working on at this moment.',
      labelNames,
      registers,
      collect: () => {
        for (const { name, underWay: count } of this.transactions.batches) underWay.set({ statement: name }, count);
      },
    });
    const waiting: Gauge<'statement'> = new Gauge({
      name: 'exeunt_statement_batch_waiters',
      help: 'Calls that wait for a batch at this moment.',
      labelNames,
      registers,
      collect: () => {
        for (const { name, waiting: count } of this.transactions.batches) waiting.set({ statement: name }, count);
      },
    });
  }
}
