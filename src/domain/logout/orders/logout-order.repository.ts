import { Injectable } from '@nestjs/common';
import type { Page, PageRequest } from '../../../platform/database/page.js';
import { statement, type Queryable, type PositionalStatement } from '../../../platform/database/statement.js';
import { TransactionRunner, type Tx } from '../../../platform/database/transaction.js';
import { participantsBeganAfter } from '../../sessions/sessions.sql.js';
import { revokeGrants } from '../../tokens/tokens.sql.js';
import type { LogoutInitiator } from '../command/logout.js';
import { endEach } from '../termination/terminate-each.sql.js';
import { auditTerminations } from '../termination/termination-audit.sql.js';
import type {
  LogoutOrder,
  NewLogoutOrder,
  OrderApplication,
  OrderPhase,
  OrderState,
  OrderTarget,
} from './logout-order.js';
import { EVERYONE, HELD_BACK, TARGET_PREFIX } from '../../../platform/epochs/epochs.sql.js';

/** Of the advisory lock that orders take one after another, "exeo" in ASCII. */
const ORDER_LOCK = 0x6578656f;
const BATCH = 500;
const HOLD_BATCH = 5000;

/**
 * Orders are placed one at a time, so that their numbers grow in the order in which they commit: whoever sees one sees
 * all with smaller numbers. The lock is a statement of its own, since the number must be read after it was waited for.
 */
const LOCK_ORDERS = statement('logout_orders_lock', 'SELECT pg_advisory_xact_lock($1)');

const PLACE = statement(
  'logout_orders_place',
  `INSERT INTO logout_orders (id, number, target, upstream_name, reason, notify_per_second, operator, idempotency_key, ordered_at,
                              state, phase, next_step_at)
   SELECT $1::uuid, coalesce(max(o.number), 0) + 1, $2, $3, $4, $5::int, $6, $7, $8::timestamptz, 'queued', 'sessions', $8
     FROM logout_orders o
   ON CONFLICT (operator, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
   RETURNING *`,
);

const FIND_BY_KEY = statement(
  'logout_orders_find_by_key',
  'SELECT * FROM logout_orders WHERE operator = $1 AND idempotency_key = $2',
);

const LIST = statement(
  'logout_orders_list',
  `SELECT * FROM logout_orders
    WHERE ($1::uuid IS NULL OR number < (SELECT c.number FROM logout_orders c WHERE c.id = $1)) AND ($2::uuid IS NULL OR id = $2)
    ORDER BY number DESC LIMIT $3`,
);

const APPLICATIONS = statement(
  'logout_orders_applications',
  'SELECT client_id, deliveries, next_at FROM logout_order_applications WHERE order_id = $1 ORDER BY client_id',
);

const PENDING = statement(
  'logout_orders_pending',
  `SELECT count(*)::int AS pending FROM logout_deliveries WHERE order_id = $1 AND state = 'pending'`,
);

const PAUSE = statement(
  'logout_orders_pause',
  `UPDATE logout_orders SET state = 'paused', holds = true, next_step_at = $2 WHERE id = $1 AND state IN ('queued', 'running') RETURNING *`,
);

const RESUME = statement(
  'logout_orders_resume',
  `WITH fresh AS (
     -- What was held back is given new times from now on, after what the pause did not reach.
     UPDATE logout_order_applications p SET next_at = greatest($2::timestamptz, w.last)
       FROM logout_order_applications x LEFT JOIN (
              SELECT d.client_id, max(d.next_attempt_at) AS last FROM logout_deliveries d
               WHERE d.order_id = $1 AND d.state = 'pending' AND d.next_attempt_at < ${HELD_BACK} GROUP BY d.client_id
            ) w ON w.client_id = x.client_id
      WHERE x.order_id = $1 AND p.order_id = x.order_id AND p.client_id = x.client_id
        AND EXISTS (SELECT 1 FROM logout_orders o WHERE o.id = $1 AND o.state = 'paused')
     RETURNING p.next_at
   )
   UPDATE logout_orders SET state = CASE WHEN total IS NULL THEN 'queued' ELSE 'running' END, next_step_at = $2,
          last_notice_at = (SELECT max(next_at) FROM fresh)
    WHERE id = $1 AND state = 'paused' RETURNING *`,
);

