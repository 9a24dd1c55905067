import { Injectable } from '@nestjs/common';
import { statement, type Queryable } from '../../../platform/database/statement.js';
import type { Tx } from '../../../platform/database/transaction.js';
import type { SessionKey } from '../../sessions/session.js';
import type { LogoutInitiator } from '../command/logout.js';
import { ORDER, ORDER_COLUMNS, targetId, toOrder } from './logout-order-row.js';
import type { LogoutOrder, OrderPhase } from './logout-order.js';
import { APPLY, COUNT, LOCK_BATCH, REVOKE_GRANTS } from './order-batch.sql.js';
import type { AboutOrder } from './order-kinds.sql.js';
import { HOLD, RELEASE } from './order-pace.sql.js';

/** Sessions, or grants, of one transaction. */
const BATCH = 500;
/** Rows that a step looks at to find them, and to count them. */
const LOOK = 2000;
const LOOK_TO_COUNT = 20_000;
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
  parameters: { id: 'uuid', counted: 'int', cursor: 'text?', finished: 'boolean' },
  text: `
   UPDATE logout_orders SET state = 'running', counted = counted + :counted,
          total = CASE WHEN :finished THEN counted + :counted END, cursor = CASE WHEN NOT :finished THEN :cursor END WHERE id = :id`,
});
const MOVE = statement({
  name: 'logout_orders_move',
  parameters: { id: 'uuid', cursor: 'text?', now: 'timestamptz' },
  text: `UPDATE logout_orders SET state = 'running', cursor = :cursor, next_step_at = :now WHERE id = :id`,
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
}

export interface LockedBatch {
  /** May be none although there are more: rows were looked at that the order is not about. */
  readonly sessions: readonly SessionKey[];
  readonly cursor: string | null;
  readonly finished: boolean;
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
    };
  }

  /** Counts on. False: not all have been counted yet. */
  async count(tx: Tx, order: ClaimedOrder): Promise<boolean> {
    const [row] = await tx.query(COUNT[order.target.kind], {
      ...about(order),
      cursor: cursorOf(order),
      look: LOOK_TO_COUNT,
    });
    if (row === undefined) throw new Error('a count without a row');
    const { sessions: counted, cursor, finished } = row;
    await tx.query(COUNTED, { id: order.id, counted, cursor, finished });
    return finished;
  }

  async lockBatch(tx: Tx, order: ClaimedOrder): Promise<LockedBatch> {
    const [row] = await tx.query(LOCK_BATCH[order.target.kind], {
      ...about(order),
      cursor: cursorOf(order),
      look: LOOK,
      limit: BATCH,
    });
    if (row === undefined) throw new Error('a batch without a row');
    const { account_ids: accountIds, session_ids: sessionIds, cursor, finished } = row;
    const sessions = sessionIds.map((sessionId, at) => ({ accountId: accountIds[at] ?? '', sessionId }));
    return { sessions, cursor, finished };
  }

  /** Nothing was due so far. */
  async move(tx: Tx, order: ClaimedOrder, cursor: string | null, now: Date): Promise<void> {
    await tx.query(MOVE, { id: order.id, cursor, now });
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
      accountIds: batch.sessions.map(({ accountId }) => accountId),
      sessionIds: batch.sessions.map(({ sessionId }) => sessionId),
      terminationIds,
      now,
      orderId: order.id,
      initiator: initiatorOf(order),
      seconds: 1 / order.notifyPerSecond,
      cursor: batch.cursor,
      cause: order.cause,
    });
  }

  /** Revokes the next grants that are left. False: there may be more. */
  async revokeGrants(tx: Tx, order: ClaimedOrder, terminationId: string, now: Date): Promise<boolean> {
    const [row] = await tx.query(REVOKE_GRANTS[order.target.kind], {
      ...about(order),
      cursor: cursorOf(order),
      look: LOOK,
      limit: BATCH,
      now,
      orderId: order.id,
      terminationId,
      initiator: initiatorOf(order),
      cause: order.cause,
    });
    return row?.finished ?? true;
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
  return order.orderedBy === 'client'
    ? { kind: 'client', clientId: order.operator }
    : { kind: 'operator', clientId: order.operator, orderId: order.id };
}

/** A node of the version before may have written one of another form: then the phase begins again, and finds what is left. */
function cursorOf({ cursor }: ClaimedOrder): string | null {
  return cursor !== null && /^[0-9a-f-]{36}(\/[0-9a-f-]{36})?$/.test(cursor) ? cursor : null;
}

function about(order: LogoutOrder): AboutOrder {
  return { number: order.number, targetId: targetId(order.target) };
}
