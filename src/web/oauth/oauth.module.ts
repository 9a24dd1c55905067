import { Module, type OnModuleInit } from '@nestjs/common';
import { ClientsModule } from '../../domain/clients/clients.module.js';
import { LifecycleModule } from '../../domain/lifecycle/lifecycle.module.js';
import { InteractionsModule } from '../../domain/interactions/interactions.module.js';
import { AuthorizeModule } from '../authorize/authorize.module.js';
import { LogoutModule } from '../../domain/logout/logout.module.js';
import { TokensModule } from '../../domain/tokens/tokens.module.js';
import { KeysModule } from '../../platform/keys/keys.module.js';
import { RateLimitsModule } from '../../platform/rate-limits/rate-limits.module.js';
import { MetricsModule } from '../../platform/metrics/metrics.module.js';
import { PATHS } from '../../platform/oidc/endpoints.js';
import { EdgeFallbacks } from '../kit/edge-fallbacks.js';
import { DiscoveryController } from './discovery.controller.js';
import { JwksController } from './jwks.controller.js';
import { ReadableErrorFilter } from './readable-error.filter.js';
import { RegistrationController } from './registration.controller.js';
import { TokenResponses } from './token-responses.js';
import { PushedAuthorizationController } from './pushed-authorization.controller.js';
import { PushedRequestForms, TokenParameterPipe, TokenRequestPipe } from './token-forms.js';
import { TokenController } from './token.controller.js';
import { UserinfoController } from './userinfo.controller.js';

@Module({
  imports: [
    AuthorizeModule,
    ClientsModule,
    InteractionsModule,
    KeysModule,
    LifecycleModule,
    LogoutModule,
    MetricsModule,
    RateLimitsModule,
    TokensModule,
  ],
  controllers: [
    TokenController,
    PushedAuthorizationController,
    UserinfoController,
    RegistrationController,
    DiscoveryController,
    JwksController,
  ],
  providers: [PushedRequestForms, ReadableErrorFilter, TokenParameterPipe, TokenRequestPipe, TokenResponses],
})
export class OAuthModule implements OnModuleInit {
  constructor(
    private readonly fallbacks: EdgeFallbacks,
    private readonly errors: ReadableErrorFilter,
  ) {}

  onModuleInit(): void {
    for (const path of [PATHS.token, PATHS.revocation, PATHS.introspection, PATHS.pushedAuthorization, PATHS.userinfo])
      this.fallbacks.register(path, this.errors, { ownMethods: false });
  }
}
