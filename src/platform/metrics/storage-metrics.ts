import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { SECOND } from '../clock/durations.js';
import { ChangeFeed } from '../database/change-feed.js';
import { Retention } from '../database/retention.js';
import { Metrics } from './metrics.js';

/** Shows what the database module knows of itself; it stands below the metrics and cannot tell them. */
@Injectable()
export class StorageMetrics implements OnModuleInit {
  constructor(
    private readonly metrics: Metrics,
    private readonly retention: Retention,
    private readonly changes: ChangeFeed,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.metrics.showChangeFeed(() => this.changes.hears);
    this.metrics.showClockOffset(() => this.clock.machineAheadMs / SECOND);
    this.retention.whenFailed((table) => this.metrics.countRetentionFailure(table));
  }
}
