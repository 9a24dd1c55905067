import { Module } from '@nestjs/common';
import { ClientsModule } from '../../clients/clients.module.js';
import { KeysModule } from '../../keys/keys.module.js';
import { LogoutModule } from '../../logout/logout.module.js';
import { SessionsModule } from '../../sessions/sessions.module.js';
import { SignedOutModule } from '../../signed-out/signed-out.module.js';
import { TokensModule } from '../../tokens/tokens.module.js';
import { UpstreamsModule } from '../../upstreams/upstreams.module.js';
import { EndSessionController } from './end-session.controller.js';
import { UpstreamLeg } from './upstream-leg.js';
import { UpstreamReturnController } from './upstream-return.controller.js';

@Module({
  imports: [ClientsModule, KeysModule, LogoutModule, SessionsModule, SignedOutModule, TokensModule, UpstreamsModule],
  controllers: [EndSessionController, UpstreamReturnController],
  providers: [UpstreamLeg],
})
export class OidcEndSessionModule {}
