import { Injectable, type OnModuleInit } from '@nestjs/common';
import { AuditLog } from '../../../platform/audit/audit-log.js';
import type { Client } from '../../clients/client.js';
import { ClientRegistrationService } from '../../clients/client-registration.service.js';
import { ClientsService } from '../../clients/clients.service.js';
import { Clock } from '../../../platform/clock/clock.js';
import { TransactionRunner, type Tx } from '../../../platform/database/transaction.js';
import { Metrics } from '../../../platform/metrics/metrics.js';
import { ConflictError, InvalidRequestError, NotFoundError } from '../../../platform/oidc/errors.js';
import type { Delivery, DeliveryFilter, UndeliveredCounts } from './delivery.js';
import { DeliveryLedgerRepository } from './delivery-ledger.repository.js';
import { RedeliveryRepository } from './redelivery.repository.js';
import { NO_URI } from './back-channel-logout.client.js';
import { BackChannelLogoutDispatcher } from './back-channel-logout.dispatcher.js';
import type { DeliveryBreaker } from './delivery-breaker.js';
import { DeliveryBreakerRepository } from './delivery-breaker.repository.js';

/** How it stands with the notices of one application. */
export interface ClientDeliveries {
  readonly breaker: DeliveryBreaker;
  readonly counts: UndeliveredCounts;
}

/** Notices that did not arrive: an operator sends them again, and a new address of an application gets them. */
@Injectable()
export class RedeliveryService implements OnModuleInit {
  constructor(
    private readonly deliveries: RedeliveryRepository,
    private readonly ledger: DeliveryLedgerRepository,
    private readonly breakers: DeliveryBreakerRepository,
    private readonly dispatcher: BackChannelLogoutDispatcher,
    private readonly clients: ClientsService,
    private readonly registration: ClientRegistrationService,
    private readonly transactions: TransactionRunner,
    private readonly audit: AuditLog,
    private readonly metrics: Metrics,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.registration.whenChanged((tx, before, after) => this.uriChanged(tx, before, after));
    this.metrics.collectOpenBreakers(() => this.breakers.countOpen());
  }

  /**
   * A notice that was rejected, abandoned or waits is due now, with a fresh token at the attempt, its attempts counted
   * on and its age counted anew. One that is being sent at this moment stays as it is.
   *
   * @throws NotFoundError
   * @throws ConflictError when it was delivered, or its application has no address for notices
   */
  async resend(id: string, operator: string): Promise<Delivery> {
    const before = await this.get(id);
    if (before.state === 'delivered') throw new ConflictError('This delivery was accepted; it is not sent again.');
    const client = (await this.clients.findEvenDeleted([before.clientId])).get(before.clientId);
    if (client?.metadata.backchannel_logout_uri === undefined)
      throw new ConflictError('The client has no backchannel_logout_uri to send it to.');
    await this.resendAll({ ids: [id] }, operator);
    return this.get(id);
  }

  /**
   * As {@link resend}, of all that fit the filter; those that were delivered are left out. Returns how many.
   * @throws InvalidRequestError for a filter that names neither deliveries nor an application, a termination or a state
   */
  async resendAll(filter: DeliveryFilter, operator: string): Promise<number> {
    const { ids, clientId, terminationId, state } = filter;
    if (ids === undefined && clientId === undefined && terminationId === undefined && state === undefined)
      throw new InvalidRequestError('One of ids, client_id, termination_id and state is required.');
    const resent = await this.transactions.run(async (tx) => {
      const now = this.clock.now();
      const byClient = await this.deliveries.resend(tx, filter, now);
      // The operator has reason to think that it works now, so the first of them goes out as a probe without a pause.
      await this.breakers.probeNow(tx, [...byClient.keys()].toSorted(), now);
      const count = [...byClient.values()].reduce((total, n) => total + n, 0);
      await this.audit.record(
        {
          event: 'deliveries_resent',
          outcome: 'done',
          details: {
            operator,
            resent: count,
            delivery_id: ids?.length === 1 ? (ids[0] ?? null) : null,
            client_id: clientId ?? null,
            termination_id: terminationId ?? null,
            state: state ?? null,
          },
        },
        tx,
      );
      return count;
    });
    if (resent > 0) void this.dispatcher.sendDue();
    return resent;
  }

  /** @throws NotFoundError for an unknown client */
  async ofClient(clientId: string): Promise<ClientDeliveries> {
    await this.clients.get(clientId);
    const [breaker, counts] = await Promise.all([this.breakers.find(clientId), this.ledger.count(clientId)]);
    return { breaker, counts };
  }

  /** In the transaction of the change, so that no notice waits for an address that is gone. */
  private async uriChanged(tx: Tx, before: Client['metadata'], after: Client): Promise<void> {
    const uri = after.metadata.backchannel_logout_uri;
    if (uri === before.backchannel_logout_uri) return;
    const now = this.clock.now();
    await this.breakers.reset(tx, after.clientId);
    if (uri === undefined) await this.deliveries.abandon(tx, after.clientId, NO_URI, now);
    else await this.deliveries.hasten(tx, after.clientId, now);
  }

  private async get(id: string): Promise<Delivery> {
    const found = await this.ledger.find(id);
    if (found === undefined) throw new NotFoundError('There is no such delivery.');
    return found.delivery;
  }
}
