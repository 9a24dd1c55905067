import { stopWhenInterrupted } from './processes.mjs';

/**
 * Runs `work`, and stops what it started, the last first, however it ends.
 * @param work is given `keep(part, stop)`, which returns the part and remembers how it is stopped
 */
export async function stoppingAll(work) {
  const stops = [];
  const stopAll = async () => {
    for (const stop of stops.splice(0)) await stop();
  };
  stopWhenInterrupted(stopAll);
  try {
    return await work((part, stop) => (stops.unshift(stop), part));
  } finally {
    await stopAll();
  }
}
