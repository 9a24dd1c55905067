import type { NestExpressApplication } from '@nestjs/platform-express';
import { createApp } from '../app.factory.js';
import { FirstAdminClient, type AdminClientCredentials } from '../domain/clients/first-admin-client.js';
import type { Settings } from '../platform/config/settings.js';
import { awaitDatabase } from '../platform/database/await-database.js';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../platform/database/embedded/embedded-postgres.js';
import { migrate } from '../platform/database/migrate.js';
import { importWhatWaits } from '../platform/later/later.js';
import type { ServiceLogger } from '../platform/logging/service-logger.js';
import { announcement, banner, warningsOf } from './banner.js';
import { stopGracefully } from './shutdown.js';
import { wordsOf } from './words-of.js';

/** As Postgres has it by itself. */
const DEFAULT_CONNECTIONS = 100;
/** For commands, and for those who look into the database. */
const SPARE_CONNECTIONS = 20;

type Say = (line: string) => void;

/** A database that has the schema of this version. `embedded` is the Postgres that was started for it. */
export interface OpenDatabase {
  readonly url: string;
  readonly embedded: EmbeddedPostgres | undefined;
}

/** The whole service in this process: database, schema, application, first administrator. */
export async function serveAlone(settings: Settings, logger: ServiceLogger): Promise<void> {
  const say = sayer(settings, logger);
  const { url, embedded } = await openDatabase(settings, say);
  try {
    const app = await makeApp({ ...settings, databaseUrl: url }, logger);
    const admin = await app.get(FirstAdminClient).ensure();
    await app.listen(settings.port, settings.host);
    // A process that reads the line "ready" may stop the service at once.
    const stop = stopper(say, () => stopGracefully(app, settings.shutdownTimeoutMs, () => embedded?.stop()));
    stopOnSignals(stop, embedded);
    announce(settings, logger, admin, embedded !== undefined);
    importTheRest(logger);
  } catch (error) {
    await embedded?.stop();
    throw error;
  }
}

/** What the service prints when it starts: plain words at a terminal, lines of the log in production. */
export function sayer(settings: Settings, logger: ServiceLogger): Say {
  if (settings.production) return (line) => logger.log(line, 'Exeunt');
  return (line) => void process.stdout.write(`${line}\n`);
}

/** The database of the settings, or the embedded one, brought up to date. @throws DatabaseUnusableError */
export async function openDatabase(settings: Settings, say: Say): Promise<OpenDatabase> {
  const embedded =
    settings.databaseUrl === undefined
      ? await startEmbeddedPostgres({ dataDir: settings.dataDir, maxConnections: connectionsOf(settings), log: say })
      : undefined;
  try {
    const url = settings.databaseUrl ?? embedded?.url ?? '';
    const direct = settings.databaseDirectUrl;
    if (embedded === undefined) await awaitDatabase(url, settings.databaseWaitMs, say, direct);
    const migrations = await migrate(direct ?? url);
    if (migrations.length > 0) say(`Schema brought up to date: ${migrations.join(', ')}`);
    return { url, embedded };
  } catch (error) {
    await embedded?.stop();
    throw error;
  }
}

/** What the embedded Postgres must allow: beside the pool a worker has one connection that listens. */
function connectionsOf({ workers, databasePoolSize }: Settings): number {
  return Math.max(DEFAULT_CONNECTIONS, workers * (databasePoolSize + 1) + SPARE_CONNECTIONS);
}

/** The application. What it logged while it was put together is written. */
export async function makeApp(settings: Settings, logger: ServiceLogger): Promise<NestExpressApplication> {
  const app = await createApp(settings, { logger });
  app.flushLogs();
  return app;
}

/** Ends the process; only the first call does. */
export type Stop = (why: string, exitCode: number) => void;

/** @param work what is to be done before the process ends; when it fails, the exit code is 1 */
export function stopper(say: Say, work: () => Promise<void>): Stop {
  let stopping: Promise<void> | undefined;
  return (why, exitCode) => {
    if (stopping !== undefined) return;
    say(`Stopping: ${why}`);
    stopping = work().then(
      () => process.exit(exitCode),
      (error: Error) => {
        process.stderr.write(`${error.message}\n`);
        process.exit(1);
      },
    );
  };
}

/** Signals end the process, and so does the end of what it cannot be without. */
export function stopOnSignals(stop: Stop, embedded: EmbeddedPostgres | undefined): void {
  process.on('SIGTERM', () => stop('SIGTERM', 0));
  process.on('SIGINT', () => stop('SIGINT', 0));
  embedded?.onUnexpectedExit((detail) => stop(detail, 1));
  // A signal to `npm start` ends npm and its shell but not us; that our parent process is gone is the only sign of it.
  const parent = process.ppid;
  if (process.env.npm_lifecycle_event !== undefined)
    setInterval(() => process.ppid !== parent && stop('npm has gone', 0), 500).unref();
}

/** Says that the service is ready, and what to know of it. */
export function announce(
  settings: Settings,
  logger: ServiceLogger,
  admin: AdminClientCredentials,
  isEmbedded: boolean,
): void {
  const say = sayer(settings, logger);
  for (const warning of warningsOf(settings)) logger.warn(warning, 'Exeunt');
  if (settings.production) for (const line of announcement(settings, admin)) say(line);
  else say(banner(settings, admin, isEmbedded));
}

/** What no request before this needed. */
export function importTheRest(logger: ServiceLogger): void {
  void importWhatWaits((name, error) =>
    logger.error(`${name} cannot be imported, and what needs it fails: ${wordsOf(error)}`, 'Exeunt'),
  );
}
