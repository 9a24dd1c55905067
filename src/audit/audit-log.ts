import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { v7 as uuid } from 'uuid';
import { Clock } from '../database/clock.js';
import type { Page, PageRequest } from '../database/page.js';
import { Retention } from '../database/retention.js';
import { statement } from '../database/statement.js';
import { sqlState, TransactionRunner, type Tx } from '../database/transaction.js';
import {
  MAX_DETAIL_LENGTH,
  type AuditDetails,
  type AuditEvent,
  type AuditEventName,
  type AuditOutcome,
  type RecordedAuditEvent,
} from './audit-event.js';

const YEAR_MS = 365 * 24 * 60 * 60 * 1000;

const INSERT = statement(
  'audit_insert',
  'INSERT INTO audit_events (id, at, event, outcome, details) VALUES ($1, $2, $3, $4, $5::jsonb)',
);
const LIST = statement(
  'audit_list',
  `SELECT id, at, event, outcome, details FROM audit_events
    WHERE ($1::uuid IS NULL OR id < $1) AND ($2::text IS NULL OR event = $2) AND ($3::text IS NULL OR outcome = $3)
    ORDER BY id DESC LIMIT $4`,
);

/** The record of what was done, refused and failed, for operators. Kept for a year. */
@Injectable()
export class AuditLog implements OnModuleInit {
  private readonly logger = new Logger(AuditLog.name);

  constructor(
    private readonly transactions: TransactionRunner,
    private readonly clock: Clock,
    private readonly retention: Retention,
  ) {}

  onModuleInit(): void {
    this.retention.register({ table: 'audit_events', key: 'id', condition: 'at < $1', keepMs: YEAR_MS });
  }

  /**
   * Records an event. With `tx` it is a part of what it records: both are kept or neither is. A failure is thrown, so
   * what must be on record is not done without it.
   */
  async record(event: AuditEvent, tx?: Tx): Promise<void> {
    await (tx ?? this.transactions).query(INSERT, [
      uuid(),
      this.clock.now(),
      event.event,
      event.outcome,
      JSON.stringify(storable(event.details)),
    ]);
  }

  /**
   * Records that a request was refused, and never throws: the caller is about to answer a refusal, and a record that
   * cannot be written must not turn that into another answer. Takes no transaction, since the refusal rolls it back.
   */
  recordRefusal(event: AuditEventName, details: AuditDetails): Promise<void> {
    return this.recordIfPossible({ event, outcome: 'refused', details });
  }

  /** As {@link recordRefusal}, of a request that was right and could not be carried out. */
  recordFailure(event: AuditEventName, details: AuditDetails): Promise<void> {
    return this.recordIfPossible({ event, outcome: 'failed', details });
  }

  private async recordIfPossible(event: AuditEvent): Promise<void> {
    try {
      await this.record(event);
    } catch (error) {
      // Messages of drivers may quote values, so only the code is written.
      const code = sqlState(error) ?? nameOf(error);
      this.logger.error(`${event.event} (${event.outcome}) is not on record: ${code}`);
    }
  }

  /** Newest first. */
  async list(
    filter: PageRequest & { readonly event?: AuditEventName | undefined; readonly outcome?: AuditOutcome | undefined },
  ): Promise<Page<RecordedAuditEvent>> {
    const rows = await this.transactions.query<RecordedAuditEvent>(LIST, [
      filter.cursor ?? null,
      filter.event ?? null,
      filter.outcome ?? null,
      filter.limit + 1,
    ]);
    const items = rows.slice(0, filter.limit);
    return { items, nextCursor: rows.length > filter.limit ? items.at(-1)?.id : undefined };
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
