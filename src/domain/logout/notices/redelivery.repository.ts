import { Injectable } from '@nestjs/common';
import { limitAlongIndex } from '../../../platform/database/sql-text.js';
import { sql, statement, typed, type Queryable } from '../../../platform/database/statement.js';
import { HELD_BACK } from '../../../platform/epochs/epochs.sql.js';
import { clientHasBackChannel } from '../../clients/clients.sql.js';
import { REOPEN_RECEIPTS } from '../receipts/receipts.sql.js';
import { NOTICE_FILTER_PARAMETERS, UNCLAIMED, undeliveredInOrder } from './deliveries.sql.js';
import type { DeliveryFilter } from './delivery.js';

/** So many are changed in one statement. */
export const RESENT_AT_ONCE = 1000;
/** At a change of an application's address. */
const CHANGED_AT_ONCE = 10_000;

/** The next of them, the newest first. What was delivered is over, and an application without an address would only be given up again. */
const RESEND = statement({
  name: 'logout_deliveries_resend',
  parameters: { ...NOTICE_FILTER_PARAMETERS, ids: 'uuid[]?', now: 'timestamptz', limit: 'int' },
  row: {
    looked: 'int',
    last: 'uuid?',
    last_termination: 'uuid?',
    resent: typed<readonly { readonly client_id: string; readonly count: number }[]>('json'),
  },
  plannedAnew: true,
  text: `
   WITH looked AS MATERIALIZED (
     SELECT d.id, d.termination_id FROM (${undeliveredInOrder(':limit', '(:ids IS NULL OR id = ANY(:ids))')}) d
      ORDER BY d.termination_id DESC, d.id DESC LIMIT :limit
   ), resent AS (
     UPDATE logout_deliveries d SET state = 'pending', next_attempt_at = :now, resent_at = :now, finished_at = NULL, claimed_until = NULL
      WHERE d.id = ANY(ARRAY(SELECT l.id FROM looked l)) AND (d.state IN ('rejected', 'abandoned') OR (d.state = 'pending' AND ${UNCLAIMED}))
        AND EXISTS (SELECT 1 FROM clients c WHERE c.client_id = d.client_id AND ${clientHasBackChannel('c')})
     RETURNING d.client_id
   ), last AS (SELECT l.id, l.termination_id FROM looked l ORDER BY l.termination_id, l.id LIMIT 1)
   SELECT (SELECT count(*)::int FROM looked) AS looked, (SELECT id FROM last) AS last, (SELECT termination_id FROM last) AS last_termination,
          (SELECT coalesce(json_agg(x), '[]') FROM (SELECT r.client_id, count(*)::int AS count FROM resent r GROUP BY r.client_id) x) AS resent`,
});

/** Pending ones of the client, the oldest first, so many of those for which `condition` holds. */
function pendingOf(condition: string): string {
  return `d.state = 'pending' AND d.id = ANY(ARRAY(
      SELECT p.id FROM (SELECT * FROM logout_deliveries x WHERE x.state = (SELECT 'pending') AND x.client_id = :clientId
                         ORDER BY x.termination_id, x.id ${limitAlongIndex(':limit')}) p
       WHERE ${condition}))`;
}

/**
 * The application receives notices elsewhere now: no reason to wait any longer, but for an order that is paused. More of them
 * than this come when their time does.
 */
const HASTEN = statement({
  name: 'logout_deliveries_hasten',
  parameters: { now: 'timestamptz', clientId: 'text', limit: 'int' },
  text: `
   UPDATE logout_deliveries d SET next_attempt_at = :now
    WHERE ${pendingOf(`p.next_attempt_at > :now AND p.next_attempt_at < ${HELD_BACK}`)} AND ${UNCLAIMED}`,
});

/**
 * The application receives no notices any more. What is under way comes to its own end, and so does, at its next attempt, what
 * is more than this.
 */
const ABANDON = statement({
  name: 'logout_deliveries_abandon',
  parameters: { now: 'timestamptz', clientId: 'text', errorCode: 'text', limit: 'int' },
  row: { termination_id: 'uuid' },
  text: sql`
   WITH ended AS (
     UPDATE logout_deliveries d SET state = 'abandoned', finished_at = :now, last_error = :errorCode
      WHERE ${pendingOf('true')} AND ${UNCLAIMED}
     RETURNING d.termination_id, d.resent_at
   ),
   ${REOPEN_RECEIPTS}
   SELECT DISTINCT termination_id FROM ended`,
});

/** What a step came to. */
export interface Resent {
  readonly byClient: ReadonlyMap<string, number>;
  /** Where the next step begins; undefined: there is nothing after this one. */
  readonly next: NoticePlace | undefined;
}

/** A place in the order of lists. */
export interface NoticePlace {
  readonly cursor: string;
  readonly cursorTermination: string;
}

/** Changes what becomes of notices that did not arrive, each method by one statement. */
@Injectable()
export class RedeliveryRepository {
  /**
   * The first {@link RESENT_AT_ONCE} from `from` on that fit the filter and were not delivered are due now, with their age counted
   * from now.
   */
  async resend(db: Queryable, filter: DeliveryFilter, now: Date, from: NoticePlace | undefined): Promise<Resent> {
    const [row] = await db.query(RESEND, {
      now,
      cursor: from?.cursor,
      cursorTermination: from?.cursorTermination,
      ids: filter.ids,
      state: filter.state,
      clientId: filter.clientId,
      terminationId: filter.terminationId,
      errorCode: filter.errorCode,
      createdAfter: filter.createdAfter,
      createdBefore: filter.createdBefore,
      limit: RESENT_AT_ONCE,
    });
    const { looked = 0, last = null, last_termination: cursorTermination = null, resent = [] } = row ?? {};
    const ended = looked < RESENT_AT_ONCE || last === null || cursorTermination === null;
    return {
      byClient: new Map(resent.map(({ client_id: clientId, count }) => [clientId, count])),
      next: ended ? undefined : { cursor: last, cursorTermination },
    };
  }

  /** Pending notices of an application that wait for their next attempt are due now. */
  async hasten(db: Queryable, clientId: string, now: Date): Promise<void> {
    await db.query(HASTEN, { now, clientId, limit: CHANGED_AT_ONCE });
  }

  /** Pending notices of an application end, save those that are being sent at this moment. */
  async abandon(db: Queryable, clientId: string, errorCode: string, now: Date): Promise<void> {
    await db.query(ABANDON, { now, clientId, errorCode, limit: CHANGED_AT_ONCE });
  }
}
