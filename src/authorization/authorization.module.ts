import { Module } from '@nestjs/common';
import { AccountsModule } from '../accounts/accounts.module.js';
import { AuditModule } from '../audit/audit.module.js';
import { ClientsModule } from '../clients/clients.module.js';
import { LogoutModule } from '../logout/logout.module.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { RateLimitsModule } from '../rate-limits/rate-limits.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { UpstreamsModule } from '../upstreams/upstreams.module.js';
import { AuthorizationAnswer } from './authorization-answer.js';
import { AuthorizationRequestParser } from './authorization-request.parser.js';
import { AuthorizationService } from './authorization.service.js';
import { AuthorizeController } from './authorize.controller.js';
import { ConsentWithdrawal } from './consent-withdrawal.service.js';
import { ConsentsService } from './consents.service.js';
import { DiscoveryController } from './discovery.controller.js';
import { InteractionController } from './interaction.controller.js';
import { InteractionsService } from './interactions.service.js';
import { LeadingOn } from './leading-on.service.js';
import { RequestObjects } from './request-objects.js';
import { SignInAnswer } from './sign-in-answer.js';
import { SignInService } from './sign-in.service.js';
import { UpstreamSignInController } from './upstream-sign-in.controller.js';

@Module({
  imports: [
    AccountsModule,
    AuditModule,
    ClientsModule,
    LogoutModule,
    MetricsModule,
    RateLimitsModule,
    SessionsModule,
    TokensModule,
    UpstreamsModule,
  ],
  controllers: [AuthorizeController, InteractionController, UpstreamSignInController, DiscoveryController],
  providers: [
    AuthorizationAnswer,
    AuthorizationRequestParser,
    AuthorizationService,
    ConsentsService,
    ConsentWithdrawal,
    InteractionsService,
    LeadingOn,
    RequestObjects,
    SignInAnswer,
    SignInService,
  ],
  exports: [ConsentsService, ConsentWithdrawal, InteractionsService, SignInService],
})
export class AuthorizationModule {}
