import cluster from 'node:cluster';
import type { INestApplication } from '@nestjs/common';
import type { AdminClientCredentials } from '../../domain/clients/first-admin-client.js';
import { SECOND } from '../../platform/clock/durations.js';
import { within } from '../../platform/database/time-limit.js';
import { Metrics } from '../../platform/metrics/metrics.js';
import type { FromFirst, FromWorker } from './messages.js';

/** Longer than the first process waits for the workers. */
const WAIT_MS = 4 * SECOND;

/** Whether this process is the one that sees to what is done once. A worker that replaces another one never is. */
export function isFirstWorker(): boolean {
  return cluster.worker?.id === 1;
}

/** A process that serves beside others: it is stopped by the first one, and answers for all when asked for metrics. */
export class WorkerProcess {
  private readonly wanted = new Map<number, (text: string) => void>();
  private last = 0;

  /** @param stop is called when the first process says so */
  constructor(
    private readonly app: INestApplication,
    private readonly stop: () => void,
  ) {}

  /** @param admin what became of the first admin client, where this worker saw to it */
  serve(admin: AdminClientCredentials | undefined): void {
    const metrics = this.app.get(Metrics);
    metrics.answerWith(() => this.allMetrics());
    process.on('message', (message: FromFirst) => {
      switch (message.kind) {
        case 'stop':
          this.stop();
          return;
        case 'own metrics wanted':
          void metrics.own().then((own) => tell({ kind: 'own metrics', round: message.round, metrics: own }));
          return;
        case 'all metrics':
          this.wanted.get(message.id)?.(message.text);
      }
    });
    tell({ kind: 'ready', ...(admin === undefined ? {} : { admin }) });
  }

  private async allMetrics(): Promise<string> {
    const id = (this.last += 1);
    const answer = new Promise<string>((resolve) => this.wanted.set(id, resolve));
    tell({ kind: 'all metrics wanted', id });
    return within(WAIT_MS, answer).finally(() => this.wanted.delete(id));
  }
}

function tell(message: FromWorker): void {
  process.send?.(message);
}
