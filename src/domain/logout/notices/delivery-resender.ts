import { Injectable } from '@nestjs/common';
import { AuditLog } from '../../../platform/audit/audit-log.js';
import { Clock } from '../../../platform/clock/clock.js';
import { TransactionRunner } from '../../../platform/database/transaction.js';
import { BackChannelLogoutDispatcher } from './back-channel-logout.dispatcher.js';
import { DeliveryBreakerRepository } from './delivery-breaker.repository.js';
import type { DeliveryFilter } from './delivery.js';
import { RedeliveryRepository, type NoticePlace } from './redelivery.repository.js';

/** How many steps one request takes. */
const STEPS = 10;

/** What an operator's order to send again came to. */
export interface Redelivered {
  readonly resent: number;
  /** There are more that fit, older ones. */
  readonly more: boolean;
}

/** Makes notices due again by an operator's order, and puts the order on record. */
@Injectable()
export class DeliveryResender {
  constructor(
    private readonly deliveries: RedeliveryRepository,
    private readonly breakers: DeliveryBreakerRepository,
    private readonly dispatcher: BackChannelLogoutDispatcher,
    private readonly transactions: TransactionRunner,
    private readonly audit: AuditLog,
    private readonly clock: Clock,
  ) {}

  /**
   * Those that fit the filter and were not delivered, the newest first, in steps of which each is on record by itself; as many
   * as {@link STEPS} steps have.
   */
  async resend(filter: DeliveryFilter, operator: string): Promise<Redelivered> {
    let resent = 0;
    let next: NoticePlace | undefined;
    for (let n = 0; n < STEPS; n += 1) {
      const step = await this.step(filter, operator, next);
      resent += step.count;
      ({ next } = step);
      if (step.count > 0) void this.dispatcher.sendDue();
      if (next === undefined) break;
    }
    return { resent, more: next !== undefined };
  }

  private step(filter: DeliveryFilter, operator: string, from: NoticePlace | undefined) {
    const { ids, clientId, terminationId, state } = filter;
    return this.transactions.run(async (tx) => {
      const now = this.clock.now();
      const { byClient, next } = await this.deliveries.resend(tx, filter, now, from);
      // The operator has reason to think that it works now, so the first of them goes out as a probe without a pause.
      await this.breakers.probeNow(tx, [...byClient.keys()].toSorted(), now);
      const count = [...byClient.values()].reduce((total, n) => total + n, 0);
      await this.audit.record(
        {
          event: 'deliveries_resent',
          outcome: 'done',
          details: {
            operator,
            resent: count,
            delivery_id: ids?.length === 1 ? (ids[0] ?? null) : null,
            client_id: clientId ?? null,
            termination_id: terminationId ?? null,
            state: state ?? null,
          },
        },
        tx,
      );
      return { count, next };
    });
  }
}
