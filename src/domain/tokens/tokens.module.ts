import { Module } from '@nestjs/common';
import { ClientsModule } from '../clients/clients.module.js';
import { KeysModule } from '../../platform/keys/keys.module.js';
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
import { ServerTokens } from './server-tokens.js';
import { TokensService } from './tokens.service.js';
import { UserinfoService } from './userinfo.service.js';

@Module({
  imports: [ClientsModule, KeysModule, SessionsModule],
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
    ServerTokens,
    TokensService,
    UserinfoService,
  ],
  exports: [
    AccessTokensService,
    GrantReuse,
    GrantsService,
    HintVerifier,
    IdTokenIssuer,
    IntrospectionService,
    IssuedTokensService,
    ServerTokens,
    TokensService,
    UserinfoService,
  ],
})
export class TokensModule {}
