import type { NestExpressApplication } from '@nestjs/platform-express';
import { FirstAdminClient } from './domain/clients/first-admin-client.js';
import { createApp } from './app.factory.js';
import { announcement, banner, warningsOf } from './cli/banner.js';
import { loadSettings, type Settings } from './platform/config/settings.js';
import { awaitDatabase } from './platform/database/await-database.js';
import { startEmbeddedPostgres, type EmbeddedPostgres } from './platform/database/embedded/embedded-postgres.js';
import { migrate } from './platform/database/migrate.js';
import { importWhatWaits } from './platform/later/later.js';
import { ServiceLogger } from './platform/logging/service-logger.js';
import { stopGracefully } from './cli/shutdown.js';
import { wordsOf } from './cli/words-of.js';

/** What the service prints when it starts: plain words at a terminal, lines of the log in production. */
let say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Starts the service: settings, database, schema, application, first administrator. */
async function main(): Promise<void> {
  const settings = loadSettings();
  const logger = new ServiceLogger(settings);
  if (settings.production) say = (line) => logger.log(line, 'Exeunt');
  const embedded =
    settings.databaseUrl === undefined
      ? await startEmbeddedPostgres({ dataDir: settings.dataDir, log: say })
      : undefined;
  try {
    await serve({ ...settings, databaseUrl: settings.databaseUrl ?? embedded?.url }, embedded, logger);
  } catch (error) {
    await embedded?.stop();
    throw error;
  }
}

async function serve(
  settings: Settings & { readonly databaseUrl: string | undefined },
  embedded: EmbeddedPostgres | undefined,
  logger: ServiceLogger,
): Promise<void> {
  const url = settings.databaseUrl ?? '';
  if (embedded === undefined) await awaitDatabase(url, settings.databaseWaitMs, say);
  const migrations = await migrate(url);
  if (migrations.length > 0) say(`Schema brought up to date: ${migrations.join(', ')}`);
  const app = await createApp(settings, { logger });
  app.flushLogs();
  const admin = await app.get(FirstAdminClient).ensure();
  await app.listen(settings.port, settings.host);
  // A process that reads the line "ready" may stop the service at once.
  watch(app, settings, embedded);
  for (const warning of warningsOf(settings)) logger.warn(warning, 'Exeunt');
  if (settings.production) for (const line of announcement(settings, admin)) say(line);
  else say(banner(settings, admin, embedded !== undefined));
  void importWhatWaits((name, error) =>
    logger.error(`${name} cannot be imported, and what needs it fails: ${wordsOf(error)}`, 'Exeunt'),
  );
}

function watch(app: NestExpressApplication, settings: Settings, embedded: EmbeddedPostgres | undefined): void {
  let stopping: Promise<void> | undefined;
  const stop = (why: string, exitCode: number): void => {
    if (stopping !== undefined) return;
    say(`Stopping: ${why}`);
    stopping = stopGracefully(app, settings.shutdownTimeoutMs, () => embedded?.stop()).then(
      () => process.exit(exitCode),
      (error: Error) => {
        process.stderr.write(`${error.message}\n`);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', () => stop('SIGTERM', 0));
  process.on('SIGINT', () => stop('SIGINT', 0));
  embedded?.onUnexpectedExit((detail) => stop(detail, 1));
  // A signal to `npm start` ends npm and its shell but not us; that our parent process is gone is the only sign of it.
  const parent = process.ppid;
  if (process.env.npm_lifecycle_event !== undefined)
    setInterval(() => process.ppid !== parent && stop('npm has gone', 0), 500).unref();
}

try {
  await main();
} catch (error) {
  // Not by `exitCode`: a start that failed half way has connections and timers, and would stay without ever serving.
  process.stderr.write(`${wordsOf(error)}\n`, () => process.exit(1));
}
