import { Injectable } from '@nestjs/common';
import { statement, type Queryable } from '../../../platform/database/statement.js';
import { TransactionRunner } from '../../../platform/database/transaction.js';
import type { DeliveryBreaker } from './delivery-breaker.js';

const FIND = statement('logout_deliveries_breaker', 'SELECT * FROM logout_delivery_breakers WHERE client_id = $1');
const COUNT_OPEN = statement(
  'logout_deliveries_open_breakers',
  'SELECT count(*)::int AS open FROM logout_delivery_breakers WHERE opened_at IS NOT NULL',
);
const RESET = statement('logout_deliveries_reset_breaker', 'DELETE FROM logout_delivery_breakers WHERE client_id = $1');
const PROBE_NOW = statement(
  'logout_deliveries_probe_now',
  `UPDATE logout_delivery_breakers SET probe_at = $2, failed_probes = 0
    WHERE client_id = ANY($1::text[]) AND opened_at IS NOT NULL`,
);

/** The breakers of applications. They open and close where results are recorded; here they are read and set by hand. */
@Injectable()
export class DeliveryBreakerRepository {
  constructor(private readonly transactions: TransactionRunner) {}

  async find(clientId: string): Promise<DeliveryBreaker> {
    const [row] = await this.transactions.query<BreakerRow>(FIND, [clientId]);
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
    const [row] = await this.transactions.query<{ open: number }>(COUNT_OPEN, []);
    return row?.open ?? 0;
  }

  /** Closes it and forgets what was counted. */
  async reset(db: Queryable, clientId: string): Promise<void> {
    await db.query(RESET, [clientId]);
  }

  /** Lets a probe of each through at once, and the pauses begin from the shortest. */
  async probeNow(db: Queryable, clientIds: readonly string[], now: Date): Promise<void> {
    if (clientIds.length > 0) await db.query(PROBE_NOW, [clientIds, now]);
  }
}

interface BreakerRow {
  failures: number;
  failed_probes: number;
  opened_at: Date | null;
  probe_at: Date;
  last_error: string | null;
}
