import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { DAY, MINUTE } from '../clock/durations.js';
import { firstIdOf, timeOrderedId } from '../clock/time-ordered-id.js';
import { Clock } from '../clock/clock.js';
import { toPage, type Page, type PageRequest } from '../database/page.js';
import { firstIdAt } from '../database/day-partitions.js';
import { expiredRows, Retention, rowsWithoutDay } from '../database/retention.js';
import { statement, typed } from '../database/statement.js';
import { sqlState } from '../database/storage-errors.js';
import { TransactionRunner, type Tx } from '../database/transaction.js';
import type { AuditedRow } from './audit.sql.js';
import { CoalescingCounter } from './coalescing-counter.js';
import { RefusalCounts } from './refusal-counts.js';
import {
  MAX_DETAIL_LENGTH,
  type AuditDetails,
  type AuditEvent,
  type AuditEventName,
  type AuditOutcome,
  type RecordedAuditEvent,
} from './audit-event.js';

const YEAR_MS = 365 * DAY;
/** Refusals are what anybody can cause. They are for seeing an attack, not for looking up after months. */
const REFUSALS_MS = 7 * DAY;

const INSERT = statement({
  name: 'audit_insert',
  parameters: { id: 'uuid', at: 'timestamptz', event: 'text', outcome: 'text', details: 'jsonb' },
  text: 'INSERT INTO audit_events (id, at, event, outcome, details) VALUES (:id, :at, :event, :outcome, :details)',
});
/** By the key within the minute that it is of, so one day is looked at. Two nodes that begin it at once leave a row each. */
const COUNT_REFUSAL = statement({
  name: 'audit_count_refusal',
  parameters: {
    id: 'uuid',
    minute: 'uuid',
    at: 'timestamptz',
    event: 'text',
    details: 'jsonb',
    count: 'int',
    until: 'text',
    key: 'bytea',
  },
  plannedAnew: true,
  text: `
    WITH counted AS (
      UPDATE audit_events a SET details = a.details || jsonb_build_object(
               'count', coalesce((a.details ->> 'count')::int, 1) + :count, 'until', :until)
       WHERE a.id >= :minute AND a.id = (SELECT x.id FROM audit_events x WHERE x.refusal_key = :key AND x.id >= :minute ORDER BY x.id LIMIT 1)
      RETURNING 1
    )
    INSERT INTO audit_events (id, at, event, outcome, details, refusal_key)
    SELECT :id, :at, :event, 'refused', CASE WHEN :count > 1 THEN :details || jsonb_build_object('count', :count) ELSE :details END, :key
     WHERE NOT EXISTS (SELECT 1 FROM counted)`,
});
const LIST = statement({
  name: 'audit_list',
  parameters: { cursor: 'uuid?', event: 'text?', outcome: 'text?', limit: 'int' },
  row: {
    id: 'uuid',
    at: 'timestamptz',
    event: typed<AuditEventName>('text'),
    outcome: typed<AuditOutcome>('text'),
    details: typed<AuditDetails>('jsonb'),
  },
  text: `
    SELECT id, at, event, outcome, details FROM audit_events
     WHERE (:cursor IS NULL OR id < :cursor) AND (:event IS NULL OR event = :event) AND (:outcome IS NULL OR outcome = :outcome)
     ORDER BY id DESC LIMIT :limit`,
});

const OLD = rowsWithoutDay({
  name: 'audit_remove_old',
  table: 'audit_events',
  key: 'id',
  bound: firstIdAt(':before'),
});
/** Of a month: what a service that stood still for longer has left goes with its day. */
const OLD_REFUSALS = expiredRows({
  name: 'audit_remove_old_refusals',
  table: 'audit_events',
  key: 'id',
  condition: `outcome = 'refused' AND id < ${firstIdAt(':before')} AND id >= ${firstIdAt(":before - interval '30 days'")}`,
  along: 'id',
});

/** The record of what was done, refused and failed, for operators. Kept for a year. */
@Injectable()
export class AuditLog implements OnModuleInit {
  private readonly logger = new Logger(AuditLog.name);
  private readonly refusals = new RefusalCounts();
  private readonly counter = new CoalescingCounter();

