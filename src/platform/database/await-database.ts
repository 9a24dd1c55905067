import pg from 'pg';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { LIMITS_OF_REQUESTS, READ_ONLY, requirePrimary, StandbyError } from './connections.js';
import { TimeLimitError, within } from './time-limit.js';
import { codeOf, isNetworkCode, isStorageFailure, sqlState } from './storage-errors.js';

/** A start that ends because of the database. The message is for an operator: it names the setting and what helps. */
export class DatabaseUnusableError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'DatabaseUnusableError';
  }
}

/**
 * A retry may succeed: nothing listens yet, Postgres starts or stops, it has no free connection, the primary is being
 * changed.
 */
const PASSING = new Set(['57P01', '57P02', '57P03', '53300', READ_ONLY, '08000', '08001', '08004', '08006', '08P01']);
const PAUSE_MS = 1000;
const SAY_EVERY_MS = 4000;
const CONNECT_MS = 5000;
const HEAR_MS = 5000;
const WAIT_FOR_OTHER_MS = 1000;

/**
 * Returns once the database at `url` answers as one that can be used: a primary, which keeps a session for each
 * connection. One that cannot be reached is tried again for `waitMs`, with a line every few seconds.
 *
 * @param directUrl Postgres itself, where `url` leads to a pooler in transaction mode. Then the sessions are those of
 *   `directUrl`, and the pooler must lead to the same database and keep prepared statements
 * @throws DatabaseUnusableError
 */
export async function awaitDatabase(
  url: string,
  waitMs: number,
  say: (line: string) => void,
  directUrl?: string,
): Promise<void> {
  const pooler = { url, setting: 'DATABASE_URL' };
  const postgres = directUrl === undefined ? pooler : { url: directUrl, setting: 'DATABASE_DIRECT_URL' };
  await reach(postgres, waitMs, say);
  if (!(await hears(postgres, postgres))) throw new DatabaseUnusableError(noSessions(postgres));
  if (postgres === pooler) return;
  await reach(pooler, waitMs, say);
  if (!(await hears(postgres, pooler))) throw new DatabaseUnusableError(twoDatabases(postgres, pooler));
  if (!(await keepsPreparedStatements(pooler))) throw new DatabaseUnusableError(noPreparedStatements(pooler));
  const limits = await missingLimits(pooler);
  if (limits !== undefined) say(limits);
}

/** A URL, and the setting that has it. */
interface Way {
  readonly url: string;
  readonly setting: string;
}

async function reach(way: Way, waitMs: number, say: (line: string) => void): Promise<void> {
  const end = performance.now() + waitMs;
  for (let said = -Infinity; ;) {
    const error = await tryOnce(way.url);
    if (error === undefined) return;
    const words = complaint(way, error);
    if (!isPassing(error)) throw new DatabaseUnusableError(words);
    const left = end - performance.now();
    if (left <= 0) throw new DatabaseUnusableError(words);
    if (performance.now() - said >= SAY_EVERY_MS) {
      said = performance.now();
      say(`${words} Trying again for ${Math.ceil(left / 1000)} seconds.`);
    }
    await sleep(Math.min(PAUSE_MS, left));
  }
}

/** Returns when the database has the schema of a service that has started once. @throws DatabaseUnusableError */
export async function requireSchema(url: string): Promise<void> {
  const client = clientOf(url);
  try {
    await client.connect();
    const { rows } = await client.query<{ there: boolean }>(`SELECT to_regclass('signing_keys') IS NOT NULL AS there`);
    if (rows[0]?.there === true) return;
  } finally {
    await close(client);
  }
  throw new DatabaseUnusableError(
    `The database at ${placeOf(url)} is not one of Exeunt: nothing was changed in it. Set DATABASE_URL to that of the ` +
      'service; if it is, start the service once, which makes the schema.',
  );
}

const named = ({ url, setting }: Way): string => `${placeOf(url)} (${setting})`;

const complaint = (way: Way, error: unknown): string => `Postgres at ${named(way)} ${wordsFor(error, way.setting)}`;

const noSessions = (way: Way): string =>
  `What answers at ${named(way)} does not keep a session for each connection, as a pooler in transaction or ` +
  'statement mode does not: what other nodes change would not be heard. ' +
  (way.setting === 'DATABASE_DIRECT_URL'
    ? 'Let it lead to Postgres itself.'
    : 'Set DATABASE_DIRECT_URL to Postgres itself, beside a PgBouncer of 1.21 or newer; or set pool_mode = session for this ' +
      'database in PgBouncer; or let DATABASE_URL lead to Postgres itself.');

const twoDatabases = (postgres: Way, pooler: Way): string =>
  `What is said at ${named(pooler)} is not heard at ${named(postgres)}: they are two databases. Let both lead to the same one.`;

const noPreparedStatements = (way: Way): string =>
  `The pooler at ${named(way)} does not keep named prepared statements. Set max_prepared_statements = 400 in PgBouncer, ` +
  'which must be 1.21 or newer.';

/** Host, port and database of a URL, never the password. */
export function placeOf(url: string): string {
  const { host, port, database } = new pg.Client({ connectionString: url });
  return `${host.startsWith('/') ? host : `${host.includes(':') ? `[${host}]` : host}:${port}`}/${database ?? ''}`;
}

