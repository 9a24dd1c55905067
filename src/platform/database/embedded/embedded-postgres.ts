import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { findPostgres, makePrivateDirectory, type PostgresBinaries } from './postgres-binaries.js';
import { placeFor, type Place } from './place.js';
import { isAlive, isPostmasterOf, isTaken, postgresProcessesIn, processIdentity, waitUntil } from './processes.js';
import { readProcess, withStartLock } from './start-lock.js';
import { postgresAccount, type Account } from './unprivileged-account.js';

export interface EmbeddedPostgresOptions {
  /** Where the data lives, such as `./.exeunt`. */
  readonly dataDir: string;
  readonly database?: string;
  /** For tests: nothing is written to disk before it is called written. */
  readonly throwaway?: boolean;
  readonly maxConnections?: number;
  /** Words about what takes time, for people. */
  readonly log?: (line: string) => void;
}

export interface EmbeddedPostgres {
  readonly url: string;
  readonly pid: number;
  /** Stops Postgres and waits for it. Does nothing where another process started it and still runs. */
  stop(): Promise<void>;
  onUnexpectedExit(listener: (detail: string) => void): void;
}

const USER = 'exeunt';
const PORT = 5432;
const READY_MS = 300_000;
const STOP_MS = 30_000;
const THROWAWAY = ['fsync=off', 'full_page_writes=off', 'synchronous_commit=off'];