/** A batch that is under way ends first, and the next statement sees what it wrote. */
const LOCK_ORDER = statement('logout_orders_lock_order', 'SELECT 1 FROM logout_orders WHERE id = $1 FOR NO KEY UPDATE');

/** The row's lock is the claim: it ends with the batch's transaction, also when the node is killed in it. */
const CLAIM = statement(
  'logout_orders_claim',
  `SELECT * FROM logout_orders WHERE state <> 'done' AND next_step_at <= $1
    ORDER BY next_step_at, number LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED`,
);

interface KindSql {
  /** Sessions `s` (and participants `sc`) that the order is about and that are not dealt with yet. */
  readonly from: string;
  readonly where: string;
  /** What the cursor counts along; unique. */
  readonly cursor: string;
  /** Grants `g` that fall with the sessions of a batch. */
  readonly sessionGrants: string;
  /** Grants `g` that fall wherever they were made. */
  readonly grants: string;
  /** The sessions go on, and only this participant is told. */
  readonly toldOnly?: string;
}

// $1 is the order's number, $2 the id in its target
const BEFORE = (row: string) => `${row}.began_after_order < $1::bigint`;
/** Also those that have expired and that nobody has put on record: they are this order's as long as it is at work. */
const UNENDED = 's.terminated_at IS NULL';
const KINDS: Readonly<Record<OrderTarget['kind'], KindSql>> = {
  everyone: {
    from: 'sessions s',
    where: `$2::text IS NULL AND ${BEFORE('s')} AND ${UNENDED}`,
    cursor: 's.id',
    sessionGrants: '$2::text IS NULL',
    grants: '$2::text IS NULL',
  },
  account: {
    from: 'sessions s',
    where: `s.account_id = $2::uuid AND ${BEFORE('s')} AND ${UNENDED}`,
    cursor: 's.id',
    sessionGrants: 'g.account_id = $2::uuid',
    grants: 'g.account_id = $2::uuid',
  },
  upstream: {
    from: 'sessions s',
    where: `s.id IN (SELECT u.session_id FROM session_upstreams u WHERE u.upstream_id = $2::uuid AND ${BEFORE('u')}) AND ${UNENDED}`,
    cursor: 's.id',
    // One with offline_access hangs on its own upstream, not on the session's (`grantOutlivesOrders`).
    sessionGrants: '(NOT g.offline OR g.upstream_id = $2::uuid)',
    grants: 'g.upstream_id = $2::uuid',
  },
  client: {
    from: 'session_clients sc JOIN sessions s ON s.id = sc.session_id',
    where: `sc.client_id = $2::text AND ${BEFORE('sc')} AND ${UNENDED}`,
    cursor: 'sc.sid',
    sessionGrants: 'g.client_id = $2::text',
    grants: 'g.client_id = $2::text',
    toldOnly: 'sc.client_id = $2::text',
  },
};

function cursorType(kind: KindSql): string {
  return kind.cursor === 's.id' ? 'uuid' : 'text';
}

/**
 * The next sessions, locked, so that no application joins them meanwhile. Rows that another logout holds are waited for
 * and not skipped, since the cursor passes by them only once more.
 */
function lockStatement(name: string, kind: KindSql): PositionalStatement {
  return statement(
    `logout_orders_lock_${name}`,
    `SELECT s.id, ${kind.cursor}::text AS cursor FROM ${kind.from}
      WHERE ${kind.where} AND ($3::text IS NULL OR ${kind.cursor} > $3::${cursorType(kind)})
      ORDER BY ${kind.cursor} LIMIT $4 FOR NO KEY UPDATE OF s`,
  );
}

