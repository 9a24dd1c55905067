/**
 * Work that a process does again and again by itself: one run at a time, none that begins after the stop, and none that is
 * still under way when the stop is done.
 */
export class PeriodicTask<Result> {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<Result> | undefined;
  private stopped = false;

  /** @param failed gets the error of a run that no caller waits for */
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

  /** Returns at once. Only the caller that began the run under way gets its outcome. */
  runSoon(): void {
    if (!this.stopped && this.running === undefined) this.run().catch(this.failed);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.running?.catch(() => undefined); // the caller that began the run has the error
  }
}
