import { Module, RequestMethod, type MiddlewareConsumer, type NestModule } from '@nestjs/common';
import { ClientsModule } from '../../../domain/clients/clients.module.js';
import { LogoutModule } from '../../../domain/logout/logout.module.js';
import { TokensModule } from '../../../domain/tokens/tokens.module.js';
import { UpstreamsModule } from '../../../domain/upstreams/upstreams.module.js';
import { ElasticsearchAnswers } from './elasticsearch-answer.js';
import { ElasticsearchAuthenticateController } from './elasticsearch-authenticate.controller.js';
import { ElasticsearchErrorFilter } from './elasticsearch-error.filter.js';
import { ElasticsearchOidcController } from './elasticsearch-oidc.controller.js';
import { ElasticsearchTokenController } from './elasticsearch-token.controller.js';
import { FacilitatorGuard } from './facilitator.guard.js';
import { OidcLogoutService } from './oidc-logout.service.js';
import { RootInfoMiddleware } from './root-info.middleware.js';

@Module({
  imports: [ClientsModule, LogoutModule, TokensModule, UpstreamsModule],
  controllers: [ElasticsearchOidcController, ElasticsearchTokenController, ElasticsearchAuthenticateController],
  providers: [ElasticsearchAnswers, ElasticsearchErrorFilter, FacilitatorGuard, OidcLogoutService],
})
export class ElasticsearchModule implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer
      .apply(RootInfoMiddleware)
      .forRoutes({ path: '/', method: RequestMethod.GET }, { path: '/', method: RequestMethod.HEAD });
  }
}
