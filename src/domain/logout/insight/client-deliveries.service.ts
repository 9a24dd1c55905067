import { Injectable } from '@nestjs/common';
import { ClientsService } from '../../clients/clients.service.js';
import { DeliveryBreakerRepository } from '../notices/delivery-breaker.repository.js';
import type { DeliveryBreaker } from '../notices/delivery-breaker.js';
import { DeliveryLedgerRepository } from '../notices/delivery-ledger.repository.js';
import type { UndeliveredCounts } from '../notices/delivery.js';

/** How it stands with the notices of one application. */
export interface ClientDeliveries {
  readonly breaker: DeliveryBreaker;
  readonly counts: UndeliveredCounts;
}

/** Tells operators how it stands with the notices of an application. */
@Injectable()
export class ClientDeliveriesService {
  constructor(
    private readonly ledger: DeliveryLedgerRepository,
    private readonly breakers: DeliveryBreakerRepository,
    private readonly clients: ClientsService,
  ) {}

  /** @throws NotFoundError for an unknown client */
  async ofClient(clientId: string): Promise<ClientDeliveries> {
    await this.clients.get(clientId);
    const [breaker, counts] = await Promise.all([this.breakers.find(clientId), this.ledger.count(clientId)]);
    return { breaker, counts };
  }
}
