import { Module, type OnModuleInit } from '@nestjs/common';
import { ClientsModule } from '../../clients/clients.module.js';
import { EdgeFallbacks } from '../../http/edge-fallbacks.js';
import { LogoutModule } from '../../logout/logout.module.js';
import { TokensModule } from '../../tokens/tokens.module.js';
import { UpstreamsModule } from '../../upstreams/upstreams.module.js';
import { ElasticsearchAnswers } from './elasticsearch-answer.js';
import { ElasticsearchAuthenticateController } from './elasticsearch-authenticate.controller.js';
import { ElasticsearchErrorFilter } from './elasticsearch-error.filter.js';
import { ElasticsearchOidcController } from './elasticsearch-oidc.controller.js';
import { ElasticsearchTokenController } from './elasticsearch-token.controller.js';
import { OidcLogoutService } from './oidc-logout.service.js';

@Module({
  imports: [ClientsModule, LogoutModule, TokensModule, UpstreamsModule],
  controllers: [ElasticsearchOidcController, ElasticsearchTokenController, ElasticsearchAuthenticateController],
  providers: [ElasticsearchAnswers, ElasticsearchErrorFilter, OidcLogoutService],
})
export class ElasticsearchModule implements OnModuleInit {
  constructor(
    private readonly fallbacks: EdgeFallbacks,
    private readonly filter: ElasticsearchErrorFilter,
  ) {}

  onModuleInit(): void {
    this.fallbacks.register('/_security/', this.filter);
  }
}
