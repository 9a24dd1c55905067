import { Inject, Injectable, Logger } from '@nestjs/common';
import { LogoutService } from '../../../domain/logout/command/logout.service.js';
import { InvalidLogoutTokenError, ReplayedLogoutTokenError } from '../../../domain/upstreams/upstream-errors.js';
import {
  UpstreamLogoutTokens,
  type VerifiedLogoutToken,
} from '../../../domain/upstreams/upstream-logout-tokens.service.js';
import type { AuditDetails } from '../../../platform/audit/audit-event.js';
import { AuditLog } from '../../../platform/audit/audit-log.js';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { Metrics } from '../../../platform/metrics/metrics.js';
import { reasonOf } from '../../kit/failure.js';
import { resultOf, toLogoutCommand } from './back-channel-receiver.mapper.js';
import { NAME } from './vocabulary.js';

/** Verifies logout tokens, carries out what they order, and keeps on record what came of each. */
@Injectable()
export class LogoutTokenReceiver {
  private readonly logger = new Logger(LogoutTokenReceiver.name);

  constructor(
    private readonly logoutTokens: UpstreamLogoutTokens,
    private readonly logoutService: LogoutService,
    private readonly audit: AuditLog,
    private readonly metrics: Metrics,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /**
   * When this returns, what the token orders is done, or there was nothing to end.
   * @throws InvalidLogoutTokenError, ReplayedLogoutTokenError, and what storage and the fetching of keys throw; then nothing
   *   ended, and the token may be sent again unless it was used before
   */
  async receive(token: string): Promise<void> {
    try {
      await this.obey(await this.logoutTokens.verify(token, NAME));
    } catch (error) {
      if (!(error instanceof ReplayedLogoutTokenError && this.settings.acceptRepeatedLogoutTokens)) {
        await this.report(error);
        throw error;
      }
      this.metrics.countLogoutToken('replayed');
    }
  }

  private async obey(order: VerifiedLogoutToken): Promise<void> {
    const outcome = await this.logoutService.logout(toLogoutCommand(order), {
      before: (tx) => this.logoutTokens.consume(tx, order),
      after: (tx, ended) =>
        this.audit.record(
          {
            event: 'upstream_logout',
            outcome: 'done',
            details: {
              upstream: order.upstream.name,
              // No session is meant, or none is left: to the sender a success (Back-Channel Logout 1.0 §2.7), to an operator a
              // question.
              result: (ended?.sessions ?? 0) === 0 ? 'nothing_to_end' : 'ended',
              sid: order.sid !== undefined,
              sub: order.sub !== undefined,
              sessions: ended?.sessions ?? 0,
            },
          },
          tx,
        ),
    });
    this.metrics.countLogoutToken(outcome.kind);
  }

  /** Forged, replayed, and ordered but not done are three different things to an operator. */
  private async report(error: unknown): Promise<void> {
    const result = resultOf(error);
    this.metrics.countLogoutToken(result);
    const reason = reasonOf(error);
    if (result !== 'not_performed') {
      this.logger.warn(`logout token refused (${result}): ${reason}`);
      const code: AuditDetails = error instanceof InvalidLogoutTokenError ? { code: error.reason } : {};
      if (error instanceof InvalidLogoutTokenError) this.metrics.countLogoutTokenRefusal(error.reason);
      await this.audit.recordRefusal('upstream_logout', { result, reason, ...code });
      return;
    }
    this.logger.error(`ALERT logout ordered by an upstream but not performed: ${reason}`);
    await this.audit.recordFailure('upstream_logout', { result, reason });
  }
}
