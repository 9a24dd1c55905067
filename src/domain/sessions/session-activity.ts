import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.js';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { PeriodicTask } from '../../platform/database/periodic-task.js';
import { warnOf } from '../../platform/database/storage-log.js';
import { SessionRepository } from './session.repository.js';
import type { SessionKey } from './session.js';

const FLUSH_MS = 15_000;

/**
 * When each session was used last, which pushes its idle expiry. Written in batches, off the request's path, and once
 * more at the stop; a session of which one batch is lost expires that much earlier.
 */
@Injectable()
export class SessionActivity implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(SessionActivity.name);
  /** The account of each session. */
  private readonly seen = new Map<string, string>();
  private readonly task = new PeriodicTask(
    () => this.flush(),
    (error) => this.failed(error),
  );

  constructor(
    private readonly repository: SessionRepository,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  onApplicationBootstrap(): void {
    this.task.start(FLUSH_MS);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.task.stop();
    await this.flush().catch((error: unknown) => this.failed(error));
  }

  /** Something was done in the session. */
  note({ accountId, sessionId }: SessionKey): void {
    this.seen.set(sessionId, accountId);
  }

  /** Writes what was noted since the last time. */
  async flush(): Promise<void> {
    if (this.seen.size === 0) return;
    const sessions = [...this.seen].map(([sessionId, accountId]) => ({ accountId, sessionId }));
    this.seen.clear();
    await this.repository.touch(sessions, this.clock.in(this.settings.sessionIdleMs));
  }

  private failed(error: unknown): void {
    warnOf(this.logger, 'activity not written', error);
  }
}
