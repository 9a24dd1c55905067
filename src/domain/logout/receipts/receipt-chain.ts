import { Inject, Injectable, Logger } from '@nestjs/common';
import { newId } from '../../../platform/clock/time-ordered-id.js';
import { AuditLog } from '../../../platform/audit/audit-log.js';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { Clock } from '../../../platform/clock/clock.js';
import type { Tx } from '../../../platform/database/transaction.js';
import { JwtSigner } from '../../../platform/keys/jwt-signer.js';
import { Metrics } from '../../../platform/metrics/metrics.js';
import { receiptHash, type Receipt, type ReceiptClaims } from './receipt.js';
import { ReceiptRepository, type ChainHead, type DueReceipt } from './receipt.repository.js';

/** What one transaction has signed, and where the chain ends by it. */
export interface SignedBatch {
  readonly signed: readonly DueReceipt[];
  readonly head: ChainHead | undefined;
}

/** The chain of receipts: signs the next links, and knows where it ended when this process last added to it. */
@Injectable()
export class ReceiptChain {
  // What alerts look for is under this name.
  private readonly logger = new Logger('ReceiptIssuer');
  /** The newest receipt that this process has signed, as far as it remembers: out of the reach of SQL. */
  private kept: ChainHead | undefined;

  constructor(
    private readonly receipts: ReceiptRepository,
    private readonly signer: JwtSigner,
    private readonly audit: AuditLog,
    private readonly metrics: Metrics,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /**
   * Signs receipts for those of the terminations whose notices have all ended, at most `limit`.
   * @returns undefined when another node is at it
   */
  async extend(tx: Tx, terminationIds: readonly string[], limit: number): Promise<SignedBatch | undefined> {
    if (!(await this.receipts.tryLock(tx))) return undefined;
    const due = await this.receipts.due(tx, terminationIds, limit);
    if (due.length === 0) return { signed: due, head: undefined };
    const head = await this.head(tx);
    // Along the chain time never goes back, whatever the clocks of two nodes say: a day of it has no gaps.
    const now = new Date(Math.max(this.clock.now().getTime(), head.issuedAt?.getTime() ?? 0));
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
    return {
      signed: due,
      head: last === undefined ? undefined : { sequence: last.sequence, hash: last.hash, issuedAt: now },
    };
  }

  /** After the commit, and where no SQL reaches: a line of the log and a metric. */
  publish(head: ChainHead): void {
    this.kept = head;
    this.metrics.showReceiptHead(head.sequence);
    this.logger.log(`receipts end at ${head.sequence} ${head.hash ?? ''}`);
  }

  /**
   * Where the chain continues. When its end is not what this process left there, it was cut: then it continues from
   * what was signed, so that verifiers see the gap, and no number is given twice.
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

  private async sign(due: DueReceipt, sequence: number, previous: string | null, now: Date): Promise<Receipt> {
    const revision = (due.superseded?.revision ?? 0) + 1;
    const claims: ReceiptClaims = {
      iss: this.settings.issuer,
      iat: Math.floor(now.getTime() / 1000),
      jti: newId(),
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
}
