/**
 * Counts per key, one write at a time: what comes while a write of the same key is under way goes into the next one
 * together. So a flood of one thing is one writer, not a queue for one row.
 */
export class CoalescingCounter {
  private readonly waiting = new Map<string, { count: number; written: Promise<void> }>();
  private readonly running = new Map<string, Promise<void>>();

  /**
   * Counts one, and resolves when it is written.
   * @param write gets how many have come together
   */
  add(key: string, write: (count: number) => Promise<void>): Promise<void> {
    const waiting = this.waiting.get(key);
    if (waiting !== undefined) {
      waiting.count += 1;
      return waiting.written;
    }
    const before = this.running.get(key);
    if (before === undefined) return this.run(key, () => write(1));
    const next = { count: 1, written: Promise.resolve() };
    // Whether the one before was written is for those who wait for it.
    next.written = before
      .catch(() => undefined)
      .then(() => {
        this.waiting.delete(key);
        return this.run(key, () => write(next.count));
      });
    this.waiting.set(key, next);
    return next.written;
  }

  private run(key: string, write: () => Promise<void>): Promise<void> {
    const writing = write().finally(() => {
      if (this.running.get(key) === writing) this.running.delete(key);
    });
    this.running.set(key, writing);
    return writing;
  }
}
