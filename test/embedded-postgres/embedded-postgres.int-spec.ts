import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import {
  startEmbeddedPostgres,
  type EmbeddedPostgres,
} from '../../src/platform/database/embedded/embedded-postgres.js';
import { isAlive, isTaken, waitUntil } from '../../src/platform/database/embedded/processes.js';
import { aDataDirectory, buildOnce, remove } from '../start/service.js';

vi.setConfig({ testTimeout: 60_000 });

const IS_ROOT = process.getuid?.() === 0;
const NOBODY = 65534;

async function query<Row = Record<string, unknown>>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(sql)).rows as Row[];
  } finally {
    await client.end();
  }
}

interface Owner {
  readonly process: ChildProcess;
  readonly url: string;
  readonly pid: number;
}

/** Another process of Node that has a Postgres in this directory. */
async function anOwner(
  dataDir: string,
  options: { readonly uid?: number; readonly umask?: string } = {},
): Promise<Owner> {
  const { uid, umask } = options;
  const script = join(import.meta.dirname, 'owner.mjs');
  const child = spawn(process.execPath, [script, dataDir, ...(umask === undefined ? [] : [umask])], {
    stdio: ['pipe', 'pipe', 'inherit'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  const [line] = (await Promise.race([
    once(child.stdout, 'data'),
    once(child, 'exit').then(() => Promise.reject(new Error('the owner ended'))),
  ])) as [Buffer];
  return { process: child, ...(JSON.parse(line.toString()) as { url: string; pid: number }) };
}

async function end(owner: Owner): Promise<void> {
  const ended = once(owner.process, 'exit');
  owner.process.stdin?.end();
  await ended;
}

describe('the embedded Postgres', () => {
  let dataDir: string;
  const started: EmbeddedPostgres[] = [];

  beforeAll(buildOnce);
  beforeEach(() => {
    dataDir = aDataDirectory();
  });
  afterEach(async () => {
    for (const postgres of started.splice(0)) await postgres.stop();
    remove(dataDir);
  });

  async function start(directory = dataDir, throwaway = true): Promise<EmbeddedPostgres> {
    const postgres = await startEmbeddedPostgres({ dataDir: directory, throwaway });
    started.push(postgres);
    return postgres;
  }

  it('listens on a private socket only, and keeps the data for the next start', async () => {
    const first = await start();
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS n');
    expect(await query(first.url, 'SHOW listen_addresses')).toEqual([{ listen_addresses: '' }]);
    for (const directory of ['postgres', 'sockets']) expect(statSync(join(dataDir, directory)).mode & 0o077).toBe(0);
    await first.stop();
    expect(isAlive(first.pid)).toBe(false);
    const second = await start();
    expect(await query(second.url, 'SELECT n FROM kept')).toEqual([{ n: 42 }]);
  });

  it('writes that it started to its log, and no value of a statement that it refused', async () => {
    const postgres = await start();
    const { url } = postgres;
    await query(url, 'CREATE TABLE people (login text PRIMARY KEY, claims jsonb)');
    await query(url, `INSERT INTO people VALUES ('mia@example.com', '{}')`);
    for (const refused of [
      `INSERT INTO people VALUES ('mia@example.com', '{}')`,
      `SELECT 'typed-by-mistake'::uuid`,
      `INSERT INTO people VALUES ('otto@example.com', '{"name":"half \\ud83d"}')`,
      `DO $$ BEGIN RAISE EXCEPTION 'it was otto@example.com'; END $$`,
    ])
      await expect(query(url, refused)).rejects.toThrow();
    await postgres.stop();
    const log = readFileSync(join(dataDir, 'postgres.log'), 'utf8');
    expect(log).toContain('ready to accept connections');
    expect(log).not.toMatch(/mia@|otto@|typed-by-mistake|half|INSERT/);
  });

  it('goes on with the data after kill -9 of Postgres while it writes', async () => {
    const first = await start(dataDir, false);
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS n');
    const writing = query(first.url, 'CREATE TABLE big AS SELECT generate_series(1, 20000000)').catch(() => 'cut off');
    await waitUntil(
      async () => (await query(first.url, `SELECT 1 FROM pg_stat_activity WHERE query LIKE '%big%'`)).length > 1,
      5000,
    );
    process.kill(first.pid, 'SIGKILL');
    const second = await start(dataDir, false);
    expect(second.pid).not.toBe(first.pid);
    expect(await query(second.url, 'SELECT n FROM kept')).toEqual([{ n: 42 }]);
    expect(await writing).toBe('cut off');
  });

  it('takes over the Postgres of an owner that was killed with -9, and stops it in the end', async () => {
    const owner = await anOwner(dataDir);
    await query(owner.url, 'CREATE TABLE kept AS SELECT 42 AS n');
    const ended = once(owner.process, 'exit');
    owner.process.kill('SIGKILL');
    await ended;
    expect(isAlive(owner.pid)).toBe(true);
    const heir = await start();
    expect(heir.pid).toBe(owner.pid);
    expect(await query(heir.url, 'SELECT n FROM kept')).toEqual([{ n: 42 }]);
    await heir.stop();
    expect(isAlive(owner.pid)).toBe(false);
  });

  it('is shared by two processes at once; only the one that started it stops it', async () => {
    const [a, b] = await Promise.all([anOwner(dataDir), anOwner(dataDir)]);
    expect(a.pid).toBe(b.pid);
    const { pid } = JSON.parse(readFileSync(join(dataDir, 'postgres-owner.json'), 'utf8')) as { pid: number };
    const [owner, guest] = a.process.pid === pid ? [a, b] : [b, a];
    await end(guest);
    expect(await query(owner.url, 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
    await end(owner);
    expect(isAlive(owner.pid)).toBe(false);
  });

  it('starts beside a stale postmaster.pid that names a process of somebody else', async () => {
    await (await start()).stop();
    const stranger = spawn('sleep', ['600'], IS_ROOT ? { uid: NOBODY, gid: NOBODY } : {});
    const pidFile = join(dataDir, 'postgres', 'postmaster.pid');
    writeFileSync(pidFile, `${stranger.pid}\n${join(dataDir, 'postgres')}\n1\n5432\n\n\n`);
    const second = await start();
    expect(second.pid).not.toBe(stranger.pid);
    expect(isAlive(stranger.pid ?? 0)).toBe(true);
    stranger.kill();
  });

  it('starts beside a postmaster.pid of a process that has ended and that its parent has not looked after', async () => {
    await (await start()).stop();
    const { uid } = statSync(join(dataDir, 'postgres'));
    // What it started before it became another program it knows nothing of.
    const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 600'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      ...(IS_ROOT ? { uid, gid: uid } : {}),
    });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const ended = Number(line.toString());
    await waitUntil(() => isTaken(ended) && !isAlive(ended), 5000);
    writeFileSync(join(dataDir, 'postgres', 'postmaster.pid'), `${ended}\n${join(dataDir, 'postgres')}\n1\n5432\n\n\n`);
    expect(await query((await start()).url, 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
    expect(isTaken(ended)).toBe(true);
    parent.kill();
  });

  it('starts beside a postmaster.pid that names nobody, and a start lock whose holder is gone', async () => {
    await (await start()).stop();
    writeFileSync(join(dataDir, 'postgres', 'postmaster.pid'), `4194303\n${join(dataDir, 'postgres')}\n1\n5432\n\n\n`);
    writeFileSync(join(dataDir, 'starting.lock'), JSON.stringify({ pid: 4194303, identity: 'gone' }));
    expect(await query((await start()).url, 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
    expect(existsSync(join(dataDir, 'starting.lock'))).toBe(false);
  });

  it('never uses a cluster that was left half made', async () => {
    mkdirSync(join(dataDir, 'postgres-new-crash'));
    writeFileSync(join(dataDir, 'postgres-new-crash', 'PG_VERSION'), '18\n');
    const postgres = await start();
    expect(await query(postgres.url, 'SHOW data_directory')).toEqual([{ data_directory: join(dataDir, 'postgres') }]);
  });

  it('refuses data of another major version, in words that help, and leaves it alone', async () => {
    await (await start()).stop();
    const file = join(dataDir, 'postgres', 'PG_VERSION');
    writeFileSync(file, '13\n');
    await expect(start()).rejects.toThrow(/made by PostgreSQL 13.*DATABASE_URL/s);
    expect(readFileSync(file, 'utf8')).toBe('13\n');
  });

  it('puts its socket elsewhere when the path would be too long for one', async () => {
    const deep = join(dataDir, 'd'.repeat(60), 'e'.repeat(60));
    const postgres = await start(deep);
    const sockets = new URL(postgres.url).searchParams.get('host') ?? '';
    expect(sockets.startsWith(deep)).toBe(false);
    expect(statSync(sockets).mode & 0o077).toBe(0);
    expect(await query(postgres.url, 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
    rmSync(sockets, { recursive: true, force: true });
  });

  it('works with a umask of 077', async () => {
    const owner = await anOwner(join(dataDir, 'made-by-it'), { umask: '077' });
    expect(await query(owner.url, 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
    await end(owner);
    const elsewhere = join(dataDir, 'made-by-it', 'postgres-is-at');
    if (existsSync(elsewhere)) remove(readFileSync(elsewhere, 'utf8').trim());
  });

  it('works in a private home: as root elsewhere, and says where', async () => {
    chmodSync(dataDir, 0o700);
    const lines: string[] = [];
    const postgres = await startEmbeddedPostgres({ dataDir, throwaway: true, log: (line) => lines.push(line) });
    started.push(postgres);
    await query(postgres.url, 'CREATE TABLE kept AS SELECT 42 AS n');
    await postgres.stop();
    const second = await start();
    expect(await query(second.url, 'SELECT n FROM kept')).toEqual([{ n: 42 }]);
    await second.stop();
    if (!IS_ROOT) return;
    const base = readFileSync(join(dataDir, 'postgres-is-at'), 'utf8').trim();
    expect(lines.join('\n')).toContain(base);
    remove(base);
  });

  it('works as an ordinary user in a directory of its own', async () => {
    if (IS_ROOT) chownSync(dataDir, NOBODY, NOBODY);
    chmodSync(dataDir, 0o700);
    const owner = await anOwner(dataDir, IS_ROOT ? { uid: NOBODY } : {});
    const { uid } = statSync(join(dataDir, 'postgres'));
    expect(uid).toBe(IS_ROOT ? NOBODY : process.getuid?.());
    expect(await query(owner.url, 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
    await end(owner);
    expect(isAlive(owner.pid)).toBe(false);
  });
});
