import { Module } from '@nestjs/common';
import { ClientsModule } from '../../domain/clients/clients.module.js';
import { KeysModule } from '../../platform/keys/keys.module.js';
import { LogoutModule } from '../../domain/logout/logout.module.js';
import { SessionsModule } from '../../domain/sessions/sessions.module.js';
import { SignedOutResponses } from './signed-out-responses.js';
import { SignedOutProgress } from './signed-out-progress.js';
import { SignedOutController } from './signed-out.controller.js';

@Module({
  imports: [ClientsModule, KeysModule, LogoutModule, SessionsModule],
  controllers: [SignedOutController],
  providers: [SignedOutResponses, SignedOutProgress],
  exports: [SignedOutResponses],
})
export class SignedOutModule {}
