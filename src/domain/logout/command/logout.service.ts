import { Injectable } from '@nestjs/common';
import { TransactionRunner, type Tx } from '../../../platform/database/transaction.js';
import { SessionTerminationRepository } from '../termination/session-termination.repository.js';
import { LogoutAnnouncer } from './logout-announcer.js';
import type { LogoutCommand, LogoutOutcome } from './logout.js';
import { TerminationPlanner } from './termination-planner.js';

/** Work of another module in the logout's transaction. */
export interface LogoutHooks {
  /** @returns false when there turns out to be nothing to do: then nothing ends; a command, what is to end instead */
  readonly before?: (tx: Tx) => Promise<boolean | void | LogoutCommand>;
  /** @param ended undefined when there was nothing to end */
  readonly after?: (tx: Tx, ended: { readonly sessions: number } | undefined) => Promise<void>;
}

/**
 * The one path by which sessions end, whatever the cause (docs/architecture.md#one-path).
 *
 * Decision: who and what ends is in the command; which grants fall is `logoutPolicy`; the rest is one
 * transaction, one statement. Nothing waits for an application while a lock is held: notices are rows first, and go out
 * after the commit, so that a crash in between loses none.
 *
 * @see [Back-Channel Logout 1.0](https://openid.net/specs/openid-connect-backchannel-1_0.html) §2.3, §2.5, §2.7
 */
@Injectable()
export class LogoutService {
  constructor(
    private readonly terminations: SessionTerminationRepository,
    private readonly transactions: TransactionRunner,
    private readonly planner: TerminationPlanner,
    private readonly announcer: LogoutAnnouncer,
  ) {}

  /**
   * When this returns, the end is committed: introspection, userinfo, refresh and `prompt=none` refuse from now on, on
   * every node. Notices are being sent; `BackChannelLogoutDispatcher.settled` waits for them.
   *
   * @param hooks what must happen in the same transaction: before the sessions end (disabling an account), after it
   *   (deleting a client, which is still to be notified)
   * @throws whatever storage throws; then nothing ended
   */
  async logout(command: LogoutCommand, hooks?: LogoutHooks): Promise<LogoutOutcome> {
    const order = this.planner.plan(command);
    if (hooks === undefined)
      return this.announcer.announce(order, await this.terminations.terminate(this.transactions, order));
    const done = await this.transactions.run(async (tx) => {
      const word = await hooks.before?.(tx);
      if (word === false) return { order, result: undefined };
      const carriedOut = typeof word === 'object' ? this.planner.plan(word) : order;
      const result = await this.terminations.terminate(tx, carriedOut);
      await hooks.after?.(tx, result);
      return { order: carriedOut, result };
    });
    return this.announcer.announce(done.order, done.result);
  }
}