function countStatement(name: string, kind: KindSql): PositionalStatement {
  return statement(
    `logout_orders_count_${name}`,
    `SELECT count(*)::int AS total FROM ${kind.from} WHERE ${kind.where}`,
  );
}

/**
 * One batch, of sessions that are locked: end them, revoke their grants, owe each application its notice, record each
 * session's end, and note how far we are; all of it or nothing.
 *
 * Notices are due one after another, each application's by itself: $8 seconds apart, after those that it already has
 * from this order.
 *
 * $3 sessions, $4 termination ids, $5 now, $6 order id, $7 initiator, $8 seconds, $9 cursor
 */
function applyStatement(name: string, kind: KindSql): PositionalStatement {
  const goOn = kind.toldOnly !== undefined;
  return statement(
    `logout_orders_apply_${name}`,
    `WITH ending AS MATERIALIZED (
       SELECT s.id, s.account_id, 'logout_order' AS cause, x.termination_id
         FROM unnest($3::uuid[], $4::uuid[]) AS x(id, termination_id) JOIN sessions s ON s.id = x.id
     ),
     ${endEach({
       now: '$5::timestamptz',
       initiator: '$7::jsonb',
       grants: `${BEFORE('g')} AND ${kind.sessionGrants}`,
       told: kind.toldOnly ?? 'true',
       due: slot('$8'),
       schedule: { ctes: paced('owed', '$6::uuid', '$5', '$8'), join: 'JOIN paced p ON p.client_id = o.client_id' },
       orderId: '$6',
       goOn,
     })},
     ${goOn ? `${participantsBeganAfter('sc.session_id = ANY($3) AND sc.client_id = $2::text', '$1::bigint')},` : ''}
     batch AS (
       SELECT (SELECT count(*) FROM ending) AS sessions, (SELECT count(*) FROM revoked) AS grants, (SELECT count(*) FROM owed) AS notices,
              (SELECT max(next_at) FROM paced) AS last_notice_at
     )
     UPDATE logout_orders o SET state = 'running', cursor = $9, done = o.done + b.sessions, total = greatest(o.total, o.done + b.sessions),
            grants_revoked = o.grants_revoked + b.grants, deliveries = o.deliveries + b.notices,
            last_notice_at = greatest(o.last_notice_at, b.last_notice_at), next_step_at = $5
       FROM batch b WHERE o.id = $6`,
  );
}

/** CTE `paced`: makes room for what is in `source` (client_id, place), application by application. */
function paced(source: string, orderId: string, now: string, seconds: string): string {
  return `
paced AS (
  INSERT INTO logout_order_applications AS p (order_id, client_id, deliveries, next_at)
  SELECT ${orderId}, client_id, count(*), ${now} + make_interval(secs => count(*) * ${seconds}::float8)
    FROM ${source} GROUP BY client_id
  ON CONFLICT (order_id, client_id) DO UPDATE
    SET deliveries = p.deliveries + excluded.deliveries, next_at = greatest(p.next_at, ${now}) + (excluded.next_at - ${now})
  RETURNING client_id, next_at, (SELECT count(*) FROM ${source} x WHERE x.client_id = p.client_id) AS many
)`;
}
/** When notice `o.place` of the `p.many` that were just made room for is due. */
function slot(seconds: string): string {
  return `p.next_at - make_interval(secs => (p.many - o.place + 1) * ${seconds}::float8)`;
}

