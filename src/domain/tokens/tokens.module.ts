import { Module } from '@nestjs/common';
import { ClientsModule } from '../clients/clients.module.js';
import { KeysModule } from '../../platform/keys/keys.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { AccessTokenReader } from './access-token-reader.js';
import { AccessTokenRepository } from './access-token.repository.js';
import { AccessTokensService } from './access-tokens.service.js';
import { BeforeRouting } from './before-routing.js';
import { CodeRedemption } from './code-redemption.js';
import { FacilitatorTokens } from './facilitator-tokens.service.js';
import { GrantCreationRepository } from './grant-creation.repository.js';
import { GrantRepository } from './grant.repository.js';
import { PresentedTokens } from './presented-tokens.js';
import { RefreshTokenForm } from './refresh-token-form.js';
import { RefreshTokenRepository } from './refresh-token.repository.js';
import { GrantsService } from './grants.service.js';
import { HintVerifier } from './hint-verifier.js';
import { IdTokenIssuer } from './id-token.issuer.js';
import { IntrospectionService } from './introspection.service.js';
import { IssuedTokenRepository } from './issued-token.repository.js';
import { IssuedTokensService } from './issued-tokens.service.js';
import { ServerTokens } from './server-tokens.js';
import { RefreshRotation } from './refresh-rotation.js';
import { TokenMint } from './token-mint.js';
import { TokenResponder } from './token-responder.js';
import { TokenRouting } from './token-routing.js';
import { Tokens } from './tokens.js';
import { UserinfoService } from './userinfo.service.js';

@Module({
  imports: [ClientsModule, KeysModule, SessionsModule],
  providers: [
    AccessTokenReader,
    AccessTokenRepository,
    BeforeRouting,
    PresentedTokens,
    RefreshTokenForm,
    TokenMint,
    TokenRouting,
    AccessTokensService,
    CodeRedemption,
    FacilitatorTokens,
    GrantCreationRepository,
    GrantRepository,
    RefreshTokenRepository,
    GrantsService,
    HintVerifier,
    IdTokenIssuer,
    IntrospectionService,
    IssuedTokenRepository,
    IssuedTokensService,
    ServerTokens,
    RefreshRotation,
    TokenResponder,
    Tokens,
    UserinfoService,
  ],
  exports: [
    AccessTokensService,
    CodeRedemption,
    FacilitatorTokens,
    GrantsService,
    HintVerifier,
    IdTokenIssuer,
    IntrospectionService,
    IssuedTokensService,
    ServerTokens,
    RefreshRotation,
    TokenResponder,
    Tokens,
    UserinfoService,
  ],
})
export class TokensModule {}
