import { Module } from '@nestjs/common';
import { ClientsModule } from '../../clients/clients.module.js';
import { KeysModule } from '../../keys/keys.module.js';
import { LogoutModule } from '../../logout/logout.module.js';
import { SessionsModule } from '../../sessions/sessions.module.js';
import { TokensModule } from '../../tokens/tokens.module.js';
import { UpstreamsModule } from '../../upstreams/upstreams.module.js';
import { EndSessionController } from './end-session.controller.js';
import { SignedOutController } from './signed-out.controller.js';
import { SignedOutProgress } from './signed-out-progress.js';
import { UpstreamLeg } from './upstream-leg.js';
import { UpstreamReturnController } from './upstream-return.controller.js';

@Module({
  imports: [ClientsModule, KeysModule, LogoutModule, SessionsModule, TokensModule, UpstreamsModule],
  controllers: [EndSessionController, SignedOutController, UpstreamReturnController],
  providers: [SignedOutProgress, UpstreamLeg],
})
export class OidcEndSessionModule {}
