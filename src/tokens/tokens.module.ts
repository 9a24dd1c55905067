import { Module, type OnModuleInit } from '@nestjs/common';
import { ClientsModule } from '../clients/clients.module.js';
import { EdgeFallbacks } from '../http/edge-fallbacks.js';
import { KeysModule } from '../keys/keys.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { AccessTokenRepository } from './access-token.repository.js';
import { AccessTokensService } from './access-tokens.service.js';
import { GrantReuse } from './grant-reuse.js';
import { GrantRepository } from './grant.repository.js';
import { GrantsService } from './grants.service.js';
import { HintVerifier } from './hint-verifier.js';
import { IdTokenIssuer } from './id-token.issuer.js';
import { IntrospectionService } from './introspection.service.js';
import { IssuedTokenRepository } from './issued-token.repository.js';
import { IssuedTokensService } from './issued-tokens.service.js';
import { ReadableErrorFilter } from './readable-error.filter.js';
import { TokenController } from './token.controller.js';
import { TokensService } from './tokens.service.js';
import { UserinfoController } from './userinfo.controller.js';
import { UserinfoService } from './userinfo.service.js';

@Module({
  imports: [ClientsModule, KeysModule, SessionsModule],
  controllers: [TokenController, UserinfoController],
  providers: [
    AccessTokenRepository,
    AccessTokensService,
    GrantRepository,
    GrantReuse,
    GrantsService,
    HintVerifier,
    IdTokenIssuer,
    IntrospectionService,
    IssuedTokenRepository,
    IssuedTokensService,
    ReadableErrorFilter,
    TokensService,
    UserinfoService,
  ],
  exports: [
    AccessTokensService,
    GrantReuse,
    GrantsService,
    HintVerifier,
    IdTokenIssuer,
    IssuedTokensService,
    TokensService,
  ],
})
export class TokensModule implements OnModuleInit {
  constructor(
    private readonly fallbacks: EdgeFallbacks,
    private readonly errors: ReadableErrorFilter,
  ) {}

  onModuleInit(): void {
    for (const path of ['/token', '/revoke', '/introspect', '/userinfo'])
      this.fallbacks.register(path, this.errors, { ownMethods: false });
  }
}
