import type { DataSource } from 'typeorm';
import type { Clock } from '../../src/platform/clock/clock.js';
import { DayPartitions } from '../../src/platform/database/day-partitions.js';
import { Retention } from '../../src/platform/database/retention.js';
import { TransactionRunner } from '../../src/platform/database/transaction.js';

/** Retention that sweeps when it is told to. */
export function retentionOf(dataSource: DataSource, clock: Clock): Retention {
  const transactions = new TransactionRunner(dataSource);
  return new Retention(transactions, new DayPartitions(transactions), clock, 0);
}