/**
 * Starts the Postgres that comes with the service, or takes over one that an earlier start left behind.
 *
 * It listens on a Unix socket in a private directory and nowhere else. It is a process group of its own, so that a
 * terminal's Ctrl-C does not reach it before the service has drained. Whatever was killed last time (the service,
 * Postgres, the machine), the next start continues with the data.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  if (process.platform === 'win32')
    throw new Error('On Windows set DATABASE_URL to a Postgres 14 or newer that is running.');
  const account = postgresAccount();
  const binaries = findPostgres(account);
  const place = placeFor(resolve(options.dataDir), account, options.log);
  return withStartLock(join(place.base, 'starting.lock'), () => start(options, binaries, place, account));
}

async function start(
  options: EmbeddedPostgresOptions,
  binaries: PostgresBinaries,
  place: Place,
  account: Account | undefined,
): Promise<EmbeddedPostgres> {
  const own = (path: string): void => account && chownSync(path, account.uid, account.gid);
  makePrivateDirectory(place.sockets, own);
  if (!existsSync(place.data)) {
    options.log?.(`Creating the database in ${place.data}`);
    createCluster(options, binaries, place, account);
  }
  checkVersion(place, binaries);
  const running = await runningPostmaster(place);
  const child = running === undefined ? spawnPostgres(options, binaries, place, account) : undefined;
  const pid = running ?? child?.pid;
  if (pid === undefined) throw new Error(`Postgres did not start; see ${place.log}`);
  // The process that started it stops it. When that process is gone, this one takes over.
  const owner = readProcess(place.owner);
  const guest =
    child === undefined &&
    owner !== undefined &&
    owner.pid !== process.pid &&
    processIdentity(owner.pid) === owner.identity;
  if (!guest) writeFileSync(place.owner, JSON.stringify({ pid: process.pid, identity: processIdentity(process.pid) }));
  const database = options.database ?? 'exeunt';
  await ready(place, () => isAlive(pid));
  await createDatabase(place, database);
  options.log?.(
    `Postgres ${binaries.majorVersion} is ${running === undefined ? 'ready' : 'still running from before; going on with it'}`,
  );
  return handle(place, pid, database, guest, child);
}

function handle(
  place: Place,
  pid: number,
  database: string,
  guest: boolean,
  child: ChildProcess | undefined,
): EmbeddedPostgres {
  let stopping: Promise<void> | undefined;
  return {
    url: urlOf(place, database),
    pid,
    stop() {
      if (!guest) stopping ??= stopPostgres(pid);
      return stopping ?? Promise.resolve();
    },
    onUnexpectedExit(listener) {
      child?.once('exit', (code, by) => {
        if (stopping === undefined) listener(`Postgres ended (${by ?? `code ${code}`}); see ${place.log}`);
      });
    },
  };
}

/** SIGINT is Postgres's fast shutdown: transactions are rolled back, the log is written, no recovery at the next start. */
async function stopPostgres(pid: number): Promise<void> {
  signal(pid, 'SIGINT');
  if (await waitUntil(() => !isAlive(pid), STOP_MS)) return;
  // Its crash recovery loses nothing that was committed.
  signal(pid, 'SIGQUIT');
  await waitUntil(() => !isAlive(pid), STOP_MS);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // It has ended already, which is what was wanted.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Made aside and renamed when it is complete, so that a crash half way leaves nothing that looks like a cluster. */
function createCluster(
  options: EmbeddedPostgresOptions,
  binaries: PostgresBinaries,
  place: Place,
  account: Account | undefined,
): void {
  const making = mkdtempSync(`${place.data}-new-`);
  try {
    if (account !== undefined) chownSync(making, account.uid, account.gid);
    const flags = [
      '-D',
      making,
      '-U',
      USER,
      '--auth-local=trust',
      '--auth-host=reject',
      '--locale=C',
      '--encoding=UTF8',
    ];
    const { status, stderr } = spawnSync(
      binaries.initdb,
      options.throwaway === true ? [...flags, '--no-sync'] : flags,
      {
        ...account,
        encoding: 'utf8',
        cwd: '/',
      },
    );
    if (status !== 0) throw new Error(`Postgres could not create its database: ${stderr}`);
    renameSync(making, place.data);
  } catch (error) {
    rmSync(making, { recursive: true, force: true });
    throw error;
  }
}

function checkVersion(place: Place, binaries: PostgresBinaries): void {
  const version = Number(readFileSync(join(place.data, 'PG_VERSION'), 'utf8').trim());
  if (version === binaries.majorVersion) return;
  throw new Error(
    `The data in ${place.data} was made by PostgreSQL ${version}, and this is PostgreSQL ${binaries.majorVersion}. ` +
      `Dump it with the old one and restore it into a Postgres of your own (DATABASE_URL), or move the directory away to begin anew.`,
  );
}

/**
 * The postmaster that an earlier start left in this data directory, if it lives. A pid file that names a dead process
 * is left to Postgres, which checks more than the number before it starts; one that names a process of another program
 * is removed.
 */
async function runningPostmaster(place: Place): Promise<number | undefined> {
  const file = join(place.data, 'postmaster.pid');
  const pid = existsSync(file) ? Number(readFileSync(file, 'utf8').split('\n')[0]) : 0;
  if (pid > 0 && isPostmasterOf(pid, place.data)) {
    // Either it answers, or it is on its way out.
    const answers = await waitUntil(async () => !isAlive(pid) || (await accepts(place)), STOP_MS);
    if (answers && isAlive(pid)) return pid;
    await stopPostgres(pid);
  }
  // After a kill -9 the processes that the postmaster had started continue. A new one beside them would write over what
  // they write.
  for (const orphan of postgresProcessesIn(place.data)) signal(orphan, 'SIGTERM');
  if (!(await waitUntil(() => postgresProcessesIn(place.data).length === 0, STOP_MS))) {
    throw new Error(
      `Processes of an earlier Postgres still run in ${place.data}: ${postgresProcessesIn(place.data).join(', ')}`,
    );
  }
  // The number is a stranger's by now, or still that of a process that has ended; Postgres would refuse to start because
  // of it.
  if (pid > 0 && isTaken(pid)) rmSync(file, { force: true });
  return undefined;
}

function spawnPostgres(
  options: EmbeddedPostgresOptions,
  binaries: PostgresBinaries,
  place: Place,
  account: Account | undefined,
): ChildProcess {
  const settings = [
    'listen_addresses=',
    `unix_socket_directories=${place.sockets}`,
    `max_connections=${options.maxConnections ?? 100}`,
    // Its log says that it started, stopped or failed. The reason for which a statement was refused may quote what a
    // person typed.
    'log_min_messages=log',
    'log_min_error_statement=panic',
    'log_error_verbosity=terse',
    ...(options.throwaway === true ? THROWAWAY : []),
  ];
  const output = openSync(place.log, 'w', 0o600);
  const child = spawn(
    binaries.postgres,
    ['-D', place.data, '-p', String(PORT), ...settings.flatMap((setting) => ['-c', setting])],
    {
      ...account,
      detached: true,
      cwd: '/',
      stdio: ['ignore', output, output],
    },
  );
  child.unref();
  return child;
}

async function ready(place: Place, alive: () => boolean): Promise<void> {
  const answered = await waitUntil(async () => !alive() || (await accepts(place)), READY_MS);
  if (!answered || !alive()) throw new Error(`Postgres did not start; see ${place.log}\n${tail(place.log)}`);
}

/** A connection refused because Postgres is starting up or shutting down is a no. */
async function accepts(place: Place): Promise<boolean> {
  const client = new pg.Client({ connectionString: urlOf(place, 'postgres'), connectionTimeoutMillis: 1000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.end();
    return true;
  } catch {
    return false;
  }
}

async function createDatabase(place: Place, database: string): Promise<void> {
  const client = new pg.Client({ connectionString: urlOf(place, 'postgres') });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(database)}`);
  } finally {
    await client.end();
  }
}

function urlOf(place: Place, database: string): string {
  return `postgres://${USER}@localhost:${PORT}/${database}?host=${encodeURIComponent(place.sockets)}`;
}

function tail(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(-6).join('\n') : '';
}
