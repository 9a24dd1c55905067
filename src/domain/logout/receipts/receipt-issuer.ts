import {
  Inject,
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { v7 as uuid } from 'uuid';
import { AuditLog } from '../../../platform/audit/audit-log.js';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { Clock } from '../../../platform/clock/clock.js';
import { PeriodicTask } from '../../../platform/database/periodic-task.js';
import { warnOf } from '../../../platform/database/storage-log.js';
import { TransactionRunner, type Tx } from '../../../platform/database/transaction.js';
import { JwtSigner } from '../../../platform/keys/jwt-signer.js';
import { Metrics } from '../../../platform/metrics/metrics.js';
import { receiptHash, type Receipt, type ReceiptClaims } from './receipt.js';
import { ReceiptRepository, type ChainHead, type DueReceipt } from './receipt.repository.js';

const BATCH = 200;
/** How many unreceipted terminations one poll looks at: those of a dead application are many and stay so for a day. */
const PAGE = 500;
/** Hints are only hints: what is beyond this is found by polling. */
const MAX_HINTS = 5000;
const HINT_DELAY_MS = 50;

/** What one transaction has signed, and where the chain ends by it. */
interface Batch {
  readonly signed: readonly DueReceipt[];
  readonly head: ChainHead | undefined;
}

/**
 * Issues receipts: one for each termination, when the last of its notices has ended.
 *
 * Any node issues them, one node at a time (an advisory lock that falls with the transaction), so the chain has no gaps
 * and no forks however many nodes there are, and a node that dies in the middle leaves nothing behind. Which
 * terminations are owed one stands in the table; that a notice has just ended is a hint and spares the wait.
 */
@Injectable()
export class ReceiptIssuer implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(ReceiptIssuer.name);
  private readonly hints = new Set<string>();
  private cursor: string | undefined;
  private soon: NodeJS.Timeout | undefined;
  /** The newest receipt that this process has signed, as far as it remembers: out of the reach of SQL. */
  private kept: ChainHead | undefined;
  private readonly task = new PeriodicTask(
    () => this.issueHintedAndNext(),
    (error) => warnOf(this.logger, 'receipts wait', error),
  );

  constructor(
    private readonly receipts: ReceiptRepository,
    private readonly transactions: TransactionRunner,
    private readonly signer: JwtSigner,
    private readonly audit: AuditLog,
    private readonly metrics: Metrics,
    private readonly clock: Clock,
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

  /** One look at the hints and at the next page of the table. Returns how many receipts were issued. */
  issueDue(): Promise<number> {
    return this.task.run();
  }

  private async issueHintedAndNext(): Promise<number> {
    const hinted = [...this.hints];
    const page = await this.receipts.unreceipted(this.cursor, PAGE);
    // Round and round, so that terminations which are long in coming do not hide those behind them.
    this.cursor = page.length < PAGE ? undefined : page.at(-1);
    const issued = await this.issueFor([...new Set([...hinted, ...page])]);
    if (issued === undefined) return 0;
    for (const id of hinted) this.hints.delete(id);
    return issued;
  }

  /** Undefined: another node is at it. */
  private async issueFor(terminationIds: readonly string[]): Promise<number | undefined> {
    let issued = 0;
    if (terminationIds.length === 0) return issued;
    for (let batch = BATCH; batch === BATCH;) {
      const due = await this.transactions.run((tx) => this.issueBatch(tx, terminationIds));
      // What was issued before the other node came in between counts all the same.
      if (due === undefined) return issued === 0 ? undefined : issued;
      batch = due.signed.length;
      issued += batch;
      if (due.head !== undefined) this.publish(due.head);
      this.count(due.signed);
    }
    return issued;
  }

  private async issueBatch(tx: Tx, terminationIds: readonly string[]): Promise<Batch | undefined> {
    if (!(await this.receipts.tryLock(tx))) return undefined;
    const due = await this.receipts.due(tx, terminationIds, BATCH);
    if (due.length === 0) return { signed: due, head: undefined };
    const now = this.clock.now();
    const head = await this.head(tx);
    const chain: Receipt[] = [];
    for (const termination of due) {
      const last = chain.at(-1);
      chain.push(
        await this.sign(termination, (last ?? head).sequence + 1, last === undefined ? head.hash : last.hash, now),
      );
    }
    await this.receipts.issue(tx, chain, now);
    const first = head.sequence + 1;
    const details = { count: chain.length, first, last: head.sequence + chain.length };
    await this.audit.record({ event: 'receipts_issued', outcome: 'done', details }, tx);
    const last = chain.at(-1);
    return { signed: due, head: last === undefined ? undefined : { sequence: last.sequence, hash: last.hash } };
  }

  /**
   * Where the chain goes on. When its end is not what this process left there, somebody has cut it: then it goes on from
   * what was signed, so that the gap is there for whoever verifies it, and no number is given twice.
   */
  private async head(tx: Tx): Promise<ChainHead> {
    const stored = await this.receipts.head(tx);
    const { kept } = this;
    if (kept === undefined || kept.hash === null || (await this.receipts.holds(tx, kept.sequence, kept.hash)))
      return stored;
    this.metrics.countReceiptChainCut();
    this.logger.error(
      `ALERT the chain of receipts was cut: ${kept.sequence} ${kept.hash} was signed and is not there; it ends at ${stored.sequence}`,
    );
    return stored.sequence > kept.sequence ? stored : kept;
  }

  /** After the commit, and where no SQL reaches: a line of the log and a metric. */
  private publish(head: ChainHead): void {
    this.kept = head;
    this.metrics.showReceiptHead(head.sequence);
    this.logger.log(`receipts end at ${head.sequence} ${head.hash ?? ''}`);
  }

  private async sign(due: DueReceipt, sequence: number, previous: string | null, now: Date): Promise<Receipt> {
    const revision = (due.superseded?.revision ?? 0) + 1;
    const claims: ReceiptClaims = {
      iss: this.settings.issuer,
      iat: Math.floor(now.getTime() / 1000),
      jti: uuid(),
      sequence,
      previous,
      termination_id: due.terminationId,
      revision,
      ...(due.superseded === undefined ? {} : { supersedes: due.superseded.sequence }),
      cause: due.cause,
      initiator: due.initiator,
      ...(due.accountId === null ? {} : { account_id: due.accountId }),
      ended_at: due.endedAt.toISOString(),
      sessions: due.sessions,
      grants_revoked: due.grantsRevoked,
      applications: due.applications,
      ...(due.withoutNotice.length === 0 ? {} : { without_notice: due.withoutNotice }),
    };
    const jws = await this.signer.sign('ES256', 'logout-receipt+jwt', claims);
    const { terminationId } = due;
    return { sequence, terminationId, revision, jws, hash: receiptHash(jws), previousHash: previous, issuedAt: now };
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
