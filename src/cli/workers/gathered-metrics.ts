import { AggregatorRegistry } from 'prom-client';
import { SECOND } from '../../platform/clock/durations.js';

/** A worker that is stuck does not keep the others' figures back. Longer than each waits for storage. */
const WAIT_MS = 3 * SECOND;

interface Round {
  readonly waiting: Set<number>;
  readonly metrics: object[][];
  readonly done: () => void;
}

/**
 * The metrics of all workers as one: sums, and what each metric says of itself by its `aggregator`. Without a label for
 * the worker, since workers come and go.
 */
export class GatheredMetrics {
  private readonly rounds = new Map<number, Round>();
  private last = 0;

  /** @param ask asks the workers for the metrics of this round, which come by {@link take} */
  async gather(workers: readonly number[], ask: (round: number) => void): Promise<string> {
    const number = (this.last += 1);
    const metrics: object[][] = [];
    await new Promise<void>((resolve) => {
      const limit = setTimeout(resolve, WAIT_MS);
      const done = (): void => {
        clearTimeout(limit);
        resolve();
      };
      this.rounds.set(number, { waiting: new Set(workers), metrics, done });
      ask(number);
    });
    this.rounds.delete(number);
    return AggregatorRegistry.aggregate(metrics).metrics();
  }

  take(worker: number, round: number, metrics: object[]): void {
    const open = this.rounds.get(round);
    if (open === undefined || !open.waiting.delete(worker)) return;
    open.metrics.push(metrics);
    if (open.waiting.size === 0) open.done();
  }

  /** Nothing comes from this one any more. */
  gone(worker: number): void {
    for (const open of this.rounds.values()) if (open.waiting.delete(worker) && open.waiting.size === 0) open.done();
  }
}
