import { Module } from '@nestjs/common';
import { ClientsModule } from '../../../domain/clients/clients.module.js';
import { KeysModule } from '../../../platform/keys/keys.module.js';
import { LogoutModule } from '../../../domain/logout/logout.module.js';
import { SessionsModule } from '../../../domain/sessions/sessions.module.js';
import { SignedOutModule } from '../../signed-out/signed-out.module.js';
import { TokensModule } from '../../../domain/tokens/tokens.module.js';
import { UpstreamsModule } from '../../../domain/upstreams/upstreams.module.js';
import { EndSessionController } from './end-session.controller.js';
import { DialogDecisions } from './dialog-decisions.service.js';
import { EndSessionRequests } from './end-session-requests.service.js';
import { EndSessionService } from './end-session.service.js';
import { FederatedLogout } from './federated-logout.service.js';
import { LogoutDialog } from './logout-dialog.service.js';
import { SignOut } from './sign-out.service.js';
import { UpstreamReturnController } from './upstream-return.controller.js';

@Module({
  imports: [ClientsModule, KeysModule, LogoutModule, SessionsModule, SignedOutModule, TokensModule, UpstreamsModule],
  controllers: [EndSessionController, UpstreamReturnController],
  providers: [DialogDecisions, EndSessionRequests, EndSessionService, FederatedLogout, LogoutDialog, SignOut],
})
export class OidcEndSessionModule {}
