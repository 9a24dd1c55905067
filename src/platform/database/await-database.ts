import pg from 'pg';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { READ_ONLY, requirePrimary, StandbyError } from './connections.js';
import { within } from './time-limit.js';
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

/**
 * Returns once the database at `url` answers as one that can be used: a primary, which keeps a session for each
 * connection. One that cannot be reached is tried again for `waitMs`, with a line every few seconds.
 *
 * @throws DatabaseUnusableError
 */
export async function awaitDatabase(url: string, waitMs: number, say: (line: string) => void): Promise<void> {
  const end = performance.now() + waitMs;
  for (let said = -Infinity; ;) {
    const error = await tryOnce(url);
    if (error === undefined) break;
    const words = `Postgres at ${placeOf(url)} (DATABASE_URL) ${wordsFor(error)}`;
    if (!isPassing(error)) throw new DatabaseUnusableError(words);
    const left = end - performance.now();
    if (left <= 0) throw new DatabaseUnusableError(words);
    if (performance.now() - said >= SAY_EVERY_MS) {
      said = performance.now();
      say(`${words} Trying again for ${Math.ceil(left / 1000)} seconds.`);
    }
    await sleep(Math.min(PAUSE_MS, left));
  }
  if (!(await keepsSessions(url))) throw new DatabaseUnusableError(NO_SESSIONS(placeOf(url)));
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

const NO_SESSIONS = (place: string): string =>
  `What answers at ${place} (DATABASE_URL) does not keep a session for each connection, as a pooler in transaction or ` +
  'statement mode does not: what other nodes change would not be heard. Set pool_mode = session for this database in ' +
  'PgBouncer, or let DATABASE_URL lead to Postgres itself.';

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
 * loses it: it has no connection to hand the notification to.
 */
async function keepsSessions(url: string): Promise<boolean> {
  const [listener, speaker] = [clientOf(url), clientOf(url)];
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
    throw new DatabaseUnusableError(`Postgres at ${placeOf(url)} (DATABASE_URL) ${wordsFor(error)}`);
  } finally {
    await Promise.all([close(listener), close(speaker)]);
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
function wordsFor(error: unknown): string {
  const code = codeOf(error);
  const parameter = refusedParameter(error);
  if (parameter !== undefined)
    return (
      `is a pooler that refuses the parameter ${parameter} (${code}). Take it out of DATABASE_URL, or name it in ` +
      `PgBouncer: ignore_startup_parameters = ${parameter}.`
    );
  if (error instanceof StandbyError)
    return `is a standby (in recovery), not a primary. Let DATABASE_URL lead to the primary.`;
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
