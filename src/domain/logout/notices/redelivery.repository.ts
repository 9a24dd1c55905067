import { Injectable } from '@nestjs/common';
import { sql, statement, type Queryable } from '../../../platform/database/statement.js';
import { HELD_BACK } from '../../../platform/epochs/epochs.sql.js';
import { clientHasBackChannel } from '../../clients/clients.sql.js';
import { REOPEN_RECEIPTS } from '../receipts/receipts.sql.js';
import { UNCLAIMED } from './deliveries.sql.js';
import type { DeliveryFilter } from './delivery.js';

const FILTER = `(:ids IS NULL OR d.id = ANY(:ids)) AND (:state IS NULL OR d.state = :state) AND (:clientId IS NULL OR d.client_id = :clientId)
      AND (:terminationId IS NULL OR d.termination_id = :terminationId) AND (:errorCode IS NULL OR d.last_error = :errorCode)
      AND (:createdAfter IS NULL OR d.created_at >= :createdAfter) AND (:createdBefore IS NULL OR d.created_at < :createdBefore)`;

/** What was delivered is over, and an application without an address would only be given up again. */
const RESEND = statement({
  name: 'logout_deliveries_resend',
  parameters: {
    now: 'timestamptz',
    ids: 'uuid[]?',
    state: 'text?',
    clientId: 'text?',
    terminationId: 'uuid?',
    errorCode: 'text?',
    createdAfter: 'timestamptz?',
    createdBefore: 'timestamptz?',
  },
  row: { client_id: 'text', resent: 'int' },
  text: `
   WITH resent AS (
     UPDATE logout_deliveries d SET state = 'pending', next_attempt_at = :now, resent_at = :now, finished_at = NULL, claimed_until = NULL
      WHERE ${FILTER} AND (d.state IN ('rejected', 'abandoned') OR (d.state = 'pending' AND ${UNCLAIMED}))
        AND EXISTS (SELECT 1 FROM clients c WHERE c.client_id = d.client_id AND ${clientHasBackChannel('c')})
     RETURNING d.client_id
   )
   SELECT client_id, count(*)::int AS resent FROM resent GROUP BY client_id`,
});

/** The application receives notices elsewhere now: no reason to wait any longer, but for an order that is paused. */
const HASTEN = statement({
  name: 'logout_deliveries_hasten',
  parameters: { now: 'timestamptz', clientId: 'text' },
  text: `
   UPDATE logout_deliveries d SET next_attempt_at = :now
    WHERE d.state = 'pending' AND d.client_id = :clientId AND d.next_attempt_at > :now AND d.next_attempt_at < ${HELD_BACK} AND ${UNCLAIMED}`,
});

/** The application receives no notices any more. What is under way comes to its own end. */
const ABANDON = statement({
  name: 'logout_deliveries_abandon',
  parameters: { now: 'timestamptz', clientId: 'text', errorCode: 'text' },
  row: { termination_id: 'uuid' },
  text: sql`
   WITH ended AS (
     UPDATE logout_deliveries d SET state = 'abandoned', finished_at = :now, last_error = :errorCode
      WHERE d.state = 'pending' AND d.client_id = :clientId AND ${UNCLAIMED}
     RETURNING d.termination_id, d.resent_at
   ),
   ${REOPEN_RECEIPTS}
   SELECT DISTINCT termination_id FROM ended`,
});

/** Changes what becomes of notices that did not arrive, each method by one statement. */
@Injectable()
export class RedeliveryRepository {
  /**
   * What fits the filter and was not delivered is due now, with its age counted from now. Returns how many, by
   * application.
   */
  async resend(db: Queryable, filter: DeliveryFilter, now: Date): Promise<Map<string, number>> {
    const rows = await db.query(RESEND, {
      now,
      ids: filter.ids,
      state: filter.state,
      clientId: filter.clientId,
      terminationId: filter.terminationId,
      errorCode: filter.errorCode,
      createdAfter: filter.createdAfter,
      createdBefore: filter.createdBefore,
    });
    return new Map(rows.map((row) => [row.client_id, row.resent]));
  }

  /** Pending notices of an application that wait for their next attempt are due now. */
  async hasten(db: Queryable, clientId: string, now: Date): Promise<void> {
    await db.query(HASTEN, { now, clientId });
  }

  /** Pending notices of an application end, save those that are being sent at this moment. */
  async abandon(db: Queryable, clientId: string, errorCode: string, now: Date): Promise<void> {
    await db.query(ABANDON, { now, clientId, errorCode });
  }
}
