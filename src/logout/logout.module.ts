import { Module } from '@nestjs/common';
import { ClientsModule } from '../clients/clients.module.js';
import { EgressModule } from '../egress/egress.module.js';
import { KeysModule } from '../keys/keys.module.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { BackChannelLogoutClient } from './back-channel/back-channel-logout.client.js';
import { BackChannelLogoutDeliveryRepository } from './back-channel/back-channel-logout-delivery.repository.js';
import { BackChannelLogoutDispatcher } from './back-channel/back-channel-logout.dispatcher.js';
import { LogoutTokenIssuer } from './back-channel/logout-token.issuer.js';
import { FrontChannelLogout } from './front-channel/front-channel-logout.service.js';
import { LogoutRecordsService } from './logout-records.service.js';
import { LogoutService } from './logout.service.js';
import { SessionExpirySweeper } from './session-expiry.sweeper.js';
import { SessionTerminationRepository } from './session-termination.repository.js';

@Module({
  imports: [ClientsModule, EgressModule, KeysModule, MetricsModule, SessionsModule, TokensModule],
  providers: [
    LogoutService,
    LogoutRecordsService,
    SessionTerminationRepository,
    SessionExpirySweeper,
    BackChannelLogoutClient,
    BackChannelLogoutDeliveryRepository,
    BackChannelLogoutDispatcher,
    LogoutTokenIssuer,
    FrontChannelLogout,
  ],
  exports: [LogoutService, LogoutRecordsService, FrontChannelLogout],
})
export class LogoutModule {}
