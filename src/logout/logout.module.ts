import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { ClientsModule } from '../clients/clients.module.js';
import { EgressModule } from '../egress/egress.module.js';
import { KeysModule } from '../keys/keys.module.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { RateLimitsModule } from '../rate-limits/rate-limits.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { BackChannelLogoutClient } from './back-channel/back-channel-logout.client.js';
import { BackChannelLogoutDeliveryRepository } from './back-channel/back-channel-logout-delivery.repository.js';
import { BackChannelLogoutDispatcher } from './back-channel/back-channel-logout.dispatcher.js';
import { DeliveryBreakerRepository } from './back-channel/delivery-breaker.repository.js';
import { DeliveryNews } from './back-channel/delivery-news.js';
import { DeliveryFiguresService } from './delivery-figures.service.js';
import { ReceiptIssuer } from './receipts/receipt-issuer.js';
import { ReceiptRepository } from './receipts/receipt.repository.js';
import { ReceiptsService } from './receipts/receipts.service.js';
import { LogoutTokenIssuer } from './back-channel/logout-token.issuer.js';
import { EndpointDoctor } from './endpoint-doctor.js';
import { FrontChannelLogout } from './front-channel/front-channel-logout.service.js';
import { LogoutPreviewService } from './logout-preview.service.js';
import { LogoutRecordsService } from './logout-records.service.js';
import { LogoutService } from './logout.service.js';
import { LogoutOrderJob } from './orders/logout-order.job.js';
import { LogoutOrderRepository } from './orders/logout-order.repository.js';
import { LogoutOrdersService } from './orders/logout-orders.service.js';
import { RedeliveryService } from './redelivery.service.js';
import { SessionExpirySweeper } from './session-expiry.sweeper.js';
import { SessionTerminationRepository } from './session-termination.repository.js';
import { TerminationWatch } from './termination-watch.js';

@Module({
  imports: [
    AuditModule,
    ClientsModule,
    EgressModule,
    KeysModule,
    MetricsModule,
    RateLimitsModule,
    SessionsModule,
    TokensModule,
  ],
  providers: [
    LogoutService,
    LogoutRecordsService,
    LogoutPreviewService,
    RedeliveryService,
    EndpointDoctor,
    SessionTerminationRepository,
    SessionExpirySweeper,
    BackChannelLogoutClient,
    BackChannelLogoutDeliveryRepository,
    BackChannelLogoutDispatcher,
    DeliveryBreakerRepository,
    LogoutTokenIssuer,
    FrontChannelLogout,
    LogoutOrdersService,
    LogoutOrderRepository,
    LogoutOrderJob,
    DeliveryNews,
    ReceiptIssuer,
    ReceiptRepository,
    ReceiptsService,
    TerminationWatch,
    DeliveryFiguresService,
  ],
  exports: [
    LogoutService,
    LogoutRecordsService,
    FrontChannelLogout,
    LogoutPreviewService,
    RedeliveryService,
    EndpointDoctor,
    LogoutOrdersService,
    ReceiptsService,
    TerminationWatch,
    DeliveryFiguresService,
  ],
})
export class LogoutModule {}
