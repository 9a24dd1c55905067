import { Injectable } from '@nestjs/common';
import { TransactionRunner, type Tx } from '../../../platform/database/transaction.js';
import { Tracing } from '../../../platform/tracing/tracing.js';
import {
  SessionTerminationRepository,
  type TerminationPlan,
  type TerminationResult,
} from '../termination/session-termination.repository.js';
import { LogoutAnnouncer } from './logout-announcer.js';
import { LargeTargets } from '../orders/large-targets.service.js';
import type { LogoutCommand, LogoutOutcome, LogoutTarget, OrderedLogout } from './logout.js';
import { TerminationPlanner } from './termination-planner.js';

type AnyCommand = LogoutCommand<LogoutTarget>;

interface Ended {
  readonly order: TerminationPlan;
  readonly result: TerminationResult | undefined;
}
type Ordered = Pick<OrderedLogout, 'orderId'>;

/** Work of another module in the logout's transaction. */
export interface LogoutHooks<Command = LogoutCommand> {
  /** @returns false when there turns out to be nothing to do: then nothing ends; a command, what is to end instead */
  readonly before?: (tx: Tx) => Promise<boolean | void | Command>;
  /** @param ended undefined when there was nothing to end, or an order ends it */
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
    private readonly large: LargeTargets,
    private readonly tracing: Tracing,
  ) {}

  /**
   * When this returns, the end is committed: introspection, userinfo, refresh and `prompt=none` refuse from now on, on
   * every node. Notices are being sent; `BackChannelLogoutDispatcher.settled` waits for them.
   *
   * @param hooks what must happen in the same transaction: before the sessions end (disabling an account), after it
   * @throws whatever storage throws; then nothing ended
   */
  logout(command: LogoutCommand, hooks?: LogoutHooks): Promise<LogoutOutcome> {
    return this.traced(command, () => this.carryOut(command, hooks));
  }

  private async carryOut(command: LogoutCommand, hooks?: LogoutHooks): Promise<LogoutOutcome> {
    const order = this.planner.plan(command);
    if (hooks === undefined)
      return this.announcer.announce(order, await this.terminations.terminate(this.transactions, order));
    const done = await this.transactions.run(async (tx) => {
      const plan = await this.prepared(tx, order, hooks);
      return plan === undefined ? { order, result: undefined } : this.end(tx, plan, hooks);
    });
    return this.announcer.announce(done.order, done.result);
  }

  /**
   * As {@link logout}, of what may be any number of sessions. Where it is too many for one statement an order ends it, which
   * is one row: dead with the commit just the same, and the records and notices follow
   * (docs/decisions/0057-nothing-an-operator-does-grows.md).
   */
  logoutAny(command: AnyCommand, hooks: LogoutHooks<AnyCommand> = {}): Promise<LogoutOutcome | OrderedLogout> {
    return this.traced(command, () => this.carryOutAny(command, hooks));
  }

  /** The span that the attempts at the notices are parts of. */
  private traced<T>({ cause }: AnyCommand, work: () => Promise<T>): Promise<T> {
    const span = this.tracing.child('logout', 'internal');
    span?.set({ 'exeunt.logout.cause': cause });
    return this.tracing.within(span, work);
  }

  private async carryOutAny(
    command: AnyCommand,
    hooks: LogoutHooks<AnyCommand>,
  ): Promise<LogoutOutcome | OrderedLogout> {
    const order = this.planner.plan(command);
    const done = await this.transactions.run((tx) => this.endOrOrder(tx, order, hooks));
    return 'orderId' in done ? { kind: 'ordered', ...done } : this.announcer.announce(done.order, done.result);
  }

  /**
   * When this returns, what is over in storage is over for good, as far as `LOGOUT_DURABILITY` asks for it. For an answer
   * "it is over" that has only looked.
   */
  async confirm(): Promise<void> {
    await this.transactions.confirm();
  }

  private async endOrOrder(tx: Tx, order: TerminationPlan, hooks: LogoutHooks<AnyCommand>): Promise<Ended | Ordered> {
    const plan = await this.prepared(tx, order, hooks);
    if (plan === undefined) return { order, result: undefined };
    if (!(await this.large.is(tx, plan.target))) return this.end(tx, plan, hooks);
    await hooks.after?.(tx, undefined);
    // Last, so that orders wait for each other no longer than they must.
    return { orderId: await this.large.order(tx, plan) };
  }

  /** What is to end, once the other module's work is done; undefined: nothing. */
  private async prepared(
    tx: Tx,
    order: TerminationPlan,
    { before }: Pick<LogoutHooks<AnyCommand>, 'before'>,
  ): Promise<TerminationPlan | undefined> {
    const word = await before?.(tx);
    if (word === false) return undefined;
    return typeof word === 'object' ? this.planner.plan(word) : order;
  }

  private async end(tx: Tx, order: TerminationPlan, { after }: Pick<LogoutHooks, 'after'>): Promise<Ended> {
    const result = await this.terminations.terminate(tx, order);
    await after?.(tx, result);
    return { order, result };
  }
}
