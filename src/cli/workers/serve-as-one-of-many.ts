import cluster from 'node:cluster';
import { FirstAdminClient } from '../../domain/clients/first-admin-client.js';
import type { Settings } from '../../platform/config/settings.js';
import type { ServiceLogger } from '../../platform/logging/service-logger.js';
import { announce, importTheRest, makeApp, openDatabase, sayer, stopOnSignals, stopper } from '../serve.js';
import { stopGracefully } from '../shutdown.js';
import { FirstProcess } from './first.js';
import { isFirstWorker, WorkerProcess } from './worker.js';

/**
 * The service in as many processes as `WORKERS` says (docs/decisions/0062-workers.md). This is the first process, which opens the
 * database and keeps the others running, or one of the others, which serve.
 */
export function serveAsOneOfMany(settings: Settings, logger: ServiceLogger): Promise<void> {
  return cluster.isPrimary ? lead(settings, logger) : work(settings, logger);
}

async function lead(settings: Settings, logger: ServiceLogger): Promise<void> {
  const say = sayer(settings, logger);
  const { url, embedded } = await openDatabase(settings, say);
  const first: FirstProcess = new FirstProcess(settings, url, logger, (why) => stop(why, 1));
  const stop = stopper(say, async () => {
    await first.stop();
    await embedded?.stop();
  });
  try {
    const admin = await first.start();
    stopOnSignals(stop, embedded);
    announce(settings, logger, admin, embedded !== undefined);
  } catch (error) {
    try {
      await first.stop();
    } finally {
      await embedded?.stop();
    }
    throw error;
  }
}

async function work(settings: Settings, logger: ServiceLogger): Promise<void> {
  const app = await makeApp(settings, logger);
  const admin = isFirstWorker() ? await app.get(FirstAdminClient).ensure() : undefined;
  await app.listen(settings.port, settings.host);
  // The first process says why.
  const stop = stopper(
    () => undefined,
    () => stopGracefully(app, settings.shutdownTimeoutMs, () => undefined),
  );
  const end = (): void => stop('', 0);
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
  new WorkerProcess(app, end).serve(admin);
  importTheRest(logger);
}
