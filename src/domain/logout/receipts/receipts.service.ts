import { Injectable } from '@nestjs/common';
import { statement, typed } from '../../../platform/database/statement.js';
import { TransactionRunner } from '../../../platform/database/transaction.js';
import { NotFoundError } from '../../../platform/oidc/errors.js';
import { noticesStand } from '../notices/deliveries.sql.js';
import type { DeliveryState } from '../notices/delivery.js';
import type { NotNotifiedReason, WithoutNotice } from '../termination/without-notice.js';
import type { Receipt } from './receipt.js';
import { ReceiptRepository } from './receipt.repository.js';

/** Bounded by the number of applications, not of sessions. */
const STANDING = statement({
  name: 'receipts_standing',
  parameters: { terminationId: 'uuid' },
  row: {
    receipted: 'boolean',
    occurred_at: 'timestamptz',
    without_notice: typed<readonly WithoutNotice[]>('jsonb'),
    applications: typed<readonly NoticeStanding[]>('json?'),
  },
  text: `
    SELECT NOT EXISTS (SELECT 1 FROM logout_receipts_owed o WHERE o.termination_id = t.id) AS receipted, t.occurred_at, t.without_notice, a.applications FROM session_terminations t
      LEFT JOIN LATERAL (
        SELECT json_agg(json_build_object('clientId', g.client_id, 'state', g.state, 'notices', g.notices, 'attempts', g.attempts)
                        ORDER BY g.client_id, g.state) AS applications
          FROM (${noticesStand('t.id')}) g
      ) a ON true
     WHERE t.id = :terminationId`,
});

/** An application's notices that stand alike. */
export interface NoticeStanding {
  readonly clientId: string;
  readonly state: DeliveryState;
  readonly notices: number;
  readonly attempts: number;
}

/** As {@link NoticeStanding}, or that the application gets none. */
export interface ApplicationStanding {
  readonly clientId: string;
  readonly state: DeliveryState | WithoutNotice['state'];
  /** With `not_told`. */
  readonly reason: NotNotifiedReason | null;
  readonly notices: number;
  readonly attempts: number;
}

export type ReceiptStanding =
  | { readonly kind: 'final'; readonly receipt: Receipt }
  /** A notice is still pending, or the receipt is about to be signed. */
  | {
      readonly kind: 'pending';
      readonly endedAt: Date;
      readonly applications: readonly NoticeStanding[];
      readonly withoutNotice: readonly WithoutNotice[];
    };

/** Receipts as they are read: of one termination, or the whole chain. */
@Injectable()
export class ReceiptsService {
  constructor(
    private readonly receipts: ReceiptRepository,
    private readonly transactions: TransactionRunner,
  ) {}

  /**
   * The latest receipt of a termination, once nothing of it is pending.
   * @throws NotFoundError
   */
  async ofTermination(terminationId: string): Promise<ReceiptStanding> {
    const [row] = await this.transactions.query(STANDING, { terminationId });
    const applications = row?.applications ?? [];
    const isFinal = row === undefined || (row.receipted && applications.every(({ state }) => state !== 'pending'));
    const receipt = isFinal ? await this.receipts.latest(terminationId) : undefined;
    if (receipt !== undefined) return { kind: 'final', receipt };
    if (row === undefined) throw new NotFoundError('There is no such termination.');
    return { kind: 'pending', endedAt: row.occurred_at, applications, withoutNotice: row.without_notice };
  }

  /** The chain from after `sequence` on, at most `limit` links of it. */
  chain(sequence: number, limit: number): Promise<Receipt[]> {
    return this.receipts.after(sequence, limit);
  }
}
