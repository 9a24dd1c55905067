import { Inject, Injectable } from '@nestjs/common';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { HOUR } from '../../../platform/clock/durations.js';
import { firstIdOf } from '../../../platform/clock/time-ordered-id.js';
import { limitAlongIndex } from '../../../platform/database/sql-text.js';
import { Clock } from '../../../platform/clock/clock.js';
import { statement, typed, type RowOf } from '../../../platform/database/statement.js';
import { TransactionRunner } from '../../../platform/database/transaction.js';
import type { LedgerFigures } from '../../../platform/metrics/ports/delivery-ledger.js';
import { DELIVERY_STATES, type DeliveryState } from '../notices/delivery.js';
import { grouped } from './grouped.js';

const WINDOW_MS = 24 * HOUR;
const FIGURES_MAX_AGE_MS = 10_000;
const OVERVIEW_MAX_AGE_MS = 5_000;
/** So many of each kind are counted and no more, however much there is: a count of as many means "or more". */
export const FIGURES_COUNT_LIMIT = 10_000;
/** The same for an overview: of each hour the latest. */
export const HOUR_COUNT_LIMIT = 1000;
/** Beside the longest time that a notice is tried for: a node's clock, and an order's queue. */
const MARGIN_MS = 24 * HOUR;

const FAILED_STATES = ['rejected', 'abandoned'] as const;

/** Notices that ended in that state within `when`, which is about finished_at: the latest of them. */
function failedIn(state: string, columns: string, when: string, limit: string): string {
  return `(SELECT ${columns} FROM logout_deliveries WHERE state = '${state}' AND ${when} ORDER BY finished_at DESC ${limitAlongIndex(limit)})`;
}

/**
 * What ended within `when`, of each state the latest, each from an index. Of logouts since `:oldest`, so that not every day of
 * the ledger is asked: what was accepted from before that, since it was sent again, is in the lists.
 */
function endedWithin(when: string, limit: string): string {
  const columns = 'state, client_id, created_at, finished_at';
  return `(SELECT 'delivered' AS state, client_id, created_at, finished_at FROM logout_delivered
             WHERE termination_id >= :oldest AND ${when} ORDER BY finished_at DESC ${limitAlongIndex(limit)})
           UNION ALL ${FAILED_STATES.map((state) => failedIn(state, columns, when, limit)).join(' UNION ALL ')}`;
}

const ENDED = statement({
  name: 'logout_figures_ended',
  parameters: { since: 'timestamptz', oldest: 'uuid', limit: 'int' },
  row: { state: typed<DeliveryState>('text'), count: 'int' },
  text: `
   SELECT d.state, count(*)::int AS count FROM (${endedWithin('finished_at > :since', ':limit')}) d GROUP BY d.state`,
});

/** The oldest, in the order in which their logouts were decided. */
const PENDING = statement({
  name: 'logout_figures_pending',
  parameters: { limit: 'int' },
  row: { client_id: 'text', count: 'int', oldest: 'timestamptz' },
  text: `
   SELECT d.client_id, count(*)::int AS count, min(d.created_at) AS oldest FROM (
     SELECT client_id, created_at FROM logout_deliveries WHERE state = 'pending' ORDER BY termination_id, id ${limitAlongIndex(':limit')}
   ) d GROUP BY d.client_id`,
});

/** The latest of each hour: all together, by application, by hour. */
const OVERVIEW = statement({
  name: 'logout_figures_overview',
  parameters: { now: 'timestamptz', since: 'timestamptz', oldest: 'uuid', limit: 'int' },
  row: {
    client_id: 'text?',
    hour: 'timestamptz?',
    state: typed<DeliveryState>('text'),
    count: 'int',
    seconds: typed<readonly [number, number]>('float8[]'),
  },
  text: `
   WITH hours AS MATERIALIZED (
     SELECT date_bin('1 hour', :now, TIMESTAMPTZ '2000-01-01 00:00Z') - make_interval(hours => n) AS hour FROM generate_series(0, 24) n
   ), recent AS MATERIALIZED (
     SELECT d.state, d.client_id, h.hour, extract(epoch FROM d.finished_at - d.created_at)::float8 AS seconds
       FROM hours h CROSS JOIN LATERAL (
          ${endedWithin(`finished_at > :since AND finished_at >= h.hour AND finished_at < h.hour + interval '1 hour'`, ':limit')}
       ) d
   )
   SELECT client_id, hour, state, count(*)::int AS count,
          percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY seconds) AS seconds
     FROM recent GROUP BY GROUPING SETS ((state), (client_id, state), (hour, state))`,
});

