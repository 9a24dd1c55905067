import { Injectable } from '@nestjs/common';
import type { Tx } from '../../../platform/database/transaction.js';
import { Metrics } from '../../../platform/metrics/metrics.js';
import { SessionLimit } from '../../sessions/ports/session-limit.js';
import { SessionTerminationRepository } from '../termination/session-termination.repository.js';
import { TerminationPlanner } from './termination-planner.js';

/** Ends the sessions of an account that are beyond the limit, within the sign-in that went beyond it. */
@Injectable()
export class SessionLimitEnforcer extends SessionLimit {
  constructor(
    private readonly terminations: SessionTerminationRepository,
    private readonly planner: TerminationPlanner,
    private readonly metrics: Metrics,
  ) {
    super();
  }

  /**
   * Part of the sign-in's transaction, which may still be rolled back: nothing is sent from here. The notices are due at
   * once, and the next node that polls sees them committed.
   */
  async enforce(tx: Tx, accountId: string, newSessionId: string, limit: number): Promise<void> {
    const target = { kind: 'surplus', accountId, newSessionId, limit } as const;
    const order = this.planner.plan({ target, cause: 'max_sessions', initiator: { kind: 'system' } });
    const result = await this.terminations.terminate(tx, { ...order, claimedUntil: order.now });
    if (result !== undefined) this.metrics.countTermination(order.cause);
  }
}
