import { Inject, Injectable } from '@nestjs/common';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { Clock } from '../../../platform/clock/clock.js';
import { Metrics } from '../../../platform/metrics/metrics.js';
import { ReceiptIssuer } from '../receipts/receipt-issuer.js';
import { DeliveryNews } from './delivery-news.js';
import { DeliveryQueueRepository, type AttemptResult } from './delivery-queue.repository.js';

/** Writes down what came of attempts, and knows which breakers are open by it. */
@Injectable()
export class DeliveryRecorder {
  private unrecorded: { result: AttemptResult; terminationId: string; done: (error?: unknown) => void }[] = [];
  private recording: Promise<void> | undefined;
  /** Applications with an open breaker, as far as this process knows, until when. Storage decides; this spares asking. */
  private readonly open = new Map<string, Date>();

  constructor(
    private readonly deliveries: DeliveryQueueRepository,
    private readonly receipts: ReceiptIssuer,
    private readonly news: DeliveryNews,
    private readonly metrics: Metrics,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** Whether the application's breaker is open, as far as this process knows. */
  isOpen(clientId: string): boolean {
    const until = this.open.get(clientId);
    if (until === undefined) return false;
    if (until > this.clock.now()) return true;
    this.open.delete(clientId);
    return false;
  }

  /** Storage gave out more than a probe for this application: its breaker has closed, perhaps by another node's doing. */
  noteClosed(clientId: string): void {
    this.open.delete(clientId);
  }

  /**
   * Results that come while others are being written are written together: fifty applications do not mean fifty
   * statements. Resolves once this one is written.
   */
  record(result: AttemptResult, terminationId: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.unrecorded.push({
        result,
        terminationId,
        done: (error) => (error === undefined ? resolve() : reject(error)),
      });
      this.recording ??= this.recordAll().finally(() => (this.recording = undefined));
    });
  }

  /** Those who watch, and the issuer of receipts, need not wait for their next poll. */
  private announce(recorded: readonly { readonly result: AttemptResult; readonly terminationId: string }[]): void {
    this.news.announce();
    const ended = recorded.filter(({ result }) => result.state !== 'pending');
    if (ended.length > 0) this.receipts.hint(ended.map(({ terminationId }) => terminationId));
  }

  private async recordAll(): Promise<void> {
    // One turn of the event loop, for what has answered in the same moment.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.unrecorded.length > 0) {
      const batch = this.unrecorded;
      this.unrecorded = [];
      try {
        await this.recordBatch(batch.map(({ result }) => result));
        for (const { done } of batch) done();
        this.announce(batch);
      } catch (error) {
        for (const { done } of batch) done(error);
      }
    }
  }

  private async recordBatch(results: readonly AttemptResult[]): Promise<void> {
    const now = this.clock.now();
    const breakers = await this.deliveries.record(results, now, this.settings.deliveryBreakerFailures);
    for (const { state } of results) this.metrics.countDeliveryAttempt(state === 'pending' ? 'retried' : state);
    for (const { clientId, openUntil } of breakers) {
      if (openUntil === undefined) this.open.delete(clientId);
      else this.open.set(clientId, openUntil);
    }
    const open = breakers.filter(({ openUntil }) => openUntil !== undefined).map(({ clientId }) => clientId);
    if (open.length === 0) return;
    const tooOld = new Date(now.getTime() - this.settings.deliveryMaxAgeMs);
    const ended = await this.deliveries.abandonOld(open, now, tooOld);
    if (ended.length > 0) this.receipts.hint(ended);
  }
}
