import type { Pool } from 'pg';

type Connected = (...answer: readonly unknown[]) => void;

/**
 * Adds up for how long callers have waited for a connection that was not idle when they asked: for one that others give
 * back, or for a new one to be opened. Costs nothing while one is idle.
 * @returns the seconds so far
 */
export function measurePoolWait(pool: Pool): () => number {
  let waitedMs = 0;
  const connect = pool.connect.bind(pool) as (callback?: Connected) => Promise<unknown> | undefined;
  const measured = (callback?: Connected): Promise<unknown> | undefined => {
    if (pool.idleCount > 0 && pool.waitingCount === 0) return connect(callback);
    const begun = performance.now();
    const note = (): void => void (waitedMs += performance.now() - begun);
    if (callback === undefined) return connect()?.finally(note);
    return connect((...answer) => {
      note();
      callback(...answer);
    });
  };
  pool.connect = measured as Pool['connect'];
  return () => waitedMs / 1000;
}
