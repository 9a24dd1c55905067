import { Global, Module } from '@nestjs/common';
import { AuditModule } from '../../platform/audit/audit.module.js';
import { ClientsModule } from '../clients/clients.module.js';
import { EgressModule } from '../../platform/egress/egress.module.js';
import { KeysModule } from '../../platform/keys/keys.module.js';
import { MetricsModule } from '../../platform/metrics/metrics.module.js';
import { RateLimitsModule } from '../../platform/rate-limits/rate-limits.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { BackChannelLogoutClient } from './notices/back-channel-logout.client.js';
import { DeliveryLedgerRepository } from './notices/delivery-ledger.repository.js';
import { DeliveryQueueRepository } from './notices/delivery-queue.repository.js';
import { RedeliveryRepository } from './notices/redelivery.repository.js';
import { LogoutOrderWorkRepository } from './orders/logout-order-work.repository.js';
import { BackChannelLogoutDispatcher } from './notices/back-channel-logout.dispatcher.js';
import { DeliveryBreakerRepository } from './notices/delivery-breaker.repository.js';
import { ClientDeliveriesService } from './insight/client-deliveries.service.js';
import { DeliveryResender } from './notices/delivery-resender.js';
import { EndpointChanges } from './notices/endpoint-changes.js';
import { ReceiptChain } from './receipts/receipt-chain.js';
import { DeliveryRecorder } from './notices/delivery-recorder.js';
import { DeliverySender } from './notices/delivery-sender.js';
import { DeliveryNews } from './notices/delivery-news.js';
import { DeliveryFiguresService } from './insight/delivery-figures.service.js';
import { ReceiptIssuer } from './receipts/receipt-issuer.js';
import { ReceiptRepository } from './receipts/receipt.repository.js';
import { ReceiptsService } from './receipts/receipts.service.js';
import { LogoutTokenIssuer } from './notices/logout-token.issuer.js';
import { EndpointExaminer } from './insight/endpoint-examiner.js';
import { EndpointDoctor } from './insight/endpoint-doctor.js';
import { FrontChannelLogout } from './notices/front-channel-logout.service.js';
import { LogoutPreviewService } from './insight/logout-preview.service.js';
import { LogoutRecordsService } from './termination/logout-records.service.js';
import { GrantReuseResponder } from './command/grant-reuse-responder.js';
import { LogoutAnnouncer } from './command/logout-announcer.js';
import { LogoutService } from './command/logout.service.js';
import { StoredLedger } from './insight/stored-ledger.js';
import { ClientObserver } from '../clients/ports/client-observer.js';
import { SessionLimit } from '../sessions/ports/session-limit.js';
import { GrantReuse } from '../tokens/ports/grant-reuse.js';
import { DeliveryLedger } from '../../platform/metrics/ports/delivery-ledger.js';
import { SessionLimitEnforcer } from './command/session-limit-enforcer.js';
import { TerminationPlanner } from './command/termination-planner.js';
import { LargeTargets } from './orders/large-targets.service.js';
import { LogoutOrderJob } from './orders/logout-order.job.js';
import { LogoutOrderRepository } from './orders/logout-order.repository.js';
import { LogoutOrdersService } from './orders/logout-orders.service.js';
import { RedeliveryService } from './notices/redelivery.service.js';
import { SessionExpirySweeper } from './termination/session-expiry.sweeper.js';
import { SessionTerminationRepository } from './termination/session-termination.repository.js';
import { TerminationRecordRepository } from './termination/termination-record.repository.js';
import { TerminationWatch } from './insight/termination-watch.js';

/** Global for the ports that it binds: sessions, tokens, clients and metrics ask for these from below. */
@Global()
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
    TerminationPlanner,
    LogoutAnnouncer,
    { provide: SessionLimit, useClass: SessionLimitEnforcer },
    { provide: GrantReuse, useClass: GrantReuseResponder },
    { provide: ClientObserver, useClass: EndpointChanges },
    { provide: DeliveryLedger, useClass: StoredLedger },
    DeliverySender,
    DeliveryResender,
    ClientDeliveriesService,
    ReceiptChain,
    DeliveryRecorder,
    LogoutService,
    LogoutRecordsService,
    LogoutPreviewService,
    RedeliveryService,
    EndpointDoctor,
    EndpointExaminer,
    SessionTerminationRepository,
    TerminationRecordRepository,
    SessionExpirySweeper,
    BackChannelLogoutClient,
    DeliveryQueueRepository,
    DeliveryLedgerRepository,
    RedeliveryRepository,
    BackChannelLogoutDispatcher,
    DeliveryBreakerRepository,
    LogoutTokenIssuer,
    FrontChannelLogout,
    LargeTargets,
    LogoutOrdersService,
    LogoutOrderRepository,
    LogoutOrderWorkRepository,
    LogoutOrderJob,
    DeliveryNews,
    ReceiptIssuer,
    ReceiptRepository,
    ReceiptsService,
    TerminationWatch,
    DeliveryFiguresService,
  ],
  exports: [
    SessionLimit,
    GrantReuse,
    ClientObserver,
    DeliveryLedger,
    ClientDeliveriesService,
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
