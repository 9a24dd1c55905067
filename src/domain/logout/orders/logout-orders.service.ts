import { Inject, Injectable } from '@nestjs/common';
import { v7 as uuid } from 'uuid';
import { AuditLog } from '../../../platform/audit/audit-log.js';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { SECOND } from '../../../platform/clock/durations.js';
import { Clock } from '../../../platform/clock/clock.js';
import type { Page, PageRequest } from '../../../platform/database/page.js';
import { TransactionRunner, type Tx } from '../../../platform/database/transaction.js';
import { ConflictError, NotFoundError } from '../../../platform/oidc/errors.js';
import type { LogoutOrder, NewLogoutOrder, OrderApplication } from './logout-order.js';
import { LogoutOrderRepository } from './logout-order.repository.js';

/** An order and how far it is. */
export interface OrderProgress {
  readonly order: LogoutOrder;
  /** Notices that have not ended yet, later attempts among them. */
  readonly pending: number;
  readonly applications: readonly OrderApplication[];
  /** When the last of all notices is going to be due, as far as can be seen; undefined while it cannot. */
  readonly expectedUntil: Date | undefined;
}

/** Orders to end any number of sessions at once (docs/decisions/0025-logout-orders-are-epochs.md). */
@Injectable()
export class LogoutOrdersService {
  constructor(
    private readonly repository: LogoutOrderRepository,
    private readonly transactions: TransactionRunner,
    private readonly audit: AuditLog,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /**
   * When this returns, everything of the target that began before is dead on every node, by the one row that was
   * written. Records and notices follow ({@link LogoutOrderJob}).
   *
   * @returns the order that the same operator placed by the same key before, if there is one
   * @throws ConflictError when that one was another order
   */
  async place(request: NewLogoutOrder): Promise<LogoutOrder> {
    const id = uuid();
    const notifyPerSecond = request.notifyPerSecond ?? this.settings.logoutOrderNotifyPerSecond;
    const placed = await this.transactions.run(async (tx) => {
      if (!(await this.repository.place(tx, id, request, notifyPerSecond, this.clock.now())))
        return this.placedBefore(tx, request, notifyPerSecond);
      await this.record(tx, id, 'placed', request.operator, { target: request.target.kind });
      return undefined;
    });
    return placed ?? (await this.get(id)).order;
  }

  /**
   * As {@link place}, within a change that takes something from so many that it is not written at once.
   * @returns its id
   */
  async placeWithin(tx: Tx, request: Omit<NewLogoutOrder, 'idempotencyKey'>): Promise<string> {
    const id = uuid();
    const { logoutOrderNotifyPerSecond } = this.settings;
    const terms = { ...request, idempotencyKey: undefined };
    await this.repository.place(tx, id, terms, request.notifyPerSecond ?? logoutOrderNotifyPerSecond, this.clock.now());
    const { target, operator, cause = 'logout_order' } = request;
    await this.record(tx, id, 'placed', operator, { target: target.kind, cause });
    return id;
  }

  /** Newest first. */
  list(page: PageRequest): Promise<Page<LogoutOrder>> {
    return this.repository.list(page);
  }

  /** @throws NotFoundError */
  async get(id: string): Promise<OrderProgress> {
    const order = await this.repository.find(id);
    if (order === undefined) throw new NotFoundError('There is no such logout order.');
    const [pending, applications] = await Promise.all([this.repository.pending(id), this.repository.applications(id)]);
    return { order, pending, applications, expectedUntil: expectedUntil(order, applications) };
  }

  /**
   * No more records and notices until it is resumed; those notices that wait for their time are held back by the job
   * within a second or so. What the order ended stays dead. Pausing it again changes nothing.
   *
   * @throws NotFoundError, ConflictError when it is done
   */
  async pause(id: string, operator: string): Promise<OrderProgress> {
    await this.transactions.run(async (tx) => {
      if (await this.repository.pause(tx, id, this.clock.now())) await this.record(tx, id, 'paused', operator);
    });
    return this.notDone(await this.get(id));
  }

  /**
   * Continues where it was. Notices that were held back are given new times from now on, at the order's rate.
   *
   * @throws NotFoundError, ConflictError when it is done
   */
  async resume(id: string, operator: string): Promise<OrderProgress> {
    await this.transactions.run(async (tx) => {
      if (await this.repository.resume(tx, id, this.clock.now())) await this.record(tx, id, 'resumed', operator);
    });
    return this.notDone(await this.get(id));
  }

  private notDone(progress: OrderProgress): OrderProgress {
    if (progress.order.state === 'done') throw new ConflictError('The order is done.');
    return progress;
  }

  private async placedBefore(tx: Tx, request: NewLogoutOrder, notifyPerSecond: number): Promise<LogoutOrder> {
    const before = await this.repository.findByKey(tx, request.operator, request.idempotencyKey ?? '');
    if (before === undefined) throw new Error('an order was neither placed nor found');
    const same =
      JSON.stringify(before.target) === JSON.stringify(request.target) &&
      before.reason === (request.reason ?? null) &&
      before.notifyPerSecond === notifyPerSecond;
    if (!same) throw new ConflictError('Another order was placed by this Idempotency-Key.');
    return before;
  }

  private record(
    tx: Tx,
    orderId: string,
    change: string,
    operator: string,
    details: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    return this.audit.record(
      { event: 'logout_order', outcome: 'done', details: { order_id: orderId, change, operator, ...details } },
      tx,
    );
  }
}

/** If the applications are in the sessions that are left as they were in those that are done. */
function expectedUntil(order: LogoutOrder, applications: readonly OrderApplication[]): Date | undefined {
  if (order.total === null || order.done === 0 || order.lastNoticeAt === null) return undefined;
  const share = Math.max(0, order.total - order.done) / order.done;
  const ends = applications.map(
    ({ deliveries, lastNoticeAt }) => lastNoticeAt.getTime() + (deliveries * share * SECOND) / order.notifyPerSecond,
  );
  return new Date(Math.max(order.lastNoticeAt.getTime(), ...ends));
}
