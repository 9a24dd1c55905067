import { mkdtempSync, rmSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { startEmbeddedPostgres } from '../src/platform/database/embedded/embedded-postgres.js';
import { migrate } from '../src/platform/database/migrate.js';
import { partition } from './support/partitions.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Of the run's own cluster, database `template_exeunt`. */
    templateUrl: string;
    /** Of each table of a person; 0: they are plain tables. */
    partitions: number;
  }
}

/** One throwaway cluster for the whole run, with a migrated template that each test's database is copied from. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = mkdtempSync(join(tmpdir(), 'exeunt-test-'));
  chmodSync(dataDir, 0o755);
  const postgres = await startEmbeddedPostgres({
    dataDir,
    throwaway: true,
    database: 'template_exeunt',
    maxConnections: 300,
  });
  await migrate(postgres.url);
  const partitions = Number(process.env.TEST_PARTITIONS ?? 0);
  if (partitions > 0) await partition(postgres.url, partitions);
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  await client.query('CREATE DATABASE maintenance');
  await client.end();
  project.provide('templateUrl', postgres.url);
  project.provide('partitions', partitions);
  return async () => {
    await postgres.stop();
    rmSync(dataDir, { recursive: true, force: true });
  };
}
