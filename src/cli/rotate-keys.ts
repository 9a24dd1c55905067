import { parseArgs } from 'node:util';
import { NestFactory } from '@nestjs/core';
import { AppModule } from '../app.module.js';
import { loadSettings } from '../config/settings.js';
import { startEmbeddedPostgres } from '../database/embedded/embedded-postgres.js';
import { KeysService } from '../keys/keys.service.js';

/**
 * `npm run keys:rotate [-- --immediately]`: new signing keys, published now and used after the lead time, or at once.
 * Works beside a running service, which hears of it.
 */
const { values } = parseArgs({ options: { immediately: { type: 'boolean', default: false } } });
const settings = loadSettings();
const embedded =
  settings.databaseUrl === undefined ? await startEmbeddedPostgres({ dataDir: settings.dataDir }) : undefined;
const app = await NestFactory.createApplicationContext(
  AppModule.with({ ...settings, databaseUrl: settings.databaseUrl ?? embedded?.url }),
  {
    logger: ['error', 'warn'],
  },
);
try {
  const keys = app.get(KeysService);
  await keys.rotate(values.immediately);
  for (const key of keys.list()) process.stdout.write(`${key.alg.padEnd(6)} ${key.state.padEnd(10)} ${key.kid}\n`);
} finally {
  await app.close();
  await embedded?.stop();
}
