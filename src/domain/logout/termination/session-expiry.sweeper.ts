import {
  Inject,
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { Clock } from '../../../platform/clock/clock.js';
import { PeriodicTask } from '../../../platform/database/periodic-task.js';
import { warnOf } from '../../../platform/database/storage-log.js';
import { TransactionRunner } from '../../../platform/database/transaction.js';
import { Metrics } from '../../../platform/metrics/metrics.js';
import { isLeftToOrder } from '../../../platform/epochs/epochs.sql.js';
import { SessionTerminationRepository } from './session-termination.repository.js';
import { terminateEachStatement } from './terminate-each.sql.js';

const BATCH = 500;
/**
 * How long a session is left alone after it fell idle. Activity is written every fifteen seconds by the node that saw
 * it, so a session that is used there may look idle here; two writes must have failed before it is ended for it. With
 * the sweep's own fifteen seconds applications are still notified within a minute.
 */
const IDLE_GRACE_MS = 40_000;

/**
 * Access without the person does not hang on the person's session (docs/decisions/0018-causes-that-nobody-asks-for.md,
 * `logoutPolicy`).
 */
const OFFLINE_GRANTS_FALL = false;

const EXPIRED = terminateEachStatement('expired', {
  parameters: { idleSince: 'timestamptz' },
  condition: `s.idle_expires_at <= :now AND (s.expires_at <= :now OR s.idle_expires_at <= :idleSince)
    AND NOT ${isLeftToOrder('s')}`,
  cause: `CASE WHEN s.expires_at <= :now THEN 'session_expired' ELSE 'session_idle' END`,
  order: 's.idle_expires_at',
});

/**
 * Puts on record that sessions have expired, and notifies their applications. At expiry a session is dead on every node
 * by itself (`sessionIsAlive`); without this no application would be notified.
 *
 * Runs on every node: batches are disjoint, so nodes share the work and none has to be the chosen one. The notices are
 * due at once and left to the process that polls first.
 */
@Injectable()
export class SessionExpirySweeper implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(SessionExpirySweeper.name);
  private readonly task = new PeriodicTask(
    () => this.sweepAll(),
    (error) => warnOf(this.logger, 'expired sessions were not swept', error),
  );

  constructor(
    private readonly terminations: SessionTerminationRepository,
    private readonly transactions: TransactionRunner,
    private readonly metrics: Metrics,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  onApplicationBootstrap(): void {
    this.task.start(this.settings.sessionExpirySweepMs);
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.task.stop();
  }

  /**
   * Ends what has expired by now, batch by batch. One run at a time in a process. Returns how many sessions it ended.
   */
  sweep(): Promise<number> {
    return this.task.run();
  }

  private async sweepAll(): Promise<number> {
    let ended = 0;
    for (let batch = BATCH; batch === BATCH && !this.task.stopping;) {
      batch = await this.sweepBatch();
      ended += batch;
    }
    return ended;
  }

  private async sweepBatch(): Promise<number> {
    const now = this.clock.now();
    const results = await this.terminations.terminateEach(this.transactions, {
      statement: EXPIRED,
      values: { idleSince: new Date(now.getTime() - IDLE_GRACE_MS) },
      limit: BATCH,
      initiator: { kind: 'system' },
      revokesOfflineGrants: OFFLINE_GRANTS_FALL,
      now,
      claimedUntil: now,
    });
    for (const { cause, sessions } of results) this.metrics.countTermination(cause, sessions);
    return results.reduce((sum, { sessions }) => sum + sessions, 0);
  }
}
