import { Injectable } from '@nestjs/common';
import type { Page, PageRequest } from '../../../platform/database/page.js';
import { NotFoundError } from '../../../platform/oidc/errors.js';
import type { Attempt, Delivery, DeliveryFilter, DeliveryWithAttempts } from '../notices/delivery.js';
import { DeliveryLedgerRepository } from '../notices/delivery-ledger.repository.js';
import { BackChannelLogoutDispatcher, type SettledDelivery } from '../notices/back-channel-logout.dispatcher.js';
import type { TerminationCause } from '../command/logout.js';
import { TerminationCauses } from '../command/termination-causes.js';
import type { Termination } from './termination.js';
import { TerminationRecordRepository } from './termination-record.repository.js';

/** Of one termination's timeline: what a person reads, and what one response may cost. */
const TIMELINE_NOTICES = 100;
const TIMELINE_ATTEMPTS = 12;

/** What can be looked up afterwards: who was logged out and why, and what became of each notice. */
@Injectable()
export class LogoutRecordsService {
  constructor(
    private readonly terminations: TerminationRecordRepository,
    private readonly deliveries: DeliveryLedgerRepository,
    private readonly dispatcher: BackChannelLogoutDispatcher,
    private readonly causes: TerminationCauses,
  ) {}

  /** These were recorded as asked in the browser, and the page was not to load their frames. */
  notAsked(terminationId: string, clientIds: readonly string[]): Promise<void> {
    return this.terminations.notAsked(terminationId, clientIds);
  }

  /** What has become of a logout's notices, after waiting up to `budgetMs` milliseconds. */
  settled(terminationId: string, budgetMs: number): Promise<SettledDelivery[]> {
    return this.dispatcher.settled(terminationId, budgetMs);
  }

  /** @throws InvalidRequestError for a cause that there is not */
  async listTerminations(
    filter: PageRequest & { readonly accountId?: string | undefined; readonly cause?: string | undefined },
  ): Promise<Page<Termination>> {
    const cause = filter.cause === undefined ? undefined : this.causes.parse(filter.cause);
    return this.terminations.list({ ...filter, cause });
  }

  /** Undefined when the record is gone. */
  async causeOf(terminationId: string): Promise<TerminationCause | undefined> {
    return (await this.terminations.find(terminationId))?.cause;
  }

  /** @throws NotFoundError */
  async getTermination(
    id: string,
  ): Promise<{ readonly termination: Termination; readonly deliveries: readonly Delivery[] }> {
    const termination = await this.terminations.find(id);
    if (termination === undefined) throw new NotFoundError('There is no such termination.');
    const { items } = await this.deliveries.list({ terminationId: id, limit: 1000 });
    return { termination, deliveries: items };
  }

  /**
   * A termination with its notices and their attempts: the first hundred that one would look at, the latest twelve
   * attempts of each.
   * @throws NotFoundError
   */
  async timeline(
    id: string,
  ): Promise<{ readonly termination: Termination; readonly deliveries: readonly DeliveryWithAttempts[] }> {
    const [termination, deliveries] = await Promise.all([
      this.terminations.find(id),
      this.deliveries.timeline(id, TIMELINE_NOTICES, TIMELINE_ATTEMPTS),
    ]);
    if (termination === undefined) throw new NotFoundError('There is no such termination.');
    return { termination, deliveries };
  }

  listDeliveries(filter: PageRequest & Omit<DeliveryFilter, 'ids'>): Promise<Page<Delivery>> {
    return this.deliveries.list(filter);
  }

  /** @throws NotFoundError */
  async getDelivery(id: string): Promise<{ readonly delivery: Delivery; readonly attempts: readonly Attempt[] }> {
    const found = await this.deliveries.find(id);
    if (found === undefined) throw new NotFoundError('There is no such delivery.');
    return found;
  }
}
