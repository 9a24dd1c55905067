import { Injectable, type OnModuleInit } from '@nestjs/common';
import { toPage, type Page, type PageRequest } from '../../../platform/database/page.js';
import { firstIdAt } from '../../../platform/database/day-partitions.js';
import { Retention, rowsWithoutDay } from '../../../platform/database/retention.js';
import { DAYS_HELD, isUnfinished, LEDGER_KEPT_MS } from '../receipts/unfinished.sql.js';
import { limitAlongIndex } from '../../../platform/database/sql-text.js';
import { sql, statement, typed, type RowOf } from '../../../platform/database/statement.js';
import { TransactionRunner } from '../../../platform/database/transaction.js';
import { Clock } from '../../../platform/clock/clock.js';
import { REOPEN_RECEIPTS } from '../receipts/receipts.sql.js';
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
    receipted: 'boolean',
  },
  plannedAnew: true,
  text: `
    SELECT t.id, t.cause, t.initiator, t.account_id, t.sessions, t.grants_revoked, t.deliveries, t.without_notice, t.occurred_at,
           NOT EXISTS (SELECT 1 FROM logout_receipts_owed o WHERE o.termination_id = t.id) AS receipted
      FROM session_terminations t
     WHERE (:cursor IS NULL OR t.id < :cursor) AND (:accountId IS NULL OR t.account_id = :accountId)
       AND (:cause IS NULL OR t.cause = :cause) AND (:id IS NULL OR t.id = :id)
     ORDER BY t.id DESC ${limitAlongIndex(':limit')}`,
});

const NOT_ASKED = statement({
  name: 'logout_not_asked',
  parameters: { id: 'uuid', clientIds: 'text[]', now: 'timestamptz' },
  row: { count: 'bigint' },
  plannedAnew: true,
  text: sql`
    WITH changed AS (
      UPDATE session_terminations t SET without_notice = (
        SELECT jsonb_agg(CASE WHEN w.item ->> 'state' = 'asked' AND w.item ->> 'client_id' = ANY(:clientIds)
                              THEN w.item || '{"state": "not_told", "reason": "frontchannel_uri_refused"}' ELSE w.item END ORDER BY w.place)
          FROM jsonb_array_elements(t.without_notice) WITH ORDINALITY AS w(item, place))
       WHERE t.id = :id AND jsonb_array_length(t.without_notice) > 0
      RETURNING t.id
    ),
    ended AS (SELECT c.id AS termination_id, :now AS resent_at FROM changed c),
    ${REOPEN_RECEIPTS}
    SELECT count(*) FROM ended`,
});

const OLD = rowsWithoutDay({
  name: 'logout_remove_old_terminations',
  table: 'session_terminations',
  key: 'id',
  bound: firstIdAt(':before'),
  condition: `NOT ${isUnfinished('x.id')}`,
});

/** The record of terminations, as it is read afterwards. */
@Injectable()
export class TerminationRecordRepository implements OnModuleInit {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly retention: Retention,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.retention.register({ ...OLD, keepMs: LEDGER_KEPT_MS, byDay: { by: 'id', held: DAYS_HELD } });
  }

  /** Newest first. */
  async list(
    filter: PageRequest & { readonly accountId?: string | undefined; readonly cause?: string | undefined },
  ): Promise<Page<Termination>> {
    const { cursor, accountId, cause, limit } = filter;
    const rows = await this.transactions.list(LIST, { cursor, accountId, cause, id: null, limit: limit + 1 });
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
    await this.transactions.query(NOT_ASKED, { id, clientIds, now: this.clock.now() });
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
    receipted: row.receipted,
  };
}
