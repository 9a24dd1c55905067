import {
  Inject,
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { AuditLog } from '../../../platform/audit/audit-log.js';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { timeOrderedId } from '../../../platform/clock/time-ordered-id.js';
import { Clock } from '../../../platform/clock/clock.js';
import { PeriodicTask } from '../../../platform/database/periodic-task.js';
import { warnOf } from '../../../platform/database/storage-log.js';
import { TransactionRunner, type Tx } from '../../../platform/database/transaction.js';
import { Metrics } from '../../../platform/metrics/metrics.js';
import { LogoutOrderWorkRepository, type ClaimedOrder } from './logout-order-work.repository.js';
import type { OrderPhase } from './logout-order.js';

/** How soon a paused order is looked at again, for notices that were under way when it was paused. */
const PAUSED_LOOK_MS = 1000;
/** How long an order whose batch failed waits, so that others have their turn. */
const FAILED_LOOK_MS = 5000;

/**
 * Writes what orders have already ended: a record for each session, a notice for each application in it. In batches,
 * each one transaction that also notes how far it is, so a killed node loses a batch as a whole and the next one makes
 * it again. Any node may make the next batch; the order's row lock keeps two from making the same.
 */
@Injectable()
export class LogoutOrderJob implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(LogoutOrderJob.name);
  private readonly task = new PeriodicTask(
    () => this.steps(),
    (error) =>
      warnOf(
        this.logger,
        this.waiting === undefined ? 'logout orders were not looked for' : 'a logout order waits',
        error,
      ),
  );
  /** The order whose batch failed last. */
  private waiting: ClaimedOrder | undefined;

  constructor(
    private readonly orders: LogoutOrderWorkRepository,
    private readonly transactions: TransactionRunner,
    private readonly audit: AuditLog,
    private readonly metrics: Metrics,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  onApplicationBootstrap(): void {
    this.task.start(this.settings.deliveryPollMs);
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.task.stop();
  }

  /** Batch after batch until there is nothing to do now. One run at a time in a process. */
  run(): Promise<void> {
    return this.task.run();
  }

  /** One batch of the order that has waited longest. False: there is nothing to do now. */
  async step(): Promise<boolean> {
    let claimed: ClaimedOrder | undefined;
    const work = this.transactions.run(async (tx) => {
      claimed = await this.orders.claim(tx, this.clock.now());
      return claimed === undefined ? undefined : { cause: claimed.cause, sessions: await this.advance(tx, claimed) };
    });
    const done = await work.catch(async (error: unknown) => {
      this.waiting = claimed;
      if (claimed !== undefined) await this.orders.lookAgain(this.transactions, claimed, this.clock.in(FAILED_LOOK_MS));
      throw error;
    });
    if (done === undefined) return false;
    // After the commit: the transaction may have run more than once.
    if (done.sessions > 0) this.metrics.countTermination(done.cause, done.sessions);
    return true;
  }

  private async steps(): Promise<void> {
    while (!this.task.stopping && (await this.step()));
  }

  /** @returns how many sessions were dealt with */
  private async advance(tx: Tx, order: ClaimedOrder): Promise<number> {
    if (order.state === 'paused') return this.hold(tx, order);
    if (order.holds) {
      await this.orders.release(tx, order, this.clock.now());
      return 0;
    }
    switch (order.phase) {
      case 'sessions':
        return this.endSessions(tx, order, 'grants');
      case 'grants':
        return this.revokeGrants(tx, order);
      case 'late':
        return this.endSessions(tx, order, 'notices');
      case 'notices':
        return this.awaitLastNotice(tx, order);
    }
  }

  private async hold(tx: Tx, order: ClaimedOrder): Promise<number> {
    const all = await this.orders.hold(tx, order, this.clock.now());
    if (all) await this.orders.lookAgain(tx, order, this.clock.in(PAUSED_LOOK_MS));
    return 0;
  }

  private async endSessions(tx: Tx, order: ClaimedOrder, next: OrderPhase): Promise<number> {
    const now = this.clock.now();
    if (order.total === null && !(await this.orders.count(tx, order))) return 0;
    const batch = await this.orders.lockBatch(tx, order.total === null ? { ...order, cursor: null } : order);
    if (batch.sessions.length > 0) {
      const terminationIds = batch.sessions.map(() => timeOrderedId(now));
      await this.orders.apply(tx, order, batch, terminationIds, now);
    } else if (!batch.finished) await this.orders.move(tx, order, batch.cursor, now);
    if (batch.finished) await this.orders.enter(tx, order, next, now);
    return batch.sessions.length;
  }

  private async revokeGrants(tx: Tx, order: ClaimedOrder): Promise<number> {
    const now = this.clock.now();
    if (await this.orders.revokeGrants(tx, order, timeOrderedId(now), now))
      await this.orders.enter(tx, order, 'late', this.clock.now());
    return 0;
  }

  /** Until then it can be paused; a notice that fails after that is tried again like any other. */
  private async awaitLastNotice(tx: Tx, order: ClaimedOrder): Promise<number> {
    const now = this.clock.now();
    if (order.lastNoticeAt !== null && order.lastNoticeAt > now) {
      await this.orders.lookAgain(tx, order, order.lastNoticeAt);
      return 0;
    }
    await this.orders.finish(tx, order, now);
    await this.audit.record(
      {
        event: 'logout_order',
        outcome: 'done',
        details: {
          order_id: order.id,
          change: 'done',
          sessions: order.done,
          grants_revoked: order.grantsRevoked,
          deliveries: order.deliveries,
        },
      },
      tx,
    );
    return 0;
  }
}
