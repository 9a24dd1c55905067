import { Injectable } from '@nestjs/common';
import { Clock } from '../../../platform/clock/clock.js';
import type { Tx } from '../../../platform/database/transaction.js';
import type { Client } from '../../clients/client.js';
import { ClientObserver } from '../../clients/ports/client-observer.js';
import { NO_URI } from './back-channel-logout.client.js';
import { DeliveryBreakerRepository } from './delivery-breaker.repository.js';
import { RedeliveryRepository } from './redelivery.repository.js';

/** What a client's new back-channel endpoint, or none, means for its pending notices. */
@Injectable()
export class EndpointChanges extends ClientObserver {
  constructor(
    private readonly deliveries: RedeliveryRepository,
    private readonly breakers: DeliveryBreakerRepository,
    private readonly clock: Clock,
  ) {
    super();
  }

  /** In the transaction of the change, so that no notice waits for an address that is gone. */
  async changed(tx: Tx, before: Client['metadata'], after: Client): Promise<void> {
    const uri = after.metadata.backchannel_logout_uri;
    if (uri === before.backchannel_logout_uri) return;
    const now = this.clock.now();
    await this.breakers.reset(tx, after.clientId);
    if (uri === undefined) await this.deliveries.abandon(tx, after.clientId, NO_URI, now);
    else await this.deliveries.hasten(tx, after.clientId, now);
  }
}
