import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { NestFactory } from '@nestjs/core';
import { FirstAdminClient } from '../domain/clients/first-admin-client.js';
import { AppModule } from '../app.module.js';
import { loadSettings, type Settings } from '../platform/config/settings.js';
import { codeOf, isStorageFailure, sqlState } from '../platform/database/storage-errors.js';
import { startEmbeddedPostgres } from '../platform/database/embedded/embedded-postgres.js';

/**
 * `npm run admin:recover [-- --client-id ID]`: the admin client can administer the service again, whatever became of
 * it, by a new secret that is printed once. For those who have access to the database; it is on record as
 * `admin_recovered`. Works beside a running service, which learns of it by the change feed.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { 'client-id': { type: 'string' } } });
  const settings = loadSettings();
  const embedded = settings.databaseUrl === undefined ? await embeddedPostgres(settings) : undefined;
  try {
    await recover({ ...settings, databaseUrl: settings.databaseUrl ?? embedded?.url }, values['client-id']);
  } finally {
    await embedded?.stop();
  }
}

/** A database that this made would be an empty one, and not the one whose operators are locked out. */
function embeddedPostgres({ dataDir }: Settings): ReturnType<typeof startEmbeddedPostgres> {
  if (!existsSync(join(dataDir, 'postgres')))
    throw new Error(
      `There is no database in ${dataDir}. Set DATABASE_URL or EXEUNT_DATA_DIR to what the service runs with.`,
    );
  return startEmbeddedPostgres({ dataDir });
}

async function recover(settings: Settings, clientId: string | undefined): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule.with(settings), {
    logger: ['error', 'warn'],
    abortOnError: false,
  });
  try {
    const recovered = await app.get(FirstAdminClient).recover(clientId);
    process.stdout.write(
      `Admin client, shown this once:\n  client id            ${recovered.clientId}\n  client secret        ${recovered.generatedSecret}\n`,
    );
  } finally {
    await app.close();
  }
}

/**
 * A database that the service never ran on is not the one whose operators are locked out, and nothing is made in it.
 */
function wordsFor(error: unknown): string {
  if (sqlState(error) === '42P01')
    return 'The service has never run on this database: start the service first, or set DATABASE_URL to the one it runs with.';
  return isStorageFailure(error) ? `The database cannot be reached: ${codeOf(error)}` : (error as Error).message;
}

try {
  await main();
} catch (error) {
  // Not by `exitCode`: an application that came half way has connections and timers, and would stay.
  process.stderr.write(`${wordsFor(error)}\n`, () => process.exit(1));
}
