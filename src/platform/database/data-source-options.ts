import type { DataSourceOptions } from 'typeorm';
import { LIMITS_OF_REQUESTS, prepareConnection, requirePrimary, WAIT_MS, type TimeLimits } from './connections.js';
import * as migrations from '../../../migrations/index.js';

type EntityClass = abstract new (...args: never[]) => unknown;

/** How connections are prepared. */
export interface ConnectionPlan {
  readonly limits?: TimeLimits;
  /** They end at a pooler, which lends them for a transaction each: nothing is set that would stay with one. */
  readonly pooled?: boolean;
}

/** Options of the one data source; `entities` is handed in, since this module knows no other. */
export function dataSourceOptions(
  url: string,
  poolSize: number,
  entities: readonly EntityClass[],
  { limits = LIMITS_OF_REQUESTS, pooled = false }: ConnectionPlan = {},
): DataSourceOptions {
  return {
    type: 'postgres',
    url,
    entities: [...entities],
    migrations: Object.values(migrations),
    migrationsTransactionMode: 'each',
    poolSize,
    applicationName: 'exeunt',
    // gen_random_uuid() is built in, so no extension and no right to create one is needed.
    uuidExtension: 'pgcrypto',
    installExtensions: false,
    extra: {
      connectionTimeoutMillis: WAIT_MS,
      idleTimeoutMillis: 30_000,
      onConnect: pooled ? requirePrimary : prepareConnection(limits),
      // Ours, where those limits are Postgres's own: one that has fallen silent keeps no time limit.
      query_timeout: limits.statement === 0 ? 0 : limits.statement + 5000,
    },
  };
}
