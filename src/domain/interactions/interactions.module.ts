import { Module } from '@nestjs/common';
import { InteractionRepository } from './interaction.repository.js';
import { RateLimitsModule } from '../../platform/rate-limits/rate-limits.module.js';
import { KeysModule } from '../../platform/keys/keys.module.js';
import { ClientsModule } from '../clients/clients.module.js';
import { ConsentsModule } from '../consents/consents.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { UpstreamsModule } from '../upstreams/upstreams.module.js';
import { AuthorizationService } from './authorization.service.js';
import { InteractionFlow } from './interaction-flow.service.js';
import { InteractionSeals } from './interaction-seals.js';
import { InteractionsService } from './interactions.service.js';
import { PushedRequestRepository } from './pushed-request.repository.js';
import { PushedRequests } from './pushed-requests.service.js';

@Module({
  imports: [ClientsModule, ConsentsModule, KeysModule, RateLimitsModule, TokensModule, UpstreamsModule],
  providers: [
    InteractionRepository,
    AuthorizationService,
    InteractionFlow,
    InteractionSeals,
    InteractionsService,
    PushedRequestRepository,
    PushedRequests,
  ],
  exports: [AuthorizationService, InteractionFlow, InteractionsService, PushedRequests],
})
export class InteractionsModule {}
