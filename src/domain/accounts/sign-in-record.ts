import { Injectable } from '@nestjs/common';
import { AuditLog } from '../../platform/audit/audit-log.js';
import { Metrics } from '../../platform/metrics/metrics.js';
import { subscriberOf } from '../../platform/rate-limits/source-address.js';

/** Puts sign-ins by password on record, good ones and bad ones, wherever the password was typed. */
@Injectable()
export class SignInRecord {
  constructor(
    private readonly audit: AuditLog,
    private readonly metrics: Metrics,
  ) {}

  /** @throws what storage throws: a sign-in that cannot be put on record is refused */
  async done(accountId: string, address: string): Promise<void> {
    await this.audit.record({
      event: 'sign_in',
      outcome: 'done',
      details: { method: 'password', account_id: accountId, address },
    });
    this.metrics.countSignIn('password', 'done');
  }

  /** What was typed is not on record: it may be a password in the wrong field. Never throws. */
  async refused(reason: string, address: string, accountId?: string): Promise<void> {
    this.metrics.countSignIn('password', 'refused');
    const about = { method: 'password', reason, ...(accountId === undefined ? {} : { account_id: accountId }) };
    await this.audit.recordRefusal('sign_in', { ...about, address }, { ...about, address: subscriberOf(address) });
  }
}
