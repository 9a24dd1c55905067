import { Injectable } from '@nestjs/common';
import { toPage, type Page, type PageRequest } from '../../../platform/database/page.js';
import { statement, typed } from '../../../platform/database/statement.js';
import { TransactionRunner, type Tx } from '../../../platform/database/transaction.js';
import { ORDER, ORDER_COLUMNS, toOrder, toTargetText } from './logout-order-row.js';
import type { TerminationCause } from '../command/logout.js';
import type { LogoutOrder, NewLogoutOrder, OrderApplication, OrderedBy } from './logout-order.js';
import { RESUME } from './order-pace.sql.js';

/** Of the advisory lock that orders take one after another, "exeo" in ASCII. */
const ORDER_LOCK = 0x6578656f;

/**
 * Orders are placed one at a time, so that their numbers grow in the order in which they commit: a statement that sees
 * one sees all with smaller numbers. The lock is a statement of its own, since the number must be read after it was
 * waited for.
 */
const LOCK_ORDERS = statement({
  name: 'logout_orders_lock',
  parameters: { lock: 'bigint' },
  row: { pg_advisory_xact_lock: 'void' },
  text: 'SELECT pg_advisory_xact_lock(:lock)',
});

const PLACE = statement({
  name: 'logout_orders_place',
  ends: true,
  parameters: {
    id: 'uuid',
    target: 'text',
    upstreamName: 'text?',
    reason: 'text?',
    notifyPerSecond: 'int',
    operator: 'text',
    orderedBy: typed<OrderedBy>('text'),
    cause: typed<TerminationCause>('text'),
    idempotencyKey: 'text?',
    now: 'timestamptz',
  },
  row: { id: 'uuid' },
  text: `
   INSERT INTO logout_orders (id, number, target, upstream_name, reason, notify_per_second, operator, ordered_by, cause, idempotency_key, ordered_at,
                              state, phase, next_step_at)
   SELECT :id, coalesce(max(o.number), 0) + 1, :target, :upstreamName, :reason, :notifyPerSecond, :operator, :orderedBy, :cause, :idempotencyKey, :now,
          'queued', 'sessions', :now
     FROM logout_orders o
   ON CONFLICT (operator, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
   RETURNING id`,
});

const FIND_BY_KEY = statement({
  name: 'logout_orders_find_by_key',
  parameters: { operator: 'text', key: 'text' },
  row: ORDER,
  text: `SELECT ${ORDER_COLUMNS} FROM logout_orders o WHERE o.operator = :operator AND o.idempotency_key = :key`,
});

const LIST = statement({
  name: 'logout_orders_list',
  parameters: { cursor: 'uuid?', id: 'uuid?', limit: 'int' },
  row: ORDER,
  text: `
   SELECT ${ORDER_COLUMNS} FROM logout_orders o
    WHERE (:cursor IS NULL OR o.number < (SELECT c.number FROM logout_orders c WHERE c.id = :cursor)) AND (:id IS NULL OR o.id = :id)
    ORDER BY o.number DESC LIMIT :limit`,
});

const APPLICATIONS = statement({
  name: 'logout_orders_applications',
  parameters: { id: 'uuid' },
  row: { client_id: 'text', deliveries: 'int', next_at: 'timestamptz' },
  text: 'SELECT client_id, deliveries, next_at FROM logout_order_applications WHERE order_id = :id ORDER BY client_id',
});

const PENDING = statement({
  name: 'logout_orders_pending',
  parameters: { id: 'uuid' },
  row: { pending: 'int' },
  text: `SELECT count(*)::int AS pending FROM logout_deliveries WHERE order_id = :id AND state = 'pending'`,
});

const PAUSE = statement({
  name: 'logout_orders_pause',
  parameters: { id: 'uuid', now: 'timestamptz' },
  row: { id: 'uuid' },
  text: `
   UPDATE logout_orders SET state = 'paused', holds = true, next_step_at = :now
    WHERE id = :id AND state IN ('queued', 'running') RETURNING id`,
});

/** A batch that is under way ends first, and the next statement sees what it wrote. */
const LOCK_ORDER = statement({
  name: 'logout_orders_lock_order',
  parameters: { id: 'uuid' },
  row: { locked: 'int' },
  text: 'SELECT 1 AS locked FROM logout_orders WHERE id = :id FOR NO KEY UPDATE',
});

/** Orders as operators place, see, pause and resume them. Each method is one statement, or a lock and one. */
@Injectable()
export class LogoutOrderRepository {
  constructor(private readonly transactions: TransactionRunner) {}

  /** False: the operator has placed an order with this key before, and nothing was written. */
  async place(tx: Tx, id: string, order: NewLogoutOrder, notifyPerSecond: number, now: Date): Promise<boolean> {
    await tx.query(LOCK_ORDERS, { lock: ORDER_LOCK });
    const rows = await tx.query(PLACE, {
      id,
      target: toTargetText(order.target),
      upstreamName: order.target.kind === 'upstream' ? order.target.name : null,
      reason: order.reason,
      notifyPerSecond,
      operator: order.operator,
      orderedBy: order.orderedBy ?? 'operator',
      cause: order.cause ?? 'logout_order',
      idempotencyKey: order.idempotencyKey,
      now,
    });
    return rows.length === 1;
  }

  async findByKey(tx: Tx, operator: string, key: string): Promise<LogoutOrder | undefined> {
    const [row] = await tx.query(FIND_BY_KEY, { operator, key });
    return row === undefined ? undefined : toOrder(row);
  }

  /** Newest first. */
  async list(page: PageRequest): Promise<Page<LogoutOrder>> {
    const rows = await this.transactions.list(LIST, { cursor: page.cursor, id: null, limit: page.limit + 1 });
    return toPage(rows.map(toOrder), page.limit, ({ id }) => id);
  }

  async find(id: string): Promise<LogoutOrder | undefined> {
    const [row] = await this.transactions.query(LIST, { cursor: null, id, limit: 1 });
    return row === undefined ? undefined : toOrder(row);
  }

  async applications(id: string): Promise<OrderApplication[]> {
    const rows = await this.transactions.query(APPLICATIONS, { id });
    return rows.map((row) => ({ clientId: row.client_id, deliveries: row.deliveries, lastNoticeAt: row.next_at }));
  }

  /** How many of its notices have not ended yet. */
  async pending(id: string): Promise<number> {
    const [row] = await this.transactions.query(PENDING, { id });
    return row?.pending ?? 0;
  }

  /** False: it was not under way. */
  async pause(tx: Tx, id: string, now: Date): Promise<boolean> {
    return (await tx.query(PAUSE, { id, now })).length === 1;
  }

  /** False: it was not paused. */
  async resume(tx: Tx, id: string, now: Date): Promise<boolean> {
    await tx.query(LOCK_ORDER, { id });
    return (await tx.query(RESUME, { id, now })).length === 1;
  }
}
