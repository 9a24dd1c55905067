import { DataSource } from 'typeorm';
import { dataSourceOptions } from './data-source-options.js';

/** The number of the advisory lock, "exeu" in ASCII. */
const MIGRATION_LOCK = 0x65786575;

/**
 * Brings the schema up to date. Safe when several nodes start at once: TypeORM takes no lock of its own, so one
 * advisory lock is held around the whole of it. Returns the names of the migrations that ran.
 * @param url of Postgres itself: the lock belongs to a session
 */
export async function migrate(url: string): Promise<string[]> {
  // An index on a large table, or the wait for another node's migrations, may take longer than a request may.
  const dataSource = new DataSource(
    dataSourceOptions(url, 2, [], { limits: { statement: 0, lock: 0, idleInTransaction: 0 } }),
  );
  await dataSource.initialize();
  try {
    const runner = dataSource.createQueryRunner();
    await runner.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    try {
      return (await dataSource.runMigrations()).map((migration) => migration.name);
    } finally {
      await runner.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK]);
      await runner.release();
    }
  } finally {
    await dataSource.destroy();
  }
}
