import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { ChangeFeed } from '../../../platform/database/change-feed.js';
import { codeOf } from '../../../platform/database/storage-errors.js';
import { TransactionRunner } from '../../../platform/database/transaction.js';

/** A commit with a NOTIFY waits for every other one of the database, so there are few. */
const AT_MOST_EVERY_MS = 200;

/** Tells every node, as a hint, that some notices stand differently now. Whose they are is not said: who cares looks. */
@Injectable()
export class DeliveryNews implements BeforeApplicationShutdown {
  private readonly logger = new Logger(DeliveryNews.name);
  private waiting: NodeJS.Timeout | undefined;
  private lastAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly changes: ChangeFeed,
    private readonly transactions: TransactionRunner,
  ) {}

  /** Returns at once; many calls in a short time are one notice. */
  announce(): void {
    if (this.waiting !== undefined) return;
    const wait = Math.max(0, this.lastAt + AT_MOST_EVERY_MS - performance.now());
    this.waiting = setTimeout(() => {
      this.waiting = undefined;
      this.lastAt = performance.now();
      this.changes
        .publish(this.transactions, 'deliveries')
        .catch((error: unknown) => this.logger.debug(`nobody was told of deliveries: ${codeOf(error)}`));
    }, wait).unref();
  }

  /** @param listener called on every node, soon after something changed, perhaps for nothing */
  listen(listener: () => void): void {
    this.changes.subscribe('deliveries', listener);
  }

  beforeApplicationShutdown(): void {
    clearTimeout(this.waiting);
  }
}