async function tryOnce(url: string): Promise<unknown> {
  const client = clientOf(url);
  try {
    await client.connect();
    await requirePrimary(client);
    return undefined;
  } catch (error) {
    return error;
  } finally {
    await close(client);
  }
}

/**
 * What one connection waits for, another one says. A pooler that lends its connections for a transaction or a statement
 * loses it: it has no connection to hand the notification to. Nor does another database get it.
 */
async function hears(by: Way, from: Way): Promise<boolean> {
  const [listener, speaker] = [clientOf(by.url), clientOf(from.url)];
  const channel = `exeunt_start_${randomUUID().replaceAll('-', '')}`;
  try {
    await listener.connect();
    const heard = new Promise((resolve) => listener.once('notification', resolve));
    await listener.query(`LISTEN ${channel}`);
    await speaker.connect();
    await speaker.query('SELECT pg_notify($1, $2)', [channel, '']);
    return await within(HEAR_MS, heard).then(
      () => true,
      () => false,
    );
  } catch (error) {
    throw new DatabaseUnusableError(complaint(from, error));
  } finally {
    await Promise.all([close(listener), close(speaker)]);
  }
}

/**
 * One connection prepares a statement, and uses it again while another one holds the server that it was prepared on; so
 * does the other one under the same name. A pooler that does not keep them answers that there is none, or one already.
 */
async function keepsPreparedStatements(way: Way): Promise<boolean> {
  const [one, other] = [clientOf(way.url), clientOf(way.url)];
  const prepared = { name: 'exeunt_start', text: 'SELECT pg_catalog.pg_backend_pid() AS pid' };
  try {
    await Promise.all([one.connect(), other.connect()]);
    await one.query(prepared);
    await other.query(prepared);
    await other.query('BEGIN');
    await other.query(prepared);
    // With a pool of one connection this waits, and that is no fault.
    await within(WAIT_FOR_OTHER_MS, one.query(prepared)).catch((error: unknown) => {
      if (!(error instanceof TimeLimitError)) throw error;
    });
    return true;
  } catch (error) {
    if (['26000', '42P05', '08P01'].includes(sqlState(error) ?? '')) return false;
    throw new DatabaseUnusableError(complaint(way, error));
  } finally {
    await Promise.all([close(one), close(other)]);
  }
}

/** What a pooler's connections have no limits without: those of the role. Undefined: they have them. */
async function missingLimits(way: Way): Promise<string | undefined> {
  const client = clientOf(way.url);
  try {
    await client.connect();
    const { rows } = await client.query<{ role: string; database: string; missing: boolean }>(`
      SELECT quote_ident(current_user) AS role, quote_ident(current_database()) AS database,
             '0' IN (current_setting('statement_timeout'), current_setting('lock_timeout'),
                     current_setting('idle_in_transaction_session_timeout')) AS missing`);
    const [row] = rows;
    if (row?.missing !== true) return undefined;
    const { statement, lock, idleInTransaction } = LIMITS_OF_REQUESTS;
    const alter = Object.entries({
      statement_timeout: statement,
      lock_timeout: lock,
      idle_in_transaction_session_timeout: idleInTransaction,
    }).map(([name, ms]) => `ALTER ROLE ${row.role} IN DATABASE ${row.database} SET ${name} = '${ms / 1000}s';`);
    return `What goes through the pooler at ${named(way)} has no time limits of Postgres. Set them once: ${alter.join(' ')} Then RECONNECT in PgBouncer.`;
  } catch (error) {
    throw new DatabaseUnusableError(complaint(way, error));
  } finally {
    await close(client);
  }
}

function clientOf(url: string): pg.Client {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'exeunt-start',
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: CONNECT_MS,
  });
  // A query on the connection reports it; between two queries nothing does.
  client.on('error', () => undefined);
  return client;
}

async function close(client: pg.Client): Promise<void> {
  await within(1000, client.end()).catch(() => undefined); // it is given up in any case
}

function isPassing(error: unknown): boolean {
  if (refusedParameter(error) !== undefined) return false;
  const code = sqlState(error);
  return code === undefined ? isStorageFailure(error) : PASSING.has(code) || isNetworkCode(code);
}

/** A parameter of the start message that PgBouncer does not know. The name is one of the protocol's, no value. */
function refusedParameter(error: unknown): string | undefined {
  return /unsupported startup parameter(?: in options)?: (\w+)/.exec(error instanceof Error ? error.message : '')?.[1];
}

/** Never the driver's own words, which may quote what the URL holds. */
function wordsFor(error: unknown, setting: string): string {
  const code = codeOf(error);
  const parameter = refusedParameter(error);
  if (parameter !== undefined)
    return (
      `is a pooler that refuses the parameter ${parameter} (${code}). Take it out of ${setting}, or name it in ` +
      `PgBouncer: ignore_startup_parameters = ${parameter}.`
    );
  if (error instanceof StandbyError)
    return `is a standby (in recovery), not a primary. Let ${setting} lead to the primary.`;
  switch (code) {
    case '28P01':
    case '28000':
      return `refuses the user or the password (${code}).`;
    case '3D000':
      return `has no database of that name (${code}). Create it: CREATE DATABASE …`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `cannot be reached: its name is not known (${code}).`;
    default:
      return isNetworkCode(code) || !/^[0-9A-Z]{5}$/.test(code)
        ? `cannot be reached (${code}).`
        : `cannot be used (${code}).`;
  }
}
