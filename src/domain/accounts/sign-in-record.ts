import { Injectable } from '@nestjs/common';
import type { AuditDetails } from '../../platform/audit/audit-event.js';
import { AuditLog } from '../../platform/audit/audit-log.js';
import type { AuditedRow } from '../../platform/audit/audit.sql.js';
import type { Tx } from '../../platform/database/transaction.js';
import { Metrics } from '../../platform/metrics/metrics.js';
import { subscriberOf } from '../../platform/rate-limits/source-address.js';

/** Puts sign-ins by password on record, good ones and bad ones, wherever the password was typed. */
@Injectable()
export class SignInRecord {
  constructor(
    private readonly audit: AuditLog,
    private readonly metrics: Metrics,
  ) {}

  /**
   * @param tx to be a part of what it records
   * @throws what storage throws: a sign-in that cannot be put on record is refused
   */
  async done(accountId: string, address: string, tx?: Tx): Promise<void> {
    await this.audit.record({ event: 'sign_in', outcome: 'done', details: detailsOf(accountId, address) }, tx);
    if (tx === undefined) this.counted();
    else tx.afterCommit(() => this.counted());
  }

  /** For a statement that puts it on record as `sign_in` itself; {@link counted} once it has. */
  rowOf(accountId: string, address: string): AuditedRow {
    return this.audit.rowOf(detailsOf(accountId, address));
  }

  counted(): void {
    this.metrics.countSignIn('password', 'done');
  }

  /** What was typed is not on record: it may be a password in the wrong field. Never throws. */
  async refused(reason: string, address: string, accountId?: string): Promise<void> {
    this.metrics.countSignIn('password', 'refused');
    const about = { method: 'password', reason, ...(accountId === undefined ? {} : { account_id: accountId }) };
    await this.audit.recordRefusal('sign_in', { ...about, address }, { ...about, address: subscriberOf(address) });
  }
}

function detailsOf(accountId: string, address: string): AuditDetails {
  return { method: 'password', account_id: accountId, address };
}
