import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DAY } from '../../../platform/clock/durations.js';
import { toPage, type Page, type PageRequest } from '../../../platform/database/page.js';
import { expiredRows, Retention } from '../../../platform/database/retention.js';
import { statement, typed, type RowOf } from '../../../platform/database/statement.js';
import { TransactionRunner } from '../../../platform/database/transaction.js';
import type { LogoutInitiator, TerminationCause } from '../command/logout.js';
import type { Termination } from './termination.js';
import type { WithoutNotice } from './without-notice.js';

const LIST = statement({
  name: 'logout_list_terminations',
  parameters: { cursor: 'uuid?', accountId: 'uuid?', cause: 'text?', id: 'uuid?', limit: 'int' },
  row: {
    id: 'uuid',
    cause: typed<TerminationCause>('text'),
    initiator: typed<LogoutInitiator>('jsonb'),
    account_id: 'uuid?',
    sessions: 'int',
    grants_revoked: 'int',
    deliveries: 'int',
    without_notice: typed<readonly WithoutNotice[]>('jsonb'),
    occurred_at: 'timestamptz',
    receipted_at: 'timestamptz?',
  },
  text: `
    SELECT t.id, t.cause, t.initiator, t.account_id, t.sessions, t.grants_revoked, t.deliveries, t.without_notice, t.occurred_at, t.receipted_at
      FROM session_terminations t
     WHERE (:cursor IS NULL OR t.id < :cursor) AND (:accountId IS NULL OR t.account_id = :accountId)
       AND (:cause IS NULL OR t.cause = :cause) AND (:id IS NULL OR t.id = :id)
     ORDER BY t.id DESC LIMIT :limit`,
});

const NOT_ASKED = statement({
  name: 'logout_not_asked',
  parameters: { id: 'uuid', clientIds: 'text[]' },
  text: `
    UPDATE session_terminations t SET receipted_at = NULL, without_notice = (
      SELECT jsonb_agg(CASE WHEN w.item ->> 'state' = 'asked' AND w.item ->> 'client_id' = ANY(:clientIds)
                            THEN w.item || '{"state": "not_told", "reason": "frontchannel_uri_refused"}' ELSE w.item END ORDER BY w.place)
        FROM jsonb_array_elements(t.without_notice) WITH ORDINALITY AS w(item, place))
     WHERE t.id = :id AND jsonb_array_length(t.without_notice) > 0`,
});

const OLD = expiredRows({
  name: 'logout_remove_old_terminations',
  table: 'session_terminations',
  key: 'id',
  condition: `occurred_at < :before AND NOT EXISTS (
    SELECT 1 FROM logout_deliveries d WHERE d.termination_id = session_terminations.id AND d.state = 'pending')`,
  along: 'occurred_at',
});

const KEPT_MS = 90 * DAY;

/** The record of terminations, as it is read afterwards. */
@Injectable()
export class TerminationRecordRepository implements OnModuleInit {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly retention: Retention,
  ) {}

  onModuleInit(): void {
    this.retention.register({ ...OLD, keepMs: KEPT_MS });
  }

  /** Newest first. */
  async list(
    filter: PageRequest & { readonly accountId?: string | undefined; readonly cause?: string | undefined },
  ): Promise<Page<Termination>> {
    const { cursor, accountId, cause, limit } = filter;
    const rows = await this.transactions.query(LIST, { cursor, accountId, cause, id: null, limit: limit + 1 });
    return toPage(rows.map(toTermination), limit, ({ id }) => id);
  }

  async find(id: string): Promise<Termination | undefined> {
    const [row] = await this.transactions.query(LIST, { cursor: null, accountId: null, cause: null, id, limit: 1 });
    return row === undefined ? undefined : toTermination(row);
  }

  /**
   * The page was not to load the frames of these applications, so they were not asked after all. A receipt that says
   * otherwise is followed by another revision.
   */
  async notAsked(id: string, clientIds: readonly string[]): Promise<void> {
    await this.transactions.query(NOT_ASKED, { id, clientIds });
  }
}

function toTermination(row: RowOf<typeof LIST>): Termination {
  return {
    id: row.id,
    cause: row.cause,
    initiator: row.initiator,
    accountId: row.account_id,
    sessions: row.sessions,
    grantsRevoked: row.grants_revoked,
    deliveries: row.deliveries,
    withoutNotice: row.without_notice,
    occurredAt: row.occurred_at,
    receiptedAt: row.receipted_at,
  };
}
