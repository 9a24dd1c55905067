import { createHash } from 'node:crypto';
import { MINUTE } from '../clock/durations.js';
import type { AuditDetails, AuditEventName } from './audit-event.js';

/** Rows that refusals of one event may leave in a minute, on each node. What differs further is counted in one more. */
export const MAX_ROWS_PER_MINUTE = 50;
/** The details of the row for what had no room of its own. */
export const OTHER_REFUSALS: AuditDetails = { reason: 'various' };

/** The row that a refusal is counted in. Its key is the same for the same refusal within a minute, on every node. */
export interface RefusalRow {
  readonly key: Buffer;
  readonly details: AuditDetails;
}

/**
 * Finds the row for each refusal, so that anybody can be refused any number of times and the record grows by a bounded
 * number of rows a minute.
 */
export class RefusalCounts {
  private minute = 0;
  private readonly seen = new Map<AuditEventName, Set<string>>();

  /** @param sameAs the details with whatever differs from try to try made the same, such as an address within a network */
  rowOf(event: AuditEventName, details: AuditDetails, sameAs: AuditDetails, now: Date): RefusalRow {
    const minute = Math.floor(now.getTime() / MINUTE);
    if (minute !== this.minute) this.seen.clear();
    this.minute = minute;
    const rows = this.seen.get(event) ?? new Set();
    this.seen.set(event, rows);
    const what = JSON.stringify(sameAs);
    if (!rows.has(what) && rows.size >= MAX_ROWS_PER_MINUTE)
      return { key: keyOf(minute, event, 'various'), details: OTHER_REFUSALS };
    rows.add(what);
    return { key: keyOf(minute, event, what), details };
  }
}

function keyOf(minute: number, event: AuditEventName, what: string): Buffer {
  return createHash('sha256').update(`${minute} ${event} ${what}`).digest();
}
