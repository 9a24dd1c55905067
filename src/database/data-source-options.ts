import type { DataSourceOptions } from 'typeorm';
import * as migrations from '../../migrations/index.js';

type EntityClass = abstract new (...args: never[]) => unknown;

/** Options of the one data source; `entities` is handed in, since this module knows no other. */
export function dataSourceOptions(url: string, poolSize: number, entities: readonly EntityClass[]): DataSourceOptions {
  return {
    type: 'postgres',
    url,
    entities: [...entities] as never,
    migrations: Object.values(migrations),
    migrationsTransactionMode: 'each',
    poolSize,
    applicationName: 'exeunt',
    // gen_random_uuid() is built in, so no extension and no right to create one is needed.
    uuidExtension: 'pgcrypto',
    installExtensions: false,
    extra: {
      // A request waits for a connection this long at most, then it is told that storage is away.
      connectionTimeoutMillis: 5000,
      idleTimeoutMillis: 30_000,
      // A statement that hangs would hold its request and its locks for ever.
      statement_timeout: 15_000,
      idle_in_transaction_session_timeout: 30_000,
      // Ours, where those above are Postgres's own: one that has fallen silent keeps no time limit.
      query_timeout: 20_000,
    },
  };
}
