import { chownSync, cpSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import {
  startEmbeddedPostgres,
  type EmbeddedPostgres,
} from '../../src/platform/database/embedded/embedded-postgres.js';
import { postgresAccount } from '../../src/platform/database/embedded/unprivileged-account.js';
import { waitUntil } from '../../src/platform/database/embedded/processes.js';
import { migrate } from '../../src/platform/database/migrate.js';
import { aDataDirectory, remove } from '../start/service.js';
import type { TestDatabase } from './database.js';

const OPTIONS = { throwaway: true, maxConnections: 60 };
const STANDBY = 'pair';

/** A primary with the schema, and a standby that replicates it: two real clusters. */
export class Pair {
  private stopped: number | undefined;

  private constructor(
    private readonly directory: string,
    readonly primary: EmbeddedPostgres,
    readonly standby: EmbeddedPostgres,
    /** The primary as a test's database. */
    readonly db: TestDatabase,
  ) {}

  static async start(): Promise<Pair> {
    const directory = aDataDirectory();
    const at = (name: string): string => join(directory, name);
    const first = await startEmbeddedPostgres({ dataDir: at('primary'), ...OPTIONS });
    await migrate(first.url);
    await first.stop();
    cpSync(at('primary'), at('standby'), {
      recursive: true,
      preserveTimestamps: true,
      filter: (path) => !/sockets|owner|starting/.test(path),
    });
    const { searchParams } = new URL(first.url);
    const lines = `primary_conninfo = 'host=${searchParams.get('host')} port=5432 user=exeunt application_name=${STANDBY}'\n`;
    writeFileSync(at('standby/postgres/postgresql.auto.conf'), lines);
    writeFileSync(at('standby/postgres/standby.signal'), '');
    own(at('standby'));
    const primary = await startEmbeddedPostgres({ dataDir: at('primary'), ...OPTIONS });
    const standby = await startEmbeddedPostgres({ dataDir: at('standby'), ...OPTIONS });
    const pair = new Pair(directory, primary, standby, databaseOf(primary.url));
    await until(async () => (await pair.standbys()).join() === 'streaming', 'the standby receives nothing');
    return pair;
  }

  async stop(): Promise<void> {
    this.answer();
    await this.db.drop();
    await Promise.all([this.primary.stop(), this.standby.stop()]);
    remove(this.directory);
  }

  /** The primary waits for the standby; or, with false, for nobody. */
  async synchronous(on: boolean): Promise<void> {
    await this.db.query(`ALTER SYSTEM SET synchronous_standby_names = '${on ? STANDBY : ''}'`);
    await this.db.query('SELECT pg_reload_conf()');
    await until(async () => {
      const [row] = await this.db.query<{ sync_state: string }>('SELECT sync_state FROM pg_stat_replication');
      return row?.sync_state === (on ? 'sync' : 'async');
    }, 'the primary did not take the setting');
  }

  /** The standby receives nothing any more, and says nothing. */
  async silence(): Promise<void> {
    const standby = new pg.Client({ connectionString: this.standby.url });
    await standby.connect();
    const { rows } = await standby.query<{ pid: number }>('SELECT pid FROM pg_stat_wal_receiver');
    await standby.end();
    this.stopped = rows[0]?.pid;
    if (this.stopped === undefined) throw new Error('the standby receives nothing');
    process.kill(this.stopped, 'SIGSTOP');
  }

  answer(): void {
    if (this.stopped !== undefined) process.kill(this.stopped, 'SIGCONT');
    this.stopped = undefined;
  }

  /** The processes of the primary that wait for the standby. */
  async waiting(): Promise<number[]> {
    const rows = await this.db.query<{ pid: number }>(`SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'`);
    return rows.map(({ pid }) => pid);
  }

  private async standbys(): Promise<string[]> {
    return (await this.db.query<{ state: string }>('SELECT state FROM pg_stat_replication')).map(({ state }) => state);
  }
}

async function until(holds: () => Promise<boolean>, otherwise: string): Promise<void> {
  if (!(await waitUntil(holds, 20_000))) throw new Error(otherwise);
}

function databaseOf(url: string): TestDatabase {
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  pool.on('error', () => undefined);
  return {
    url,
    name: 'exeunt',
    query: async <Row>(sql: string, values: unknown[] = []) => (await pool.query(sql, values)).rows as Row[],
    drop: () => pool.end(),
  };
}

function own(path: string): void {
  const account = postgresAccount();
  if (account === undefined) return;
  chownSync(path, account.uid, account.gid);
  if (statSync(path).isDirectory()) for (const name of readdirSync(path)) own(join(path, name));
}
