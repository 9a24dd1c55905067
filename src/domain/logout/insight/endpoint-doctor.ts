import { Inject, Injectable } from '@nestjs/common';
import { AuditLog } from '../../../platform/audit/audit-log.js';
import type { Client } from '../../clients/client.js';
import { ClientsService } from '../../clients/clients.service.js';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { ConflictError, TooManyRequestsError } from '../../../platform/oidc/errors.js';
import type { RateLimiter } from '../../../platform/rate-limits/rate-limiter.js';
import { RateLimits } from '../../../platform/rate-limits/rate-limits.js';
import { EndpointExaminer, type EndpointReport } from './endpoint-examiner.js';

const CHECKS_PER_MINUTE = 6;

/**
 * Tries a client's back channel before a logout depends on it: a genuine logout token for a session that does not
 * exist, then one with a wrong signature. Nothing is written to the ledger, and no session ends.
 */
@Injectable()
export class EndpointDoctor {
  private readonly perMinute: RateLimiter;
  /** One point that is given back: a lease in storage, so that no two nodes check one client at the same time. */
  private readonly running: RateLimiter;

  constructor(
    private readonly clients: ClientsService,
    private readonly examiner: EndpointExaminer,
    private readonly audit: AuditLog,
    rateLimits: RateLimits,
    @Inject(SETTINGS) settings: Settings,
  ) {
    this.perMinute = rateLimits.limiter('logout-check', CHECKS_PER_MINUTE, 60);
    // Two requests and some room; a node that dies with it loses it after that time.
    this.running = rateLimits.limiter('logout-check-running', 1, Math.ceil(settings.deliveryTimeoutMs / 500) + 5);
  }

  /**
   * @throws NotFoundError for an unknown client
   * @throws ConflictError while another check of it is under way
   * @throws TooManyRequestsError
   */
  async check(clientId: string, operator: string): Promise<EndpointReport> {
    const client = await this.clients.get(clientId);
    if ((await this.running.consume(clientId)) !== undefined)
      throw new ConflictError('Another check of this client is under way.');
    try {
      const wait = await this.perMinute.consume(clientId);
      if (wait !== undefined) throw new TooManyRequestsError('This client was checked several times just now.', wait);
      return await this.firstCheck(client, operator);
    } finally {
      await this.running.reset(clientId);
    }
  }

  /** Of a client that is not registered yet: without the limits of {@link check}. Two requests at most. */
  async firstCheck(client: Client, operator: string): Promise<EndpointReport> {
    const report = await this.examiner.examine(client);
    const findings = report.findings.map(({ code }) => code).join(' ');
    await this.audit.record({
      event: 'logout_checked',
      outcome: 'done',
      details: { operator, client_id: client.clientId, findings },
    });
    return report;
  }
}
