import { Injectable, type OnModuleInit } from '@nestjs/common';
import { clientsToBeRemoved, DELETED_CLIENT_KEPT_MS } from '../../clients/clients.sql.js';
import { toPage, type Page, type PageRequest } from '../../../platform/database/page.js';
import { firstIdAt } from '../../../platform/database/day-partitions.js';
import { DAYS_HELD, isUnfinished, LEDGER_KEPT_MS } from '../receipts/unfinished.sql.js';
import { expiredRows, Retention, RETENTION_BATCH, rowsWithoutDay } from '../../../platform/database/retention.js';
import { statement, typed, type RowOf } from '../../../platform/database/statement.js';
import { TransactionRunner } from '../../../platform/database/transaction.js';
import { sameMoment } from '../../../platform/clock/time-ordered-id.js';
import { NOTICE, NOTICE_FILTER_PARAMETERS, NOTICES, noticesInOrder } from './deliveries.sql.js';
import type {
  Attempt,
  Delivery,
  DeliveryFilter,
  DeliveryState,
  DeliveryWithAttempts,
  UndeliveredCounts,
} from './delivery.js';

const COLUMNS = `d.id, d.termination_id, d.client_id, d.sub, d.sid, d.state, d.attempts, d.next_attempt_at, d.created_at, d.finished_at,
          d.resent_at, d.last_error`;
const DELIVERY = {
  id: 'uuid',
  termination_id: 'uuid',
  client_id: 'text',
  sub: 'text',
  sid: 'text?',
  state: typed<DeliveryState>('text'),
  attempts: 'int',
  next_attempt_at: 'timestamptz?',
  created_at: 'timestamptz',
  finished_at: 'timestamptz?',
  resent_at: 'timestamptz?',
  last_error: 'text?',
} as const;

/** So many of each state are counted, and no more are read. */
export const UNDELIVERED_COUNT_LIMIT = 100_000;
const OF_STATE = (state: string): string =>
  `FROM logout_deliveries x WHERE x.state = '${state}' AND x.client_id = :clientId`;
const COUNTED = (state: string): string => `(SELECT count(*)::int FROM (SELECT 1 ${OF_STATE(state)} LIMIT :limit) l)`;

/** Of what has not been delivered, from one index. */
const COUNT = statement({
  name: 'logout_deliveries_count',
  parameters: { clientId: 'text', limit: 'int' },
  row: { pending: 'int', rejected: 'int', abandoned: 'int', oldest_pending_at: 'timestamptz?' },
  text: `
   SELECT ${COUNTED('pending')} AS pending, ${COUNTED('rejected')} AS rejected, ${COUNTED('abandoned')} AS abandoned,
          (SELECT x.created_at ${OF_STATE('pending')} ORDER BY x.termination_id, x.id LIMIT 1) AS oldest_pending_at`,
});

const LIST = statement({
  name: 'logout_deliveries_list',
  parameters: { ...NOTICE_FILTER_PARAMETERS, limit: 'int' },
  row: DELIVERY,
  plannedAnew: true,
  text: `
   SELECT ${COLUMNS} FROM ${noticesInOrder(':limit')} d
    ORDER BY d.termination_id DESC, d.id DESC LIMIT :limit`,
});

/** An attempt as JSON gives it. */
interface StoredAttempt {
  readonly number: number;
  readonly jti: string;
  readonly started_at: string;
  readonly duration_ms: number;
  readonly status: number | null;
  readonly error_code: string | null;
}

/** A node whose clock is behind begins attempts before their notice was made. */
const SKEW = `interval '1 hour'`;

/** The latest attempts of the notice `d`, the oldest of them first, as JSON; the accepted one stands in the notice. */
function attemptsOf(d: string, limit: string): string {
  return `(
     SELECT coalesce(json_agg(json_build_object('number', l.number, 'jti', l.jti, 'started_at', l.started_at, 'duration_ms', l.duration_ms,
                                                'status', l.status, 'error_code', l.error_code) ORDER BY l.number), '[]')
       FROM (SELECT * FROM (SELECT y.number, y.jti, y.started_at, y.duration_ms, y.status, y.error_code FROM logout_delivery_attempts y
                             WHERE y.delivery_id = ${d}.id AND y.started_at >= ${d}.created_at - ${SKEW}
                             UNION ALL
                            SELECT ${d}.attempts, ${d}.jti, ${d}.started_at, ${d}.duration_ms, ${d}.status, NULL WHERE ${d}.jti IS NOT NULL) m
              ORDER BY m.number DESC LIMIT ${limit}) l)`;
}

const FIND = statement({
  name: 'logout_deliveries_find',
  parameters: { id: 'uuid', from: 'uuid', to: 'uuid' },
  row: { ...DELIVERY, attempts_made: typed<readonly StoredAttempt[]>('json') },
  plannedAnew: true,
  text: `SELECT ${COLUMNS}, ${attemptsOf('d', 'ALL')} AS attempts_made FROM ${NOTICE} d LIMIT 1`,
});

/**
 * What operators look at first comes first. A termination may have a notice for every session: the inner limit bounds
 * what is sorted, the outer one what is shown. By keys alone.
 */
const TIMELINE = statement({
  name: 'logout_deliveries_timeline',
  parameters: { terminationId: 'uuid', sorted: 'int', limit: 'int', attempts: 'int' },
  row: { ...DELIVERY, attempts_made: typed<readonly StoredAttempt[]>('json') },
  text: `
   SELECT ${COLUMNS}, ${attemptsOf('d', ':attempts')} AS attempts_made FROM (
     SELECT * FROM (SELECT * FROM ${NOTICES} n WHERE n.termination_id = :terminationId LIMIT :sorted) x
      ORDER BY array_position(ARRAY['pending', 'abandoned', 'rejected'], x.state), x.created_at, x.client_id, x.id LIMIT :limit
   ) d
   ORDER BY array_position(ARRAY['pending', 'abandoned', 'rejected'], d.state), d.created_at, d.client_id, d.id`,
});

