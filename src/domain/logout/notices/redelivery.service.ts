import { Injectable } from '@nestjs/common';
import { ConflictError, InvalidRequestError, NotFoundError } from '../../../platform/oidc/errors.js';
import { ClientsService } from '../../clients/clients.service.js';
import type { Delivery, DeliveryFilter } from './delivery.js';
import { DeliveryLedgerRepository } from './delivery-ledger.repository.js';
import { DeliveryResender, type Redelivered } from './delivery-resender.js';

/** Notices that did not arrive: an operator has them sent again. */
@Injectable()
export class RedeliveryService {
  constructor(
    private readonly resender: DeliveryResender,
    private readonly ledger: DeliveryLedgerRepository,
    private readonly clients: ClientsService,
  ) {}

  /**
   * A notice that was rejected, abandoned or waits is due now, with a fresh token at the attempt, its attempts counted
   * on and its age counted from now. One that is being sent at this moment stays as it is.
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
   * As {@link resend}, of all that fit the filter; those that were delivered are left out.
   * @throws InvalidRequestError for a filter that names neither deliveries nor an application, a termination or a state
   */
  async resendAll(filter: DeliveryFilter, operator: string): Promise<Redelivered> {
    const { ids, clientId, terminationId, state } = filter;
    if (ids === undefined && clientId === undefined && terminationId === undefined && state === undefined)
      throw new InvalidRequestError('One of ids, client_id, termination_id and state is required.');
    return this.resender.resend(filter, operator);
  }

  private async get(id: string): Promise<Delivery> {
    const found = await this.ledger.find(id);
    if (found === undefined) throw new NotFoundError('There is no such delivery.');
    return found.delivery;
  }
}
