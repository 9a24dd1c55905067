import { Injectable } from '@nestjs/common';
import { AuditLog } from '../../../platform/audit/audit-log.js';
import { Clock } from '../../../platform/clock/clock.js';
import { TransactionRunner } from '../../../platform/database/transaction.js';
import { BackChannelLogoutDispatcher } from './back-channel-logout.dispatcher.js';
import { DeliveryBreakerRepository } from './delivery-breaker.repository.js';
import type { DeliveryFilter } from './delivery.js';
import { RedeliveryRepository } from './redelivery.repository.js';

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

  /** All that fit the filter and were not delivered. Returns how many. */
  async resend(filter: DeliveryFilter, operator: string): Promise<number> {
    const { ids, clientId, terminationId, state } = filter;
    const resent = await this.transactions.run(async (tx) => {
      const now = this.clock.now();
      const byClient = await this.deliveries.resend(tx, filter, now);
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
      return count;
    });
    if (resent > 0) void this.dispatcher.sendDue();
    return resent;
  }
}
