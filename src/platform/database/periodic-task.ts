/**
 * Work that a process does again and again by itself: one run at a time, none that begins after the stop, and none that is
 * still under way when the stop is done.
 */
export class PeriodicTask<Result> {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<Result> | undefined;
  private again = false;
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

  /** The run that is under way. */
  get underWay(): Promise<Result> | undefined {
    return this.running;
  }

  /** @param intervalMs 0: never by itself */
  start(intervalMs: number): void {
    if (intervalMs === 0 || this.timer !== undefined) return;
    this.timer = setInterval(() => this.runSoon(), intervalMs);
    this.timer.unref();
  }

  /** Joins the run that is under way, if there is one. @throws what the work throws */
  run(): Promise<Result> {
    this.running ??= this.work().finally(() => {
      this.running = undefined;
      if (!this.again) return;
      this.again = false;
      this.runSoon();
    });
    return this.running;
  }

  /** Returns at once. Only the caller that began the run under way gets its outcome. */
  runSoon(): void {
    if (!this.stopped && this.running === undefined) this.run().catch(this.failed);
  }

  /** As {@link runSoon}; after the run that is under way there is another one, as what it looked at may have changed. */
  runAgain(): void {
    if (this.running === undefined) this.runSoon();
    else this.again = true;
  }

  /** No more by itself, until it is started again. */
  pause(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.pause();
    await this.running?.catch(() => undefined); // the caller that began the run has the error
  }
}
