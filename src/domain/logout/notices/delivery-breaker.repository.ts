import { Injectable } from '@nestjs/common';
import { anyOf } from '../../../platform/database/sql-text.js';
import { statement, type Queryable } from '../../../platform/database/statement.js';
import { TransactionRunner } from '../../../platform/database/transaction.js';
import type { DeliveryBreaker } from './delivery-breaker.js';

const FIND = statement({
  name: 'logout_deliveries_breaker',
  parameters: { clientId: 'text' },
  row: {
    failures: 'int',
    failed_probes: 'int',
    opened_at: 'timestamptz?',
    probe_at: 'timestamptz',
    last_error: 'text?',
  },
  text: 'SELECT failures, failed_probes, opened_at, probe_at, last_error FROM logout_delivery_breakers WHERE client_id = :clientId',
});
const COUNT_OPEN = statement({
  name: 'logout_deliveries_open_breakers',
  row: { open: 'int' },
  text: 'SELECT count(*)::int AS open FROM logout_delivery_breakers WHERE opened_at IS NOT NULL',
});
const RESET = statement({
  name: 'logout_deliveries_reset_breaker',
  parameters: { clientId: 'text' },
  text: 'DELETE FROM logout_delivery_breakers WHERE client_id = :clientId',
});
const PROBE_NOW = statement({
  name: 'logout_deliveries_probe_now',
  parameters: { clientIds: 'text[]', now: 'timestamptz' },
  text: `
    UPDATE logout_delivery_breakers SET probe_at = :now, failed_probes = 0
     WHERE client_id = ${anyOf(':clientIds')} AND opened_at IS NOT NULL`,
});

/** The breakers of applications. They open and close where results are recorded; here they are read and set by hand. */
@Injectable()
export class DeliveryBreakerRepository {
  constructor(private readonly transactions: TransactionRunner) {}

  async find(clientId: string): Promise<DeliveryBreaker> {
    const [row] = await this.transactions.query(FIND, { clientId });
    return {
      clientId,
      failures: row?.failures ?? 0,
      failedProbes: row?.failed_probes ?? 0,
      openedAt: row?.opened_at ?? undefined,
      nextProbeAt: row === undefined || row.opened_at === null ? undefined : row.probe_at,
      lastError: row?.last_error ?? undefined,
    };
  }

  async countOpen(): Promise<number> {
    const [row] = await this.transactions.query(COUNT_OPEN, {});
    return row?.open ?? 0;
  }

  /** Closes it and forgets what was counted. */
  async reset(db: Queryable, clientId: string): Promise<void> {
    await db.query(RESET, { clientId });
  }

  /** Lets a probe of each through at once, and the pauses begin from the shortest. */
  async probeNow(db: Queryable, clientIds: readonly string[], now: Date): Promise<void> {
    if (clientIds.length > 0) await db.query(PROBE_NOW, { clientIds, now });
  }
}
