import { Injectable } from '@nestjs/common';
import { statement, type Queryable } from '../../../platform/database/statement.js';
import type { Tx } from '../../../platform/database/transaction.js';
import type { LogoutInitiator } from '../command/logout.js';
import { ORDER, ORDER_COLUMNS, targetId, toOrder } from './logout-order-row.js';
import type { LogoutOrder, OrderPhase } from './logout-order.js';
import { APPLY, COUNT, LOCK_BATCH, REVOKE_GRANTS } from './order-batch.sql.js';
import type { AboutOrder } from './order-kinds.sql.js';
import { HOLD, RELEASE } from './order-pace.sql.js';

const BATCH = 500;
const HOLD_BATCH = 5000;

/** The row's lock is the claim: it ends with the batch's transaction, also when the node is killed in it. */
const CLAIM = statement({
  name: 'logout_orders_claim',
  parameters: { now: 'timestamptz' },
  row: ORDER,
  text: `
   SELECT ${ORDER_COLUMNS} FROM logout_orders o WHERE o.state <> 'done' AND o.next_step_at <= :now
    ORDER BY o.next_step_at, o.number LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED`,
});

const ENTER = statement({
  name: 'logout_orders_phase',
  parameters: { id: 'uuid', phase: 'text', at: 'timestamptz' },
  text: `UPDATE logout_orders SET phase = :phase, cursor = NULL, state = 'running', next_step_at = :at WHERE id = :id`,
});
const COUNTED = statement({
  name: 'logout_orders_counted',
  parameters: { id: 'uuid', total: 'int' },
  text: `UPDATE logout_orders SET total = :total, state = 'running' WHERE id = :id`,
});
const FINISH = statement({
  name: 'logout_orders_finish',
  parameters: { id: 'uuid', now: 'timestamptz' },
  text: `UPDATE logout_orders SET state = 'done', finished_at = :now WHERE id = :id`,
});
const LOOK_AGAIN = statement({
  name: 'logout_orders_later',
  parameters: { id: 'uuid', at: 'timestamptz' },
  text: 'UPDATE logout_orders SET next_step_at = :at WHERE id = :id',
});
const RELEASED = statement({
  name: 'logout_orders_released',
  parameters: { id: 'uuid' },
  text: 'UPDATE logout_orders SET holds = false WHERE id = :id',
});

/** An order whose row this transaction has locked. */
export interface ClaimedOrder extends LogoutOrder {
  readonly phase: OrderPhase;
  readonly cursor: string | null;
  readonly holds: boolean;
  readonly lastNoticeAt: Date | null;
}

export interface LockedBatch {
  readonly sessionIds: readonly string[];
  readonly cursor: string;
}

/** What the job writes for orders, batch by batch. Each method is one statement, or two. */
@Injectable()
export class LogoutOrderWorkRepository {
  /** An order with something to do, on which no other node works. */
  async claim(tx: Tx, now: Date): Promise<ClaimedOrder | undefined> {
    const [row] = await tx.query(CLAIM, { now });
    if (row === undefined) return undefined;
    return {
      ...toOrder(row),
      phase: row.phase,
      cursor: row.cursor,
      holds: row.holds,
      lastNoticeAt: row.last_notice_at,
    };
  }

  async count(tx: Tx, order: ClaimedOrder): Promise<void> {
    const [row] = await tx.query(COUNT[order.target.kind], about(order));
    await tx.query(COUNTED, { id: order.id, total: row?.total ?? 0 });
  }

  /** Undefined: there are no more sessions. */
  async lockBatch(tx: Tx, order: ClaimedOrder): Promise<LockedBatch | undefined> {
    const rows = await tx.query(LOCK_BATCH[order.target.kind], {
      ...about(order),
      cursor: order.cursor,
      limit: BATCH,
    });
    const last = rows.at(-1);
    return last === undefined ? undefined : { sessionIds: rows.map(({ id }) => id), cursor: last.cursor };
  }

  /** @param terminationIds one for each session */
  async apply(
    tx: Tx,
    order: ClaimedOrder,
    batch: LockedBatch,
    terminationIds: readonly string[],
    now: Date,
  ): Promise<void> {
    await tx.query(APPLY[order.target.kind], {
      ...about(order),
      sessionIds: batch.sessionIds,
      terminationIds,
      now,
      orderId: order.id,
      initiator: initiatorOf(order),
      seconds: 1 / order.notifyPerSecond,
      cursor: batch.cursor,
    });
  }

  /** Revokes the next grants that are left. @returns how many; 0: none is left */
  async revokeGrants(tx: Tx, order: ClaimedOrder, terminationId: string, now: Date): Promise<number> {
    const [row] = await tx.query(REVOKE_GRANTS[order.target.kind], {
      ...about(order),
      cursor: order.cursor,
      limit: BATCH,
      now,
      orderId: order.id,
      terminationId,
      initiator: initiatorOf(order),
    });
    return row?.grants ?? 0;
  }

  async enter(tx: Tx, order: ClaimedOrder, phase: OrderPhase, at: Date): Promise<void> {
    await tx.query(ENTER, { id: order.id, phase, at });
  }

  async finish(tx: Tx, order: ClaimedOrder, now: Date): Promise<void> {
    await tx.query(FINISH, { id: order.id, now });
  }

  /** The job looks at it again at `at`. */
  async lookAgain(db: Queryable, order: ClaimedOrder, at: Date): Promise<void> {
    await db.query(LOOK_AGAIN, { id: order.id, at });
  }

  /** Holds notices back that are not under way. False: there may be more. */
  async hold(tx: Tx, order: ClaimedOrder, now: Date): Promise<boolean> {
    return (await tx.query(HOLD, { orderId: order.id, limit: HOLD_BATCH, now })).length < HOLD_BATCH;
  }

  /** Gives notices that were held back new times. False: there are more. */
  async release(tx: Tx, order: ClaimedOrder, now: Date): Promise<boolean> {
    const [row] = await tx.query(RELEASE, {
      now,
      orderId: order.id,
      limit: HOLD_BATCH,
      seconds: 1 / order.notifyPerSecond,
    });
    if ((row?.released ?? 0) === HOLD_BATCH) return false;
    await tx.query(RELEASED, { id: order.id });
    return true;
  }
}

function initiatorOf(order: LogoutOrder): LogoutInitiator {
  return { kind: 'operator', clientId: order.operator, orderId: order.id };
}

function about(order: LogoutOrder): AboutOrder {
  return { number: order.number, targetId: targetId(order.target) };
}
