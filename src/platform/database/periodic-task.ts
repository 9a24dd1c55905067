/**
 * Work that a process does again and again by itself: one run at a time, none that begins after the stop, and none that is
 * still under way when the stop is done.
 */
export class PeriodicTask<Result> {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<Result> | undefined;
  private stopped = false;

  /** @param failed hears what a run came to that nobody else waits for */
  constructor(
    private readonly work: () => Promise<Result>,
    private readonly failed: (error: Error) => void,
  ) {}

  /** Work in batches looks at this between them. */
  get stopping(): boolean {
    return this.stopped;
  }

  /** @param intervalMs 0: never by itself */
  start(intervalMs: number): void {
    if (intervalMs === 0) return;
    this.timer = setInterval(() => this.runSoon(), intervalMs);
    this.timer.unref();
  }

  /** Joins the run that is under way, if there is one. @throws what the work throws */
  run(): Promise<Result> {
    this.running ??= this.work().finally(() => (this.running = undefined));
    return this.running;
  }

  /** Returns at once. Whoever began the run that is under way hears what it comes to; nobody else does. */
  runSoon(): void {
    if (!this.stopped && this.running === undefined) this.run().catch(this.failed);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.running?.catch(() => undefined); // whoever began the run has heard of it
  }
}