/** The next grants that no ended session took with it: of sessions that were over before, of codes not yet redeemed. */
function grantsStatement(name: string, kind: KindSql): PositionalStatement {
  return statement(
    `logout_orders_grants_${name}`,
    `WITH due AS MATERIALIZED (
       SELECT g.id FROM grants g
        WHERE g.revoked_at IS NULL AND ${BEFORE('g')} AND ${kind.grants} AND ($3::uuid IS NULL OR g.id > $3)
        ORDER BY g.id LIMIT $4 FOR NO KEY UPDATE
     ),
     ${revokeGrants('g.id IN (SELECT id FROM due)', '$5::timestamptz', `'logout_order'`)},
     record AS (
       INSERT INTO session_terminations (id, cause, initiator, account_id, sessions, grants_revoked, deliveries, occurred_at)
       SELECT $7::uuid, 'logout_order', $8::jsonb, CASE WHEN count(DISTINCT g.account_id) = 1 THEN min(g.account_id::text)::uuid END,
              0, count(*), 0, $5
         FROM revoked r JOIN grants g ON g.id = r.id HAVING count(*) > 0
       RETURNING *
     ),
     ${auditTerminations('record')},
     moved AS (
       UPDATE logout_orders SET cursor = (SELECT max(id::text) FROM due), next_step_at = $5,
              grants_revoked = grants_revoked + (SELECT count(*) FROM revoked)
        WHERE id = $6::uuid AND EXISTS (SELECT 1 FROM due)
     )
     SELECT count(*)::int AS grants FROM due`,
  );
}

const PHASE = statement(
  'logout_orders_phase',
  `UPDATE logout_orders SET phase = $2, cursor = NULL, state = 'running', next_step_at = $3 WHERE id = $1`,
);
const COUNTED = statement(
  'logout_orders_counted',
  `UPDATE logout_orders SET total = $2, state = 'running' WHERE id = $1`,
);
const FINISH = statement(
  'logout_orders_finish',
  `UPDATE logout_orders SET state = 'done', finished_at = $2 WHERE id = $1`,
);
const LATER = statement('logout_orders_later', 'UPDATE logout_orders SET next_step_at = $2 WHERE id = $1');
const RELEASED = statement('logout_orders_released', 'UPDATE logout_orders SET holds = false WHERE id = $1');

const HOLD = statement(
  'logout_orders_hold',
  `WITH due AS (
     SELECT d.id FROM logout_deliveries d WHERE d.order_id = $1 AND d.state = 'pending' AND d.next_attempt_at < ${HELD_BACK}
        AND (d.claimed_until IS NULL OR d.claimed_until <= $3)
      LIMIT $2 FOR UPDATE SKIP LOCKED
   )
   UPDATE logout_deliveries d SET next_attempt_at = ${HELD_BACK} FROM due WHERE d.id = due.id RETURNING d.id`,
);

// $1 now, $2 order id, $3 how many, $4 seconds
const RELEASE = statement(
  'logout_orders_release',
  `WITH held AS MATERIALIZED (
     SELECT d.id, d.client_id FROM logout_deliveries d
      WHERE d.order_id = $2::uuid AND d.state = 'pending' AND d.next_attempt_at >= ${HELD_BACK} LIMIT $3 FOR UPDATE
   ),
   owed AS MATERIALIZED (SELECT id, client_id, row_number() OVER (PARTITION BY client_id ORDER BY id) AS place FROM held),
   room AS MATERIALIZED (SELECT client_id, count(*) AS many FROM owed GROUP BY client_id),
   paced AS (
     UPDATE logout_order_applications p SET next_at = greatest(p.next_at, $1::timestamptz) + make_interval(secs => r.many * $4::float8)
       FROM room r WHERE p.order_id = $2 AND p.client_id = r.client_id RETURNING p.client_id, p.next_at, r.many
   ),
   moved AS (
     UPDATE logout_deliveries d SET next_attempt_at = ${slot('$4')}, ages_from = ${slot('$4')}
       FROM owed o JOIN paced p ON p.client_id = o.client_id WHERE d.id = o.id
   ),
   noted AS (
     UPDATE logout_orders SET last_notice_at = greatest(last_notice_at, (SELECT max(next_at) FROM paced)) WHERE id = $2
   )
   SELECT count(*)::int AS released FROM owed`,
);

