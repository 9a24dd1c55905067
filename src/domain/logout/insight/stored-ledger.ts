import { Injectable, Logger } from '@nestjs/common';
import { warnOf } from '../../../platform/database/storage-log.js';
import { DeliveryLedger, type LedgerFigures } from '../../../platform/metrics/ports/delivery-ledger.js';
import { DeliveryBreakerRepository } from '../notices/delivery-breaker.repository.js';
import { DeliveryFiguresService } from './delivery-figures.service.js';

/** The figures about notices, for the metrics. */
@Injectable()
export class StoredLedger extends DeliveryLedger {
  private readonly logger = new Logger(DeliveryFiguresService.name);

  constructor(
    private readonly deliveries: DeliveryFiguresService,
    private readonly breakers: DeliveryBreakerRepository,
  ) {
    super();
  }

  async figures(): Promise<LedgerFigures | undefined> {
    try {
      return await this.deliveries.figures();
    } catch (error) {
      warnOf(this.logger, 'no figures for the metrics', error);
      return undefined;
    }
  }

  countOpenBreakers(): Promise<number> {
    return this.breakers.countOpen();
  }
}
