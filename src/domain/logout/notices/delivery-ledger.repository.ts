import { Injectable, type OnModuleInit } from '@nestjs/common';
import { clientsToBeRemoved, DELETED_CLIENT_KEPT_MS } from '../../clients/clients.sql.js';
import { toPage, type Page, type PageRequest } from '../../../platform/database/page.js';
import { dependentRows, Retention } from '../../../platform/database/retention.js';
import { statement, typed, type RowOf } from '../../../platform/database/statement.js';
import { TransactionRunner } from '../../../platform/database/transaction.js';
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
  next_attempt_at: 'timestamptz',
  created_at: 'timestamptz',
  finished_at: 'timestamptz?',
  resent_at: 'timestamptz?',
  last_error: 'text?',
} as const;

/** Of what has not been delivered, from the partial indexes alone. */
const COUNT = statement({
  name: 'logout_deliveries_count',
  parameters: { clientId: 'text' },
  row: { pending: 'int', rejected: 'int', abandoned: 'int', oldest_pending_at: 'timestamptz?' },
  text: `
   SELECT count(*) FILTER (WHERE d.state = 'pending')::int AS pending, count(*) FILTER (WHERE d.state = 'rejected')::int AS rejected,
          count(*) FILTER (WHERE d.state = 'abandoned')::int AS abandoned, min(d.created_at) FILTER (WHERE d.state = 'pending') AS oldest_pending_at
     FROM (SELECT p.state, p.created_at FROM logout_deliveries p WHERE p.state = 'pending' AND p.client_id = :clientId
            UNION ALL
           SELECT x.state, x.created_at FROM logout_deliveries x WHERE x.state IN ('rejected', 'abandoned') AND x.client_id = :clientId) d`,
});

const LIST = statement({
  name: 'logout_deliveries_list',
  parameters: {
    cursor: 'uuid?',
    state: 'text?',
    clientId: 'text?',
    terminationId: 'uuid?',
    id: 'uuid?',
    errorCode: 'text?',
    createdAfter: 'timestamptz?',
    createdBefore: 'timestamptz?',
    limit: 'int',
  },
  row: DELIVERY,
  text: `
   SELECT ${COLUMNS} FROM logout_deliveries d
    WHERE (:cursor IS NULL OR (d.created_at, d.id) < (SELECT c.created_at, c.id FROM logout_deliveries c WHERE c.id = :cursor))
      AND (:state IS NULL OR d.state = :state) AND (:clientId IS NULL OR d.client_id = :clientId)
      AND (:terminationId IS NULL OR d.termination_id = :terminationId) AND (:id IS NULL OR d.id = :id)
      AND (:errorCode IS NULL OR d.last_error = :errorCode)
      AND (:createdAfter IS NULL OR d.created_at >= :createdAfter) AND (:createdBefore IS NULL OR d.created_at < :createdBefore)
    ORDER BY d.created_at DESC, d.id DESC LIMIT :limit`,
});
const NO_FILTER = {
  cursor: null,
  state: null,
  clientId: null,
  terminationId: null,
  errorCode: null,
  createdAfter: null,
  createdBefore: null,
};

const ATTEMPTS = statement({
  name: 'logout_deliveries_attempts',
  parameters: { id: 'uuid' },
  row: {
    number: 'int',
    jti: 'text',
    started_at: 'timestamptz',
    duration_ms: 'int',
    status: 'int?',
    error_code: 'text?',
  },
  text: `
    SELECT number, jti, started_at, duration_ms, status, error_code FROM logout_delivery_attempts WHERE delivery_id = :id ORDER BY number`,
});
type AttemptRow = RowOf<typeof ATTEMPTS>;

/**
 * What operators look at first comes first. A termination may have a notice for every session: the inner limit bounds
 * what is sorted, the outer one what is shown. By `logout_deliveries_termination_id_idx` and the attempts' primary key.
 */
const TIMELINE = statement({
  name: 'logout_deliveries_timeline',
  parameters: { terminationId: 'uuid', sorted: 'int', limit: 'int', attempts: 'int' },
  row: { ...DELIVERY, attempts_made: typed<readonly TimelineAttempt[]>('json') },
  text: `
   SELECT ${COLUMNS}, a.attempts_made FROM (
     SELECT * FROM (SELECT * FROM logout_deliveries WHERE termination_id = :terminationId LIMIT :sorted) x
      ORDER BY array_position(ARRAY['pending', 'abandoned', 'rejected'], x.state), x.created_at, x.client_id, x.id LIMIT :limit
   ) d
   CROSS JOIN LATERAL (
     SELECT coalesce(json_agg(json_build_object('number', l.number, 'jti', l.jti, 'started_at', l.started_at, 'duration_ms', l.duration_ms,
                                                'status', l.status, 'error_code', l.error_code) ORDER BY l.number), '[]') AS attempts_made
       FROM (SELECT * FROM logout_delivery_attempts y WHERE y.delivery_id = d.id ORDER BY y.number DESC LIMIT :attempts) l
   ) a
   ORDER BY array_position(ARRAY['pending', 'abandoned', 'rejected'], d.state), d.created_at, d.client_id, d.id`,
});

/** Notices of one termination that are sorted. */
const TIMELINE_READ = 2000;

const OF_REMOVED_CLIENTS = dependentRows({
  name: 'logout_deliveries_remove_of_removed_clients',
  table: 'logout_deliveries',
  key: 'id',
  owner: 'client_id',
  owners: clientsToBeRemoved(':before'),
});

/** The ledger of notices, as it is read. */
@Injectable()
export class DeliveryLedgerRepository implements OnModuleInit {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly retention: Retention,
  ) {}

  onModuleInit(): void {
    this.retention.register({ ...OF_REMOVED_CLIENTS, keepMs: DELETED_CLIENT_KEPT_MS, first: true });
  }

  async count(clientId: string): Promise<UndeliveredCounts> {
    const [row] = await this.transactions.query(COUNT, { clientId });
    return {
      pending: row?.pending ?? 0,
      rejected: row?.rejected ?? 0,
      abandoned: row?.abandoned ?? 0,
      oldestPendingAt: row?.oldest_pending_at ?? undefined,
    };
  }

  /** Newest first. */
  async list(filter: PageRequest & Omit<DeliveryFilter, 'ids'>): Promise<Page<Delivery>> {
    const { limit } = filter;
    const rows = await this.transactions.query(LIST, {
      cursor: filter.cursor,
      state: filter.state,
      clientId: filter.clientId,
      terminationId: filter.terminationId,
      id: null,
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
      attemptsMade: row.attempts_made.map((made) => toAttempt({ ...made, started_at: new Date(made.started_at) })),
    }));
  }

  async find(id: string): Promise<{ readonly delivery: Delivery; readonly attempts: readonly Attempt[] } | undefined> {
    const [row] = await this.transactions.query(LIST, { ...NO_FILTER, id, limit: 1 });
    if (row === undefined) return undefined;
    const attempts = await this.transactions.query(ATTEMPTS, { id });
    return { delivery: toDelivery(row), attempts: attempts.map(toAttempt) };
  }
}
/** An attempt as JSON gives it. */
type TimelineAttempt = Omit<AttemptRow, 'started_at'> & { readonly started_at: string };

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

function toAttempt(row: AttemptRow): Attempt {
  return {
    number: row.number,
    jti: row.jti,
    startedAt: row.started_at,
    durationMs: row.duration_ms,
    status: row.status,
    errorCode: row.error_code,
  };
}
