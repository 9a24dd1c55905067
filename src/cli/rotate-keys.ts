import { parseArgs } from 'node:util';
import { NestFactory } from '@nestjs/core';
import { AppModule } from '../app.module.js';
import type { AuditDetails } from '../platform/audit/audit-event.js';
import { AuditLog } from '../platform/audit/audit-log.js';
import { SettingsError } from '../platform/config/settings-reader.js';
import { loadSettings, type Settings } from '../platform/config/settings.js';
import { awaitDatabase, DatabaseUnusableError, requireSchema } from '../platform/database/await-database.js';
import { startEmbeddedPostgres } from '../platform/database/embedded/embedded-postgres.js';
import { hasEmbeddedPostgres } from '../platform/database/embedded/place.js';
import type { Tx } from '../platform/database/transaction.js';
import { KeyMaintenance } from '../platform/keys/key-maintenance.js';
import { KeysService } from '../platform/keys/keys.service.js';
import { wordsOf } from './words-of.js';

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/**
 * `npm run keys:rotate [-- --immediately]`: new keys, published now and used after the lead time, or at once.
 * `-- --secret`: stores them under `EXEUNT_NEXT_SECRET`, which running nodes must know already. Works beside a running
 * service, which learns of it by the change feed, and on its database; it never creates one.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { immediately: { type: 'boolean', default: false }, secret: { type: 'boolean', default: false } },
  });
  const settings = loadSettings();
  if (values.secret && settings.nextSecret === undefined)
    throw new SettingsError([
      { name: 'EXEUNT_NEXT_SECRET', problem: 'is the new secret, and must be set with --secret' },
    ]);
  if (settings.databaseUrl === undefined && !hasEmbeddedPostgres(settings.dataDir))
    throw new DatabaseUnusableError(
      `DATABASE_URL is not set, and there is no database in ${settings.dataDir} (EXEUNT_DATA_DIR). Set the one that the ` +
        'service has, and EXEUNT_SECRET if it has one.',
    );
  const embedded =
    settings.databaseUrl === undefined ? await startEmbeddedPostgres({ dataDir: settings.dataDir }) : undefined;
  try {
    const databaseUrl = settings.databaseUrl ?? embedded?.url ?? '';
    if (embedded === undefined)
      await awaitDatabase(databaseUrl, settings.databaseWaitMs, say, settings.databaseDirectUrl);
    await requireSchema(databaseUrl);
    const app = await NestFactory.createApplicationContext(AppModule.with({ ...settings, databaseUrl }), {
      logger: ['error', 'warn'],
      abortOnError: false,
    });
    try {
      const maintenance = app.get(KeyMaintenance);
      const record = recorder(app.get(AuditLog));
      if (values.secret) {
        await changeSecret(maintenance, settings);
        return await record({ change: 'secret_changed' });
      }
      await maintenance.rotate(values.immediately, (tx) =>
        record({ change: 'rotated', immediately: values.immediately }, tx),
      );
      for (const key of app.get(KeysService).list())
        process.stdout.write(`${key.alg.padEnd(6)} ${key.state.padEnd(10)} ${key.kid}\n`);
    } finally {
      await app.close();
    }
  } finally {
    await embedded?.stop();
  }
}

/** A rotation by the command is on record as one by the API is; who typed it is known to the machine alone. */
function recorder(audit: AuditLog): (details: AuditDetails, tx?: Tx) => Promise<void> {
  return (details, tx) =>
    audit.record({ event: 'keys_rotated', outcome: 'done', details: { ...details, by: 'command' } }, tx);
}

/** The values that `EXEUNT_SECRET` protects rest under `EXEUNT_NEXT_SECRET` from now on. */
async function changeSecret(keys: KeyMaintenance, { nextSecret }: Settings): Promise<void> {
  await keys.changeSecret(nextSecret ?? '');
  process.stdout.write('The keys are stored under EXEUNT_NEXT_SECRET. Start each node with it as EXEUNT_SECRET.\n');
}

try {
  await main();
} catch (error) {
  // Not by `exitCode`: what had begun to start has connections and timers.
  process.stderr.write(`${wordsOf(error)}\n`, () => process.exit(1));
}
