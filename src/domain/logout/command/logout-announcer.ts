import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Metrics } from '../../../platform/metrics/metrics.js';
import { BackChannelLogoutDispatcher } from '../notices/back-channel-logout.dispatcher.js';
import { ReceiptIssuer } from '../receipts/receipt-issuer.js';
import type { TerminationPlan, TerminationResult } from '../termination/session-termination.repository.js';
import type { LogoutOutcome } from './logout.js';
import { TerminationCauses } from './termination-causes.js';

/** What follows a termination once it is committed: it is counted, its notices go out, its receipt is signed. */
@Injectable()
export class LogoutAnnouncer implements OnModuleInit {
  constructor(
    private readonly dispatcher: BackChannelLogoutDispatcher,
    private readonly receipts: ReceiptIssuer,
    private readonly metrics: Metrics,
    private readonly causes: TerminationCauses,
  ) {}

  onModuleInit(): void {
    // A series must be there before its first event, or an alert on its rate misses that one.
    for (const cause of this.causes.names) this.metrics.countTermination(cause, 0);
  }

  announce(order: TerminationPlan, result: TerminationResult | undefined): LogoutOutcome {
    if (result === undefined) return { kind: 'nothing_to_end' };
    this.metrics.countTermination(order.cause);
    this.dispatcher.sendNow(order.terminationId, result.deliveries);
    if (result.deliveries.length === 0) this.receipts.hint([order.terminationId]);
    return {
      kind: 'ended',
      terminationId: order.terminationId,
      sessions: result.sessions,
      grantsRevoked: result.grantsRevoked,
      deliveries: result.deliveries.length,
      withoutNotice: result.withoutNotice,
      frontChannel: result.frontChannel,
    };
  }
}
