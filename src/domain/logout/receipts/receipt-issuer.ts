import {
  Inject,
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { PeriodicTask } from '../../../platform/database/periodic-task.js';
import { warnOf } from '../../../platform/database/storage-log.js';
import { TransactionRunner } from '../../../platform/database/transaction.js';
import { Metrics } from '../../../platform/metrics/metrics.js';
import { ReceiptChain } from './receipt-chain.js';
import { ReceiptRepository, type DueReceipt } from './receipt.repository.js';

/** Receipts of one transaction: as long as it takes, no other node issues any. */
const BATCH = 500;
/**
 * How many terminations without a receipt are looked at in one statement. As long as there is one to issue among them the next page
 * follows at once; those of a dead application are many, and stay so for a day.
 */
const PAGE = 1000;
/** Hints are only hints: what is beyond this is found by polling. */
const MAX_HINTS = 5000;
const HINT_DELAY_MS = 50;

/**
 * Issues receipts: one for each termination, when the last of its notices has ended.
 *
 * Any node issues them, one node at a time (an advisory lock that falls with the transaction), so the chain has no gaps
 * and no forks however many nodes there are, and a node that dies in the middle leaves nothing behind. Which
 * terminations lack one stands in the table; that a notice has just ended is a hint and spares the wait.
 */
@Injectable()
export class ReceiptIssuer implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(ReceiptIssuer.name);
  private readonly hints = new Set<string>();
  private cursor: string | undefined;
  private soon: NodeJS.Timeout | undefined;
  private readonly task = new PeriodicTask(
    () => this.issueHintedAndNext(),
    (error) => warnOf(this.logger, 'receipts wait', error),
  );

  constructor(
    private readonly chain: ReceiptChain,
    private readonly receipts: ReceiptRepository,
    private readonly transactions: TransactionRunner,
    private readonly metrics: Metrics,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  onApplicationBootstrap(): void {
    this.task.start(this.settings.receiptPollMs);
  }

  beforeApplicationShutdown(): Promise<void> {
    clearTimeout(this.soon);
    return this.task.stop();
  }

  /** These may be complete now. Returns at once; the receipts follow. */
  hint(terminationIds: Iterable<string>): void {
    if (this.settings.receiptPollMs === 0 || this.task.stopping) return;
    for (const id of terminationIds) if (this.hints.size < MAX_HINTS) this.hints.add(id);
    this.soon ??= setTimeout(() => {
      this.soon = undefined;
      this.task.runSoon();
    }, HINT_DELAY_MS).unref();
  }

  /** Issues what is missing and can be issued now. Returns how many receipts were issued. */
  issueDue(): Promise<number> {
    return this.task.run();
  }

  private async issueHintedAndNext(): Promise<number> {
    const hinted = [...this.hints];
    let issued = await this.issueFor(hinted);
    if (issued === undefined) return 0;
    for (const id of hinted) this.hints.delete(id);
    for (let more = true; more && !this.task.stopping;) {
      const { ready, last } = await this.receipts.owed(this.cursor, PAGE);
      const now = await this.issueFor(ready);
      if (now === undefined) return issued;
      issued += now;
      // Round and round, so that terminations which are long in coming do not hide those behind them.
      this.cursor = last;
      more = ready.length > 0 && last !== undefined;
    }
    return issued;
  }

  /** Undefined: another node is at it. */
  private async issueFor(terminationIds: readonly string[]): Promise<number | undefined> {
    let issued = 0;
    if (terminationIds.length === 0) return issued;
    for (let batch = BATCH; batch === BATCH;) {
      const due = await this.transactions.run((tx) => this.chain.extend(tx, terminationIds, BATCH));
      // What was issued before the other node came in between counts all the same.
      if (due === undefined) return issued === 0 ? undefined : issued;
      batch = due.signed.length;
      issued += batch;
      if (due.head !== undefined) this.chain.publish(due.head);
      this.count(due.signed);
    }
    return issued;
  }

  /** After the commit: each termination counts once, on the node that signed its first receipt. */
  private count(issued: readonly DueReceipt[]): void {
    this.metrics.countReceipts(issued.length);
    for (const { applications, endedAt, superseded } of issued) {
      if (superseded !== undefined || applications.length === 0) continue;
      if (applications.some((application) => application.outcome !== 'delivered')) continue;
      const last = Math.max(...applications.map((application) => Date.parse(application.finished_at)));
      this.metrics.observeConfirmation(Math.max(0, last - endedAt.getTime()) / 1000);
    }
  }
}