/** Notices of one termination that are sorted. */
const TIMELINE_READ = 2000;

const OF_CLIENT = (state: string): string =>
  `(SELECT x.id FROM logout_deliveries x WHERE x.state = '${state}' AND x.client_id = o.client_id LIMIT ${RETENTION_BATCH})`;

/** What was delivered is history, and stays. */
const OF_REMOVED_CLIENTS = statement({
  name: 'logout_deliveries_remove_of_removed_clients',
  parameters: { before: 'timestamptz' },
  row: { removed: 'int' },
  plannedAnew: true,
  text: `
   WITH due AS (
     SELECT d.id FROM ${clientsToBeRemoved(':before')} o CROSS JOIN LATERAL (
       ${['pending', 'rejected', 'abandoned'].map(OF_CLIENT).join(' UNION ALL ')}) d LIMIT ${RETENTION_BATCH}
   )
   DELETE FROM logout_deliveries WHERE id IN (SELECT id FROM due) RETURNING 1 AS removed`,
});

const OLD_DELIVERED = rowsWithoutDay({
  name: 'logout_remove_old_delivered',
  table: 'logout_delivered',
  key: 'termination_id',
  bound: firstIdAt(':before'),
  condition: `NOT ${isUnfinished('x.termination_id')}`,
});
const OLD_ATTEMPTS = rowsWithoutDay({
  name: 'logout_remove_old_attempts',
  table: 'logout_delivery_attempts',
  key: 'started_at',
  bound: ':before',
});
/** Those that were given up, by the index that begins with the state. */
const OLD_DEAD = (['rejected', 'abandoned'] as const).map((state) =>
  expiredRows({
    name: `logout_remove_old_${state}`,
    table: 'logout_deliveries',
    key: 'id',
    condition: `state = '${state}' AND termination_id < ${firstIdAt(':before')}`,
    along: 'termination_id',
  }),
);

/** The ledger of notices, as it is read. */
@Injectable()
export class DeliveryLedgerRepository implements OnModuleInit {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly retention: Retention,
  ) {}

  onModuleInit(): void {
    const table = 'logout_deliveries';
    this.retention.register(
      { table, removal: OF_REMOVED_CLIENTS, keepMs: DELETED_CLIENT_KEPT_MS, first: true },
      { ...OLD_DELIVERED, keepMs: LEDGER_KEPT_MS, byDay: { by: 'id', held: DAYS_HELD } },
      { ...OLD_ATTEMPTS, keepMs: LEDGER_KEPT_MS, byDay: { by: 'time' } },
      ...OLD_DEAD.map((removal) => ({ ...removal, keepMs: LEDGER_KEPT_MS })),
    );
  }

  /** Each count ends at {@link UNDELIVERED_COUNT_LIMIT}. */
  async count(clientId: string): Promise<UndeliveredCounts> {
    const [row] = await this.transactions.query(COUNT, { clientId, limit: UNDELIVERED_COUNT_LIMIT });
    return {
      pending: row?.pending ?? 0,
      rejected: row?.rejected ?? 0,
      abandoned: row?.abandoned ?? 0,
      oldestPendingAt: row?.oldest_pending_at ?? undefined,
    };
  }

  /** Newest first. */
  async list(filter: PageRequest & Omit<DeliveryFilter, 'ids'>): Promise<Page<Delivery>> {
    const { limit, cursor } = filter;
    const last = cursor === undefined ? undefined : await this.find(cursor);
    if (cursor !== undefined && last === undefined) return toPage([], limit, ({ id }: Delivery) => id);
    const rows = await this.transactions.list(LIST, {
      cursor,
      cursorTermination: last?.delivery.terminationId,
      state: filter.state,
      clientId: filter.clientId,
      terminationId: filter.terminationId,
      errorCode: filter.errorCode,
      createdAfter: filter.createdAfter,
      createdBefore: filter.createdBefore,
      limit: limit + 1,
    });
    return toPage(rows.map(toDelivery), limit, ({ id }) => id);
  }

  /** Notices of one termination: pending ones first, then those that went wrong. One round trip. */
  async timeline(terminationId: string, limit: number, attempts: number): Promise<DeliveryWithAttempts[]> {
    const rows = await this.transactions.query(TIMELINE, { terminationId, sorted: TIMELINE_READ, limit, attempts });
    return rows.map((row) => ({
      ...toDelivery(row),
      attemptsMade: row.attempts_made.map(toAttempt),
    }));
  }

  async find(id: string): Promise<{ readonly delivery: Delivery; readonly attempts: readonly Attempt[] } | undefined> {
    const [row] = await this.transactions.query(FIND, { id, ...sameMoment(id) });
    return row === undefined ? undefined : { delivery: toDelivery(row), attempts: row.attempts_made.map(toAttempt) };
  }
}

function toDelivery(row: RowOf<typeof DELIVERY>): Delivery {
  return {
    id: row.id,
    terminationId: row.termination_id,
    clientId: row.client_id,
    sub: row.sub,
    sid: row.sid,
    state: row.state,
    attempts: row.attempts,
    nextAttemptAt: row.state === 'pending' ? row.next_attempt_at : null,
    createdAt: row.created_at,
    finishedAt: row.finished_at,
    resentAt: row.resent_at,
    lastError: row.last_error,
  };
}

function toAttempt(row: StoredAttempt): Attempt {
  return {
    number: row.number,
    jti: row.jti,
    startedAt: new Date(row.started_at),
    durationMs: row.duration_ms,
    status: row.status,
    errorCode: row.error_code,
  };
}
