import { Injectable } from '@nestjs/common';
import { ChangeFeed } from './change-feed.js';
import { StandbyError } from './connections.js';
import { statement } from './statement.js';
import { shared, within } from './time-limit.js';
import { TransactionRunner } from './transaction.js';

const PING = statement({
  name: 'health_ping',
  row: { standby: 'boolean' },
  text: 'SELECT pg_catalog.pg_is_in_recovery() AS standby',
});
/** Storage that has fallen silent is away, long before a request's own time limit says so. */
const PING_MS = 2000;

/** Whether this process can answer: storage is there, and is a primary. */
@Injectable()
export class Readiness {
  /** One at a time: probes that come while storage is silent do not take a connection each. */
  private readonly ping = shared(() => this.transactions.query(PING, {}));

  constructor(
    private readonly transactions: TransactionRunner,
    private readonly changes: ChangeFeed,
  ) {}

  /**
   * Whether this process receives what other nodes change. If not, it learns of it when what it remembers is too old.
   */
  get hearsChanges(): boolean {
    return this.changes.hears;
  }

  /**
   * Asks storage, and waits two seconds at most.
   * @throws StandbyError if it may not be written to; a storage failure if it does not answer
   */
  async assertReady(): Promise<void> {
    const [row] = await within(PING_MS, this.ping());
    if (row?.standby !== false) throw new StandbyError();
  }
}