function byKind(
  make: (name: string, kind: KindSql) => PositionalStatement,
): Readonly<Record<OrderTarget['kind'], PositionalStatement>> {
  return Object.fromEntries(Object.entries(KINDS).map(([name, kind]) => [name, make(name, kind)])) as Readonly<
    Record<OrderTarget['kind'], PositionalStatement>
  >;
}

const LOCK_BATCH = byKind(lockStatement);
const COUNT = byKind(countStatement);
const APPLY = byKind(applyStatement);
const GRANTS = byKind(grantsStatement);

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

/** Orders, and what the job writes for them. Each method is one statement. */
@Injectable()
export class LogoutOrderRepository {
  constructor(private readonly transactions: TransactionRunner) {}

  /** False: the operator has placed an order with this key before, and nothing was written. */
  async place(tx: Tx, id: string, order: NewLogoutOrder, notifyPerSecond: number, now: Date): Promise<boolean> {
    await tx.query(LOCK_ORDERS, [ORDER_LOCK]);
    const rows = await tx.query(PLACE, [
      id,
      toTargetText(order.target),
      order.target.kind === 'upstream' ? order.target.name : null,
      order.reason ?? null,
      notifyPerSecond,
      order.operator,
      order.idempotencyKey ?? null,
      now,
    ]);
    return rows.length === 1;
  }

  async findByKey(tx: Tx, operator: string, key: string): Promise<LogoutOrder | undefined> {
    const [row] = await tx.query<OrderRow>(FIND_BY_KEY, [operator, key]);
    return row === undefined ? undefined : toOrder(row);
  }

  /** Newest first. */
  async list(page: PageRequest): Promise<Page<LogoutOrder>> {
    const rows = await this.transactions.query<OrderRow>(LIST, [page.cursor ?? null, null, page.limit + 1]);
    const items = rows.slice(0, page.limit).map(toOrder);
    return { items, nextCursor: rows.length > page.limit ? items.at(-1)?.id : undefined };
  }

  async find(id: string): Promise<LogoutOrder | undefined> {
    const [row] = await this.transactions.query<OrderRow>(LIST, [null, id, 1]);
    return row === undefined ? undefined : toOrder(row);
  }

  async applications(id: string): Promise<OrderApplication[]> {
    const rows = await this.transactions.query<{ client_id: string; deliveries: number; next_at: Date }>(APPLICATIONS, [
      id,
    ]);
    return rows.map((row) => ({ clientId: row.client_id, deliveries: row.deliveries, lastNoticeAt: row.next_at }));
  }

  /** How many of its notices have not ended yet. */
  async pending(id: string): Promise<number> {
    const [row] = await this.transactions.query<{ pending: number }>(PENDING, [id]);
    return row?.pending ?? 0;
  }

  /** False: it was not under way. */
  async pause(tx: Tx, id: string, now: Date): Promise<boolean> {
    return (await tx.query(PAUSE, [id, now])).length === 1;
  }

  /** False: it was not paused. */
  async resume(tx: Tx, id: string, now: Date): Promise<boolean> {
    await tx.query(LOCK_ORDER, [id]);
    return (await tx.query(RESUME, [id, now])).length === 1;
  }

  /** An order with something to do, which nobody else is at. */
  async claim(tx: Tx, now: Date): Promise<ClaimedOrder | undefined> {
    const [row] = await tx.query<OrderRow>(CLAIM, [now]);
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
    const [row] = await tx.query<{ total: number }>(COUNT[order.target.kind], about(order));
    await tx.query(COUNTED, [order.id, row?.total ?? 0]);
  }

  /** Undefined: there are no more sessions. */
  async lockBatch(tx: Tx, order: ClaimedOrder): Promise<LockedBatch | undefined> {
    const rows = await tx.query<{ id: string; cursor: string }>(LOCK_BATCH[order.target.kind], [
      ...about(order),
      order.cursor,
      BATCH,
    ]);
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
    await tx.query(APPLY[order.target.kind], [
      ...about(order),
      batch.sessionIds,
      terminationIds,
      now,
      order.id,
      JSON.stringify(initiatorOf(order)),
      1 / order.notifyPerSecond,
      batch.cursor,
    ]);
  }

