import { TimeLimitError } from './time-limit.js';

/** What waits for its turn in a {@link BatchQueue}. */
export interface QueuedCall {
  /** Calls of one key are given out one at a time. Without one, nothing else has to be waited for. */
  readonly key: string | undefined;
  reject(error: Error): void;
}

export interface QueueLimits {
  /** How many may wait; one more is refused at once. */
  readonly waiting: number;
  /** How long one waits at most. */
  readonly waitMs: number;
}

/** More wait already than may. To an edge it is as if storage could not be reached. */
export class QueueFullError extends Error {
  readonly code = 'EAGAIN';
}

interface Entry<Call> {
  readonly call: Call;
  readonly timer: NodeJS.Timeout;
}

/** A line of calls, first come first served, in which those of one key wait for each other. */
export class BatchQueue<Call extends QueuedCall> {
  /** Those that nothing holds up, in their order. */
  private readonly ready = new Set<Entry<Call>>();
  /** Of each key of which a call is ready or given out: those behind it. */
  private readonly lines = new Map<string, Set<Entry<Call>>>();
  private count = 0;

  constructor(private readonly limits: QueueLimits) {}

  /** How many wait. */
  get size(): number {
    return this.count;
  }

  /** A call that waits for too long is rejected with `TimeLimitError`. @throws QueueFullError */
  add(call: Call): void {
    if (this.count >= this.limits.waiting) throw new QueueFullError(`${this.count} calls wait already`);
    const entry = { call, timer: setTimeout(() => this.expire(entry), this.limits.waitMs).unref() };
    this.count += 1;
    const line = call.key === undefined ? undefined : this.lines.get(call.key);
    if (line !== undefined) {
      line.add(entry);
      return;
    }
    if (call.key !== undefined) this.lines.set(call.key, new Set());
    this.ready.add(entry);
  }

  /** Gives out the first ones, at most `max`. Each has to be given back by {@link release}. */
  take(max: number): Call[] {
    const calls: Call[] = [];
    for (const entry of this.ready) {
      if (calls.length === max) break;
      this.ready.delete(entry);
      this.count -= 1;
      clearTimeout(entry.timer);
      calls.push(entry.call);
    }
    return calls;
  }

  /** They are done: what waits for their keys may go. */
  release(calls: readonly Call[]): void {
    for (const { key } of calls) if (key !== undefined) this.advance(key);
  }

  private advance(key: string): void {
    const line = this.lines.get(key);
    const [next] = line ?? [];
    if (next === undefined) {
      this.lines.delete(key);
      return;
    }
    line?.delete(next);
    this.ready.add(next);
  }

  private expire(entry: Entry<Call>): void {
    const { key } = entry.call;
    this.count -= 1;
    if (this.ready.delete(entry)) {
      if (key !== undefined) this.advance(key);
    } else if (key !== undefined) this.lines.get(key)?.delete(entry);
    entry.call.reject(new TimeLimitError(`no turn within ${this.limits.waitMs} ms`));
  }
}
