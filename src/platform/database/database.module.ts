import { Global, Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { SETTINGS, type Settings } from '../config/settings.js';
import { ChangeFeed } from './change-feed.js';
import { Clock } from '../clock/clock.js';
import { dataSourceOptions } from './data-source-options.js';
import { DatabaseTime } from './database-time.js';
import { DayPartitions } from './day-partitions.js';
import { Readiness } from './readiness.js';
import { Replication } from './replication.js';
import { Retention, RETENTION_INTERVAL_MS } from './retention.js';
import { TransactionRunner } from './transaction.js';

type EntityClass = abstract new (...args: never[]) => unknown;

/** The one data source, opened at start on a schema that is already migrated (`migrate`), closed last. */
@Global()
@Module({})
export class DatabaseModule implements OnApplicationShutdown {
  constructor(
    @Inject(DataSource) private readonly dataSource: DataSource,
    private readonly transactions: TransactionRunner,
  ) {}

  static with(entities: readonly EntityClass[]): DynamicModule {
    return {
      module: DatabaseModule,
      providers: [
        {
          provide: DataSource,
          inject: [SETTINGS],
          useFactory: (settings: Settings) => {
            if (settings.databaseUrl === undefined)
              throw new Error('the database must be started before the application');
            return new DataSource(
              dataSourceOptions(settings.databaseUrl, settings.databasePoolSize, entities, {
                pooled: settings.databaseDirectUrl !== undefined,
              }),
            ).initialize();
          },
        },
        { provide: RETENTION_INTERVAL_MS, useValue: 60_000 },
        Clock,
        TransactionRunner,
        {
          // Made before any module begins its work, which dates what it writes.
          provide: DatabaseTime,
          inject: [TransactionRunner, Clock, ChangeFeed],
          useFactory: (transactions: TransactionRunner, clock: Clock, changes: ChangeFeed) =>
            DatabaseTime.start(transactions, clock, changes),
        },
        ChangeFeed,
        Readiness,
        DayPartitions,
        Retention,
        Replication,
      ],
      exports: [DataSource, Clock, DatabaseTime, TransactionRunner, ChangeFeed, Readiness, Retention, Replication],
    };
  }

  /** Nest runs this hook for dependents first, so nothing uses the pool any more. */
  async onApplicationShutdown(): Promise<void> {
    await this.transactions.finish();
    if (this.dataSource.isInitialized) await this.dataSource.destroy();
  }
}