  /** Revokes the next grants that are left. @returns how many; 0: none is left */
  async revokeGrants(tx: Tx, order: ClaimedOrder, terminationId: string, now: Date): Promise<number> {
    const [row] = await tx.query<{ grants: number }>(GRANTS[order.target.kind], [
      ...about(order),
      order.cursor,
      BATCH,
      now,
      order.id,
      terminationId,
      JSON.stringify(initiatorOf(order)),
    ]);
    return row?.grants ?? 0;
  }

  async enter(tx: Tx, order: ClaimedOrder, phase: OrderPhase, at: Date): Promise<void> {
    await tx.query(PHASE, [order.id, phase, at]);
  }

  async finish(tx: Tx, order: ClaimedOrder, now: Date): Promise<void> {
    await tx.query(FINISH, [order.id, now]);
  }

  /** The job looks at it again at `at`. */
  async lookAgain(db: Queryable, order: ClaimedOrder, at: Date): Promise<void> {
    await db.query(LATER, [order.id, at]);
  }

  /** Holds notices back that are not under way. False: there may be more. */
  async hold(tx: Tx, order: ClaimedOrder, now: Date): Promise<boolean> {
    return (await tx.query(HOLD, [order.id, HOLD_BATCH, now])).length < HOLD_BATCH;
  }

  /** Gives notices that were held back new times. False: there are more. */
  async release(tx: Tx, order: ClaimedOrder, now: Date): Promise<boolean> {
    const [row] = await tx.query<{ released: number }>(RELEASE, [now, order.id, HOLD_BATCH, 1 / order.notifyPerSecond]);
    if ((row?.released ?? 0) === HOLD_BATCH) return false;
    await tx.query(RELEASED, [order.id]);
    return true;
  }
}

function initiatorOf(order: LogoutOrder): LogoutInitiator {
  return { kind: 'operator', clientId: order.operator, orderId: order.id };
}

function about(order: LogoutOrder): readonly unknown[] {
  return [order.number, targetId(order.target)];
}

function targetId(target: OrderTarget): string | null {
  switch (target.kind) {
    case 'account':
      return target.accountId;
    case 'client':
      return target.clientId;
    case 'upstream':
      return target.upstreamId;
    case 'everyone':
      return null;
  }
}

function toTargetText(target: OrderTarget): string {
  return target.kind === 'everyone' ? EVERYONE : `${TARGET_PREFIX[target.kind]}${targetId(target)}`;
}

interface OrderRow {
  id: string;
  number: string;
  target: string;
  upstream_name: string | null;
  reason: string | null;
  notify_per_second: number;
  operator: string;
  ordered_at: Date;
  state: OrderState;
  phase: OrderPhase;
  cursor: string | null;
  total: number | null;
  done: number;
  grants_revoked: number;
  deliveries: number;
  holds: boolean;
  last_notice_at: Date | null;
  finished_at: Date | null;
}

function toOrder(row: OrderRow): LogoutOrder {
  return {
    id: row.id,
    number: row.number,
    target: toTarget(row),
    reason: row.reason,
    notifyPerSecond: row.notify_per_second,
    operator: row.operator,
    orderedAt: row.ordered_at,
    state: row.state,
    total: row.total,
    done: row.done,
    grantsRevoked: row.grants_revoked,
    deliveries: row.deliveries,
    finishedAt: row.finished_at,
  };
}

function toTarget(row: OrderRow): OrderTarget {
  if (row.target === EVERYONE) return { kind: 'everyone' };
  const id = row.target.slice(row.target.indexOf(':') + 1);
  if (row.target.startsWith(TARGET_PREFIX.account)) return { kind: 'account', accountId: id };
  if (row.target.startsWith(TARGET_PREFIX.client)) return { kind: 'client', clientId: id };
  return { kind: 'upstream', upstreamId: id, name: row.upstream_name ?? id };
}
