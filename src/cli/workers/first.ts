import cluster, { type Worker } from 'node:cluster';
import { fileURLToPath } from 'node:url';
import type { AdminClientCredentials } from '../../domain/clients/first-admin-client.js';
import { MINUTE, SECOND } from '../../platform/clock/durations.js';
import type { Settings } from '../../platform/config/settings.js';
import type { ServiceLogger } from '../../platform/logging/service-logger.js';
import type { FromFirst, FromWorker } from './messages.js';
import { GatheredMetrics } from './gathered-metrics.js';

/** A worker that died is replaced after this, and twice as long after each further death within a minute. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5 * SECOND;
/** So many deaths in a minute, and one for each worker, are more than bad luck. */
const DEATHS = 4;
/** How much longer than its own limits a worker may take to stop. */
const STOP_MARGIN_MS = 15 * SECOND;

/** The first process: keeps so many workers running, which share its port. It handles no request itself. */
export class FirstProcess {
  private readonly ready = new Set<number>();
  private readonly metrics = new GatheredMetrics();
  private deaths: number[] = [];
  private stopping = false;
  private serving = false;
  private readonly pauses = new Set<NodeJS.Timeout>();
  private admin: AdminClientCredentials | undefined;

  /**
   * @param database the URL that workers connect to
   * @param failed is called once when it cannot go on, with why
   */
  constructor(
    private readonly settings: Settings,
    private readonly database: string,
    private readonly logger: Pick<ServiceLogger, 'warn' | 'error'>,
    private readonly failed: (why: string) => void,
  ) {}

  /** Starts all workers. Returns once every one of them serves. @throws when one of them ends before that */
  async start(): Promise<AdminClientCredentials> {
    // The advanced form keeps what is not a number, which a metric may be.
    cluster.setupPrimary({ exec: fileURLToPath(new URL('../../main.js', import.meta.url)), serialization: 'advanced' });
    const served = new Promise<void>((resolve, reject) => {
      cluster.on('message', (worker, message: FromWorker) => {
        this.hear(worker, message);
        if (this.ready.size === this.settings.workers) resolve();
      });
      cluster.on('exit', (worker, code: number | null, signal: string | null) => {
        this.ready.delete(worker.id);
        this.metrics.gone(worker.id);
        if (!this.serving) reject(new Error(`a worker did not start: ${causeOf(code, signal)}`));
        else this.replace(worker, causeOf(code, signal));
      });
    });
    for (let n = 0; n < this.settings.workers; n += 1) this.fork();
    await served;
    this.serving = true;
    if (this.admin === undefined) throw new Error('no worker saw to the admin client');
    return this.admin;
  }

  /** Lets every worker finish what it is at. @throws when one had to be killed */
  async stop(): Promise<void> {
    this.stopping = true;
    for (const pause of this.pauses) clearTimeout(pause);
    const limitMs = 2 * this.settings.shutdownTimeoutMs + STOP_MARGIN_MS;
    const ends = await Promise.all(workers().map((worker) => this.end(worker, limitMs)));
    const killed = ends.filter((inTime) => !inTime).length;
    if (killed > 0) throw new Error(`${killed} workers did not stop in time and were killed`);
  }

  private async end(worker: Worker, limitMs: number): Promise<boolean> {
    if (worker.isDead()) return true;
    const gone = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    let inTime = true;
    const limit = setTimeout(() => {
      inTime = false;
      worker.process.kill('SIGKILL');
    }, limitMs);
    // One that is still starting does not listen to messages yet, and has nothing to finish.
    if (this.ready.has(worker.id)) tell(worker, { kind: 'stop' });
    else worker.process.kill('SIGTERM');
    await gone;
    clearTimeout(limit);
    return inTime;
  }

  private fork(): void {
    cluster.fork({ DATABASE_URL: this.database });
  }

  private hear(worker: Worker, message: FromWorker): void {
    switch (message.kind) {
      case 'ready':
        this.admin ??= message.admin;
        this.ready.add(worker.id);
        return;
      case 'own metrics':
        this.metrics.take(worker.id, message.round, message.metrics);
        return;
      case 'all metrics wanted':
        void this.answerMetrics(worker, message.id);
    }
  }

  private async answerMetrics(worker: Worker, id: number): Promise<void> {
    const asked = workers().filter((each) => this.ready.has(each.id));
    const text = await this.metrics.gather(
      asked.map((each) => each.id),
      (round) => asked.forEach((each) => tell(each, { kind: 'own metrics wanted', round })),
    );
    tell(worker, { kind: 'all metrics', id, text });
  }

  private replace(worker: Worker, cause: string): void {
    if (this.stopping) return;
    const now = performance.now();
    this.deaths = [...this.deaths.filter((at) => now - at < MINUTE), now];
    const what = `worker ${worker.id} (process ${worker.process.pid ?? 'unknown'}) ended: ${cause}`;
    if (this.deaths.length > DEATHS + this.settings.workers) {
      this.logger.error(what, 'Exeunt');
      this.failed(`${this.deaths.length} workers ended within a minute, the last one by ${cause}`);
      return;
    }
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (this.deaths.length - 1));
    this.logger.error(`${what}; another one starts in ${pauseMs / SECOND} s`, 'Exeunt');
    const pause = setTimeout(() => {
      this.pauses.delete(pause);
      this.fork();
    }, pauseMs);
    this.pauses.add(pause);
  }
}

function workers(): Worker[] {
  return Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
}

function tell(worker: Worker, message: FromFirst): void {
  // One that has just died gets nothing; that it died is noticed elsewhere.
  if (worker.isConnected()) worker.send(message, undefined, () => undefined);
}

function causeOf(code: number | null, signal: string | null): string {
  return signal ?? `exit code ${code ?? 'unknown'}`;
}
