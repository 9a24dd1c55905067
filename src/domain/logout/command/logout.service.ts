import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { v7 as uuid } from 'uuid';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { Clock } from '../../../platform/clock/clock.js';
import { TransactionRunner, type Tx } from '../../../platform/database/transaction.js';
import { Metrics } from '../../../platform/metrics/metrics.js';
import { SessionLimit } from '../../sessions/session-limit.js';
import { GrantReuse } from '../../tokens/grant-reuse.js';
import { BackChannelLogoutDispatcher } from '../notices/back-channel-logout.dispatcher.js';
import { logoutPolicy } from './logout-policy.js';
import type { LogoutCommand, LogoutOutcome, LogoutTarget } from './logout.js';
import { TerminationCauses } from './termination-causes.js';
import { ReceiptIssuer } from '../receipts/receipt-issuer.js';
import {
  SessionTerminationRepository,
  type TerminationOrder,
  type TerminationResult,
} from '../termination/session-termination.repository.js';

/** Beyond an attempt's time limit: how long a notice stays with the process that is sending it. */
const CLAIM_MARGIN_MS = 5000;

/** Work of another module in the logout's transaction. */
export interface Alongside {
  /** @returns false when there turns out to be nothing to do: then nothing ends; a command, what is to end instead */
  readonly before?: (tx: Tx) => Promise<boolean | void | LogoutCommand>;
  /** @param ended undefined when there was nothing to end */
  readonly after?: (tx: Tx, ended: { readonly sessions: number } | undefined) => Promise<void>;
}

/**
 * The one path by which sessions end, whatever the cause (docs/architecture.md#one-path).
 *
 * Decision: who and what ends is in the command; which grants fall is {@link logoutPolicy}; the rest is one
 * transaction, one statement. Nothing waits for an application while a lock is held: notices are rows first, and go out
 * after the commit, so that a crash in between loses none.
 *
 * @see [Back-Channel Logout 1.0](https://openid.net/specs/openid-connect-backchannel-1_0.html) §2.3, §2.5, §2.7
 */
@Injectable()
export class LogoutService implements OnModuleInit {
  constructor(
    private readonly terminations: SessionTerminationRepository,
    private readonly dispatcher: BackChannelLogoutDispatcher,
    private readonly receipts: ReceiptIssuer,
    private readonly transactions: TransactionRunner,
    private readonly reuse: GrantReuse,
    private readonly sessionLimit: SessionLimit,
    private readonly metrics: Metrics,
    private readonly clock: Clock,
    private readonly causes: TerminationCauses,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  onModuleInit(): void {
    // A series must be there before its first event, or an alert on its rate misses that one.
    for (const cause of this.causes.names) this.metrics.countTermination(cause, 0);
    this.reuse.handleWith(async (grantId, clientId, cause) => {
      await this.logout({ target: { kind: 'grant', grantId }, cause, initiator: { kind: 'client', clientId } });
    });
    this.sessionLimit.enforceWith((tx, accountId, newSessionId, limit) =>
      this.endSurplus(tx, { kind: 'surplus', accountId, newSessionId, limit }),
    );
  }

  /**
   * When this returns, the end is committed: introspection, userinfo, refresh and `prompt=none` refuse from now on, on
   * every node. Notices are being sent; {@link BackChannelLogoutDispatcher.settled} waits for them.
   *
   * @param alongside what must happen in the same transaction: before the sessions end (disabling an account), after
   *   it (deleting a client, whose applications are still to be told)
   * @throws whatever storage throws; then nothing ended
   */
  async logout(command: LogoutCommand, alongside?: Alongside): Promise<LogoutOutcome> {
    const order = this.order(command);
    if (alongside === undefined)
      return this.announce(order, await this.terminations.terminate(this.transactions, order));
    const done = await this.transactions.run(async (tx) => {
      const word = await alongside.before?.(tx);
      if (word === false) return { order, result: undefined };
      const carriedOut = typeof word === 'object' ? this.order(word) : order;
      const result = await this.terminations.terminate(tx, carriedOut);
      await alongside.after?.(tx, result);
      return { order: carriedOut, result };
    });
    return this.announce(done.order, done.result);
  }

  /**
   * Part of somebody else's transaction, which may still be rolled back: nothing is sent from here. The notices are due
   * at once, and go out when whoever polls next sees them committed.
   */
  private async endSurplus(tx: Tx, target: LogoutTarget): Promise<void> {
    const order = this.order({ target, cause: 'max_sessions', initiator: { kind: 'system' } });
    const result = await this.terminations.terminate(tx, { ...order, claimedUntil: order.now });
    if (result !== undefined) this.metrics.countTermination(order.cause);
  }

  private order(command: LogoutCommand): TerminationOrder {
    return {
      ...command,
      ...logoutPolicy(command, this.causes),
      terminationId: uuid(),
      now: this.clock.now(),
      claimedUntil: this.clock.in(this.settings.deliveryTimeoutMs + CLAIM_MARGIN_MS),
    };
  }

  private announce(order: TerminationOrder, result: TerminationResult | undefined): LogoutOutcome {
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