const MAX_FAILURES = 10;

/** The latest of the last day that ended without an acceptance. */
const FAILURES = statement({
  name: 'logout_figures_failures',
  parameters: { since: 'timestamptz', limit: 'int' },
  row: {
    id: 'uuid',
    termination_id: 'uuid',
    client_id: 'text',
    state: typed<DeliveryState>('text'),
    finished_at: 'timestamptz!',
    last_error: 'text?',
  },
  text: `
   SELECT d.id, d.termination_id, d.client_id, d.state, d.finished_at, d.last_error
     FROM (${FAILED_STATES.map((state) =>
       failedIn(
         state,
         'id, termination_id, client_id, state, finished_at, last_error',
         'finished_at > :since',
         ':limit',
       ),
     ).join(' UNION ALL ')}) d
    ORDER BY d.finished_at DESC LIMIT :limit`,
});

/** From the decision to the acceptance. */
export interface Latency {
  readonly p50: number;
  readonly p95: number;
}

export interface ApplicationFigures {
  readonly clientId: string;
  /** By state: `pending` whatever their age, the others of the last 24 hours. */
  readonly counts: Readonly<Record<DeliveryState, number>>;
  readonly latency: Latency | undefined;
  readonly oldestPendingAt: Date | undefined;
}

export interface HourFigures {
  readonly startsAt: Date;
  readonly counts: Readonly<Record<DeliveryState, number>>;
  readonly latency: Latency | undefined;
}

/** A notice that ended without an acceptance. */
export interface FailedDelivery {
  readonly id: string;
  readonly terminationId: string;
  readonly clientId: string;
  readonly state: DeliveryState;
  readonly finishedAt: Date;
  readonly lastError: string | null;
}

/**
 * What is pending, and of each hour and state the latest {@link HOUR_COUNT_LIMIT}: where there
 * were more, counts say at least how many, and latencies are those of the ones that were counted.
 */
export interface DeliveryOverview {
  readonly at: Date;
  readonly counts: Readonly<Record<DeliveryState, number>>;
  /** The states of which there are more than were counted. */
  readonly more: ReadonlySet<DeliveryState>;
  readonly latency: Latency | undefined;
  readonly oldestPendingAt: Date | undefined;
  /** Those with the most to do first. */
  readonly applications: readonly ApplicationFigures[];
  /** 24, the oldest first, none left out. */
  readonly hours: readonly HourFigures[];
  /** The latest few, newest first. */
  readonly failures: readonly FailedDelivery[];
}

/** Numbers about the notices, for `/metrics` and the console. Read at most once in a few seconds, and each time to a limit. */
@Injectable()
export class DeliveryFiguresService {
  private readonly rememberedFigures = this.remembered(FIGURES_MAX_AGE_MS, () => this.readFigures());
  private readonly remember = this.remembered(OVERVIEW_MAX_AGE_MS, () => this.readOverview());

