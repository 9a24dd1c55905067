import { loadSettings } from './platform/config/settings.js';
import { ServiceLogger } from './platform/logging/service-logger.js';
import { serveAlone } from './cli/serve.js';
import { wordsOf } from './cli/words-of.js';

/** Starts the service: in this process, or in as many as `WORKERS` says. */
async function main(): Promise<void> {
  const settings = loadSettings();
  const logger = new ServiceLogger(settings);
  if (settings.workers === 1) return serveAlone(settings, logger);
  // Imported where it is needed, and nowhere else.
  const { serveAsOneOfMany } = await import('./cli/workers/serve-as-one-of-many.js');
  await serveAsOneOfMany(settings, logger);
}

try {
  await main();
} catch (error) {
  // Not by `exitCode`: a start that failed half way has connections and timers, and would stay without ever serving.
  process.stderr.write(`${wordsOf(error)}\n`, () => process.exit(1));
}
