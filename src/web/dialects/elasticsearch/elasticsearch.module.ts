import { Module, RequestMethod, type MiddlewareConsumer, type NestModule } from '@nestjs/common';
import { AccountsModule } from '../../../domain/accounts/accounts.module.js';
import { SessionsModule } from '../../../domain/sessions/sessions.module.js';
import { ClientsModule } from '../../../domain/clients/clients.module.js';
import { LogoutModule } from '../../../domain/logout/logout.module.js';
import { TokensModule } from '../../../domain/tokens/tokens.module.js';
import { UpstreamsModule } from '../../../domain/upstreams/upstreams.module.js';
import { ElasticsearchAuthenticateController } from './elasticsearch-authenticate.controller.js';
import { ElasticsearchErrorFilter } from './elasticsearch-error.filter.js';
import { ElasticsearchOidcController } from './elasticsearch-oidc.controller.js';
import { ElasticsearchTokenController } from './elasticsearch-token.controller.js';
import { FacilitatorGuard } from './facilitator.guard.js';
import { OidcLogoutService } from './oidc-logout.service.js';
import { Principals } from './principals.service.js';
import { RealmAuthentication } from './realm-authentication.service.js';
import { RealmLogout } from './realm-logout.service.js';
import { Realms } from './realms.service.js';
import { TokenIssuing } from './token-issuing.service.js';
import { RootInfoMiddleware } from './root-info.middleware.js';

@Module({
  imports: [AccountsModule, ClientsModule, LogoutModule, SessionsModule, TokensModule, UpstreamsModule],
  controllers: [ElasticsearchOidcController, ElasticsearchTokenController, ElasticsearchAuthenticateController],
  providers: [
    ElasticsearchErrorFilter,
    FacilitatorGuard,
    OidcLogoutService,
    Principals,
    RealmAuthentication,
    RealmLogout,
    Realms,
    TokenIssuing,
  ],
})
export class ElasticsearchModule implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer
      .apply(RootInfoMiddleware)
      .forRoutes({ path: '/', method: RequestMethod.GET }, { path: '/', method: RequestMethod.HEAD });
  }
}