  constructor(
    private readonly transactions: TransactionRunner,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** How many deliveries stand how, each counted to {@link FIGURES_COUNT_LIMIT}, and since when the oldest is pending. */
  figures(): Promise<LedgerFigures> {
    return this.rememberedFigures();
  }

  /** How deliveries went in the last 24 hours, and what is pending. */
  overview(): Promise<DeliveryOverview> {
    return this.remember();
  }

  private async readFigures(): Promise<LedgerFigures> {
    const [ended, pending] = await Promise.all([
      this.transactions.query(ENDED, { ...this.lately(), limit: FIGURES_COUNT_LIMIT }),
      this.pending(),
    ]);
    const deliveries = countsOf(ended, pending);
    const oldest = oldestOf(pending);
    const oldestPendingSeconds = oldest === undefined ? 0 : (this.clock.now().getTime() - oldest.getTime()) / 1000;
    return { deliveries, oldestPendingSeconds };
  }

  private async readOverview(): Promise<DeliveryOverview> {
    const at = this.clock.now();
    const lately = this.lately();
    const [rows, pending, failures] = await Promise.all([
      this.transactions.query(OVERVIEW, { now: at, ...lately, limit: HOUR_COUNT_LIMIT }),
      this.pending(),
      this.transactions.query(FAILURES, { since: lately.since, limit: MAX_FAILURES }),
    ]);
    const total = rows.filter((row) => row.client_id === null && row.hour === null);
    return {
      at,
      counts: countsOf(total, pending),
      more: moreOf(rows, pending),
      latency: latencyOf(total),
      oldestPendingAt: oldestOf(pending),
      applications: applicationsOf(rows, pending),
      hours: hoursOf(rows, at),
      failures: failures.map((row) => ({
        id: row.id,
        terminationId: row.termination_id,
        clientId: row.client_id,
        state: row.state,
        finishedAt: row.finished_at,
        lastError: row.last_error,
      })),
    };
  }

  private pending(): Promise<PendingRow[]> {
    return this.transactions.query(PENDING, { limit: FIGURES_COUNT_LIMIT });
  }

  private lately(): { readonly since: Date; readonly oldest: string } {
    const oldest = firstIdOf(this.clock.in(-WINDOW_MS - this.settings.deliveryMaxAgeMs - MARGIN_MS));
    return { since: this.clock.in(-WINDOW_MS), oldest };
  }

  /** Any number of readers cost one read in `maxAgeMs`. A failure is not remembered. */
  private remembered<T>(maxAgeMs: number, read: () => Promise<T>): () => Promise<T> {
    let last: { readonly at: number; readonly value: Promise<T> } | undefined;
    return () => {
      const now = this.clock.now().getTime();
      if (last !== undefined && now - last.at < maxAgeMs) return last.value;
      const value = read();
      const current = { at: now, value };
      last = current;
      value.catch(() => {
        if (last === current) last = undefined;
      });
      return value;
    };
  }
}

type OverviewRow = RowOf<typeof OVERVIEW>;
type PendingRow = RowOf<typeof PENDING>;

function countsOf(
  ended: readonly { readonly state: DeliveryState; readonly count: number }[],
  pending: readonly PendingRow[],
): Record<DeliveryState, number> {
  const counts = Object.fromEntries(DELIVERY_STATES.map((state) => [state, 0])) as Record<DeliveryState, number>;
  for (const { state, count } of ended) counts[state] = count;
  counts.pending = pending.reduce((sum, { count }) => sum + count, 0);
  return counts;
}

function moreOf(rows: readonly OverviewRow[], pending: readonly PendingRow[]): ReadonlySet<DeliveryState> {
  const more = new Set<DeliveryState>();
  const byHour = grouped(
    rows.filter((row) => row.hour !== null),
    (row) => row.hour?.getTime() ?? 0,
  );
  for (const own of byHour.values()) {
    const { delivered, rejected, abandoned } = countsOf(own, []);
    if (delivered >= HOUR_COUNT_LIMIT) more.add('delivered');
    if (rejected >= HOUR_COUNT_LIMIT) more.add('rejected');
    if (abandoned >= HOUR_COUNT_LIMIT) more.add('abandoned');
  }
  if (countsOf([], pending).pending >= FIGURES_COUNT_LIMIT) more.add('pending');
  return more;
}

function latencyOf(rows: readonly OverviewRow[]): Latency | undefined {
  const delivered = rows.find((row) => row.state === 'delivered');
  return delivered === undefined ? undefined : { p50: delivered.seconds[0], p95: delivered.seconds[1] };
}

function oldestOf(pending: readonly PendingRow[]): Date | undefined {
  return pending.map(({ oldest }) => oldest).sort((a, b) => a.getTime() - b.getTime())[0];
}

function applicationsOf(rows: readonly OverviewRow[], pending: readonly PendingRow[]): ApplicationFigures[] {
  const byClient = grouped(
    rows.filter((row) => row.client_id !== null),
    (row) => row.client_id ?? '',
  );
  const waiting = new Map(pending.map((row) => [row.client_id, row]));
  const clientIds = [...new Set([...waiting.keys(), ...byClient.keys()])];
  const weight = ({ counts }: ApplicationFigures): readonly number[] => [
    counts.pending,
    counts.abandoned + counts.rejected,
    counts.delivered,
  ];
  return clientIds
    .map((clientId): ApplicationFigures => {
      const own = byClient.get(clientId) ?? [];
      const owed = waiting.get(clientId);
      return {
        clientId,
        counts: countsOf(own, owed === undefined ? [] : [owed]),
        latency: latencyOf(own),
        oldestPendingAt: owed?.oldest,
      };
    })
    .sort((a, b) => compare(weight(b), weight(a)));
}

function hoursOf(rows: readonly OverviewRow[], at: Date): HourFigures[] {
  const last = Math.floor(at.getTime() / HOUR) * HOUR;
  return Array.from({ length: 24 }, (_, index) => {
    const startsAt = new Date(last - (23 - index) * HOUR);
    const own = rows.filter((row) => row.hour?.getTime() === startsAt.getTime());
    return { startsAt, counts: countsOf(own, []), latency: latencyOf(own) };
  });
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) {
    const difference = value - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
