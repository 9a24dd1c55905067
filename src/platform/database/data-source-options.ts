import type { DataSourceOptions } from 'typeorm';
import { prepareConnection, WAIT_MS, type TimeLimits } from './connections.js';
import * as migrations from '../../../migrations/index.js';

type EntityClass = abstract new (...args: never[]) => unknown;

/** A statement that hangs would hold its request and its locks for ever. */
const OF_REQUESTS: TimeLimits = { statement: 15_000, lock: 5000, idleInTransaction: 30_000 };

/** Options of the one data source; `entities` is handed in, since this module knows no other. */
export function dataSourceOptions(
  url: string,
  poolSize: number,
  entities: readonly EntityClass[],
  limits: TimeLimits = OF_REQUESTS,
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
      onConnect: prepareConnection(limits),
      // Ours, where those limits are Postgres's own: one that has fallen silent keeps no time limit.
      query_timeout: limits.statement === 0 ? 0 : limits.statement + 5000,
    },
  };
}