  constructor(
    private readonly transactions: TransactionRunner,
    private readonly clock: Clock,
    private readonly retention: Retention,
  ) {}

  onModuleInit(): void {
    this.retention.register({ ...OLD, keepMs: YEAR_MS, byDay: { by: 'id' } }, { ...OLD_REFUSALS, keepMs: REFUSALS_MS });
  }

  /**
   * Records an event. With `tx` it is a part of what it records: both are kept or neither is. A failure is thrown, so
   * what must be on record is not done without it.
   */
  async record(event: AuditEvent, tx?: Tx): Promise<void> {
    const at = this.clock.now();
    await (tx ?? this.transactions).query(INSERT, {
      id: timeOrderedId(at),
      at,
      event: event.event,
      outcome: event.outcome,
      details: storable(event.details),
    });
  }

  /** What a statement needs that puts an event on record itself, so that it is a part of what it records. */
  rowOf(details: AuditDetails): AuditedRow {
    return { auditId: timeOrderedId(this.clock.now()), auditDetails: storable(details) };
  }

  /**
   * Records that a request was refused, and never throws: the caller is about to answer a refusal, and a record that
   * cannot be written must not turn that into another answer. Takes no transaction, since the refusal rolls it back.
   *
   * The same refusal within a minute is one event with a `count` and the time of the last one as `until`; beyond
   * {@link MAX_ROWS_PER_MINUTE} different ones a minute they are counted together. Kept for a week: anybody can be refused.
   * @param sameAs details that count as the same, where something in them differs from try to try
   */
  recordRefusal(event: AuditEventName, details: AuditDetails, sameAs: AuditDetails = details): Promise<void> {
    const now = this.clock.now();
    const row = this.refusals.rowOf(event, details, sameAs, now);
    const write = async (count: number): Promise<void> => {
      await this.transactions.query(COUNT_REFUSAL, {
        id: timeOrderedId(now),
        minute: firstIdOf(new Date(Math.floor(now.getTime() / MINUTE) * MINUTE)),
        at: now,
        event,
        details: storable(row.details),
        count,
        until: this.clock.now().toISOString(),
        key: row.key,
      });
    };
    return this.ifPossible({ event, outcome: 'refused' }, () => this.counter.add(row.key.toString('hex'), write));
  }

  /** As {@link recordRefusal}, of a request that was right and could not be carried out. Each is an event of its own. */
  recordFailure(event: AuditEventName, details: AuditDetails): Promise<void> {
    const failure: AuditEvent = { event, outcome: 'failed', details };
    return this.ifPossible(failure, () => this.record(failure));
  }

  private async ifPossible(
    { event, outcome }: Pick<AuditEvent, 'event' | 'outcome'>,
    write: () => Promise<void>,
  ): Promise<void> {
    try {
      await write();
    } catch (error) {
      // Messages of drivers may quote values, so only the code is written.
      this.logger.error(`${event} (${outcome}) is not on record: ${sqlState(error) ?? nameOf(error)}`);
    }
  }

  /** Newest first. */
  async list(
    filter: PageRequest & { readonly event?: AuditEventName | undefined; readonly outcome?: AuditOutcome | undefined },
  ): Promise<Page<RecordedAuditEvent>> {
    const { cursor, event, outcome, limit } = filter;
    const rows = await this.transactions.list(LIST, { cursor, event, outcome, limit: limit + 1 });
    return toPage(rows, limit, ({ id }) => id);
  }
}

function storable(details: AuditDetails): AuditDetails {
  return Object.fromEntries(
    Object.entries(details).map(([name, value]) => [name, typeof value === 'string' ? storableText(value) : value]),
  );
}

/** Cut, and without what `jsonb` does not take: NUL, and half of a surrogate pair (which the cut may leave). */
function storableText(text: string): string {
  return Buffer.from(text.slice(0, MAX_DETAIL_LENGTH)).toString().replaceAll('\0', '\uFFFD');
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}
