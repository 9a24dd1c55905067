import { Inject, Injectable } from '@nestjs/common';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { Clock } from '../../../platform/clock/clock.js';
import { Metrics } from '../../../platform/metrics/metrics.js';
import { ReceiptIssuer } from '../receipts/receipt-issuer.js';
import type { BreakerChange } from './delivery-breaker.js';
import { DeliveryNews } from './delivery-news.js';
import { DeliveryQueueRepository, type AttemptResult } from './delivery-queue.repository.js';
import { Gathering } from './gathering.js';

/** Longer than that no result waits for the others of its termination. */
const LONGEST_WAIT_MS = 10;

/** Writes down what came of attempts, and knows which breakers are open by it. */
@Injectable()
export class DeliveryRecorder {
  private readonly gathering = new Gathering(LONGEST_WAIT_MS);
  /** Applications whose notices are being looked through for those that are too old. */
  private readonly abandoning = new Map<string, Promise<void>>();
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

  /** An attempt at a notice of this termination begins. */
  begin(terminationId: string): void {
    this.gathering.begin(terminationId);
  }

  /** It is over, whatever came of it. Before its result is recorded. */
  end(terminationId: string): void {
    this.gathering.end(terminationId);
  }

  /**
   * Waits a little for other notices of the same termination, so that fifty applications do not mean fifty statements.
   * Resolves once this one is written.
   */
  async record(result: AttemptResult, terminationId: string): Promise<void> {
    await this.gathering.others(terminationId);
    const breaker = await this.deliveries.record(result);
    this.metrics.countDeliveryAttempt(result.state === 'pending' ? 'retried' : result.state);
    // Those who watch, and the issuer of receipts, need not wait for their next poll.
    this.news.announce();
    if (result.state !== 'pending') this.receipts.hint([terminationId]);
    if (breaker !== undefined) await this.note(breaker);
  }

  private async note({ clientId, openUntil }: BreakerChange): Promise<void> {
    if (openUntil === undefined) {
      this.open.delete(clientId);
      return;
    }
    this.open.set(clientId, openUntil);
    const under = this.abandoning.get(clientId) ?? this.abandonOld(clientId);
    this.abandoning.set(clientId, under);
    await under;
  }

  private async abandonOld(clientId: string): Promise<void> {
    try {
      const now = this.clock.now();
      const tooOld = new Date(now.getTime() - this.settings.deliveryMaxAgeMs);
      const ended = await this.deliveries.abandonOld(clientId, now, tooOld);
      if (ended.length > 0) this.receipts.hint(ended);
    } finally {
      this.abandoning.delete(clientId);
    }
  }
}
