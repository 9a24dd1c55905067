import { Module } from '@nestjs/common';
import { ClientsModule } from '../../clients/clients.module.js';
import { KeysModule } from '../../keys/keys.module.js';
import { LogoutModule } from '../../logout/logout.module.js';
import { SessionsModule } from '../../sessions/sessions.module.js';
import { TokensModule } from '../../tokens/tokens.module.js';
import { EndSessionController } from './end-session.controller.js';

@Module({
  imports: [ClientsModule, KeysModule, LogoutModule, SessionsModule, TokensModule],
  controllers: [EndSessionController],
})
export class OidcEndSessionModule {}
