import { Module } from '@nestjs/common';
import { AccountsModule } from '../../domain/accounts/accounts.module.js';
import { AuditModule } from '../../platform/audit/audit.module.js';
import { ClientsModule } from '../../domain/clients/clients.module.js';
import { ConsentsModule } from '../../domain/consents/consents.module.js';
import { InteractionsModule } from '../../domain/interactions/interactions.module.js';
import { LifecycleModule } from '../../domain/lifecycle/lifecycle.module.js';
import { LogoutModule } from '../../domain/logout/logout.module.js';
import { MetricsModule } from '../../platform/metrics/metrics.module.js';
import { RateLimitsModule } from '../../platform/rate-limits/rate-limits.module.js';
import { SessionsModule } from '../../domain/sessions/sessions.module.js';
import { TokensModule } from '../../domain/tokens/tokens.module.js';
import { UpstreamsModule } from '../../domain/upstreams/upstreams.module.js';
import { AuthorizationRequestParser } from './authorization-request.parser.js';
import { AuthorizationResponses } from './authorization-responses.js';
import { AuthorizeController } from './authorize.controller.js';
import { InteractionController } from './interaction.controller.js';
import { InteractionErrorFilter } from './interaction-error.filter.js';
import { InteractionResponses } from './interaction-responses.js';
import { LeadingOn } from './leading-on.js';
import { RequestObjects } from './request-objects.js';
import { SignInPages } from './sign-in-pages.js';
import { UpstreamSignInController } from './upstream-sign-in.controller.js';

@Module({
  imports: [
    AccountsModule,
    AuditModule,
    ClientsModule,
    ConsentsModule,
    InteractionsModule,
    LifecycleModule,
    LogoutModule,
    MetricsModule,
    RateLimitsModule,
    SessionsModule,
    TokensModule,
    UpstreamsModule,
  ],
  controllers: [AuthorizeController, InteractionController, UpstreamSignInController],
  providers: [
    AuthorizationRequestParser,
    AuthorizationResponses,
    InteractionErrorFilter,
    InteractionResponses,
    LeadingOn,
    RequestObjects,
    SignInPages,
  ],
  exports: [AuthorizationRequestParser],
})
export class AuthorizeModule {}
