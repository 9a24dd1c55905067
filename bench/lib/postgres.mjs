import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../dist/src/platform/database/embedded/embedded-postgres.js';

/**
 * One durable Postgres for everything that is measured: the server at DATABASE_URL, whose role must be allowed to make
 * databases, or a new embedded one. `settings` are its own, such as `shared_preload_libraries` (embedded only).
 */
export async function startPostgres({ settings = {}, dataDir } = {}) {
  if (process.env.DATABASE_URL !== undefined) return serverAt(process.env.DATABASE_URL, async () => undefined);
  const place = dataDir ?? mkdtempSync(join(tmpdir(), 'exeunt-bench-'));
  const keep = dataDir !== undefined;
  if (!keep) chmodSync(place, 0o755);
  let postgres = await startEmbeddedPostgres({ dataDir: place });
  if (Object.keys(settings).length > 0) {
    await alterSystem(postgres.url, settings);
    await postgres.stop();
    postgres = await startEmbeddedPostgres({ dataDir: place });
  }
  return serverAt(postgres.url, async () => {
    await postgres.stop();
    if (!keep && existsSync(place)) rmSync(place, { recursive: true, force: true });
  });
}

async function alterSystem(url, settings) {
  const client = await connect(url);
  for (const [name, value] of Object.entries(settings))
    await client.query(`ALTER SYSTEM SET ${name} = ${typeof value === 'number' ? value : `'${value}'`}`);
  await client.end();
}

async function serverAt(url, stop) {
  const admin = await connect(urlOf(url, 'postgres'));
  const made = [];
  try {
    await requireDurable(admin);
  } catch (error) {
    await admin.end();
    await stop();
    throw error;
  }
  return {
    admin,
    version: (await admin.query('SHOW server_version')).rows[0].server_version,
    urlOf: (database) => urlOf(url, database),
    connect: (database) => connect(urlOf(url, database)),
    async create(database) {
      await admin.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
      await admin.query(`CREATE DATABASE ${database}`);
      made.push(database);
      return urlOf(url, database);
    },
    async analyze(database) {
      const client = await connect(urlOf(url, database));
      await client.query('ANALYZE');
      await client.end();
    },
    async stop({ keep = false } = {}) {
      if (!keep) for (const database of made) await admin.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
      await admin.end();
      await stop();
    },
  };
}

async function connect(url) {
  const client = new pg.Client({ connectionString: url, application_name: 'bench' });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function requireDurable(client) {
  for (const name of ['fsync', 'synchronous_commit', 'full_page_writes']) {
    const value = (await client.query(`SHOW ${name}`)).rows[0][name];
    if (value !== 'on') throw new Error(`${name} is ${value}: compare with durable commits, or not at all`);
  }
}

function urlOf(url, database) {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}
