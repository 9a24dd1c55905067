import { Injectable, Logger, type BeforeApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Observable, type Subscriber } from 'rxjs';
import { anyOf } from '../../../platform/database/sql-text.js';
import { statement, typed, type RowOf } from '../../../platform/database/statement.js';
import { PeriodicTask } from '../../../platform/database/periodic-task.js';
import { warnOf } from '../../../platform/database/storage-log.js';
import { TransactionRunner } from '../../../platform/database/transaction.js';
import { DeliveryNews } from '../notices/delivery-news.js';
import { grouped } from './grouped.js';
import type { ApplicationStanding } from '../receipts/receipts.service.js';
import { standingsOf } from '../termination/without-notice.sql.js';

const POLL_MS = 1000;
/** Notices of one termination that are looked at: a page of more is not read. */
const MAX_NOTICES = 2000;

/** One round trip for everything that is being watched on this node. */
const PROGRESS = statement({
  name: 'logout_watch_progress',
  parameters: { ids: 'uuid[]', notices: 'int' },
  row: {
    id: 'uuid',
    client_id: 'text',
    state: typed<ApplicationStanding['state']>('text'),
    reason: typed<NonNullable<ApplicationStanding['reason']>>('text?'),
    notices: 'int',
    attempts: 'int',
  },
  text: `
   SELECT t.id, g.client_id, g.state, g.reason, g.notices, g.attempts
     FROM session_terminations t CROSS JOIN LATERAL (${standingsOf('t', ':notices')}) g
    WHERE t.id = ${anyOf(':ids')} ORDER BY t.id, g.client_id, g.state, g.reason`,
});

/** How the applications of a termination stand. */
export interface TerminationProgress {
  readonly applications: readonly ApplicationStanding[];
  /** Nothing is pending. */
  readonly final: boolean;
}

interface Watched {
  readonly watchers: Set<Subscriber<TerminationProgress>>;
  /** What the watchers got last. */
  told: string | undefined;
}

/**
 * Follows terminations for pages that show them: one statement a second for all of them together, and at once when
 * another node says that something changed. Without a watcher nothing is asked.
 */
@Injectable()
export class TerminationWatch implements OnModuleInit, BeforeApplicationShutdown {
  private readonly logger = new Logger(TerminationWatch.name);
  private readonly watched = new Map<string, Watched>();
  private readonly task = new PeriodicTask(
    () => this.look(),
    (error) => warnOf(this.logger, 'progress is not known', error),
  );

  constructor(
    private readonly transactions: TransactionRunner,
    private readonly news: DeliveryNews,
  ) {}

  onModuleInit(): void {
    this.news.listen(() => this.task.runAgain());
  }

  beforeApplicationShutdown(): void {
    this.task.pause();
    for (const { watchers } of this.watched.values()) for (const watcher of Array.from(watchers)) watcher.complete();
  }

  /** How it stands now, and each time it stands differently. Completes when nothing is pending any more. */
  watch(terminationId: string): Observable<TerminationProgress> {
    return new Observable((watcher) => {
      const watched = this.watched.get(terminationId) ?? { watchers: new Set(), told: undefined };
      watched.watchers.add(watcher);
      // Every watcher gets it again: the newest has nothing yet.
      watched.told = undefined;
      this.watched.set(terminationId, watched);
      this.task.start(POLL_MS);
      this.task.runAgain();
      return () => this.leave(terminationId, watched, watcher);
    });
  }

  /** How it stands now. @throws whatever storage throws */
  async now(terminationId: string): Promise<TerminationProgress> {
    return progressOf(await this.transactions.query(PROGRESS, { ids: [terminationId], notices: MAX_NOTICES }));
  }

  private leave(terminationId: string, watched: Watched, watcher: Subscriber<TerminationProgress>): void {
    watched.watchers.delete(watcher);
    if (watched.watchers.size === 0 && this.watched.get(terminationId) === watched) this.watched.delete(terminationId);
    if (this.watched.size === 0) this.task.pause();
  }

  private async look(): Promise<void> {
    const ids = [...this.watched.keys()];
    if (ids.length === 0) return;
    const rows = await this.transactions.query(PROGRESS, { ids, notices: MAX_NOTICES });
    const found = grouped(rows, (row) => row.id);
    for (const id of ids) this.tell(id, progressOf(found.get(id) ?? []));
  }

  private tell(terminationId: string, progress: TerminationProgress): void {
    const watched = this.watched.get(terminationId);
    const text = JSON.stringify(progress);
    if (watched === undefined || watched.told === text) return;
    watched.told = text;
    for (const watcher of Array.from(watched.watchers)) {
      watcher.next(progress);
      if (progress.final) watcher.complete();
    }
  }
}

function progressOf(rows: readonly RowOf<typeof PROGRESS>[]): TerminationProgress {
  const applications = rows.map((row) => ({
    clientId: row.client_id,
    state: row.state,
    reason: row.reason,
    notices: row.notices,
    attempts: row.attempts,
  }));
  return { applications, final: applications.every(({ state }) => state !== 'pending') };
}
