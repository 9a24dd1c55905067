import { Module } from '@nestjs/common';
import { ClientsModule } from '../../domain/clients/clients.module.js';
import { KeysModule } from '../../platform/keys/keys.module.js';
import { LogoutModule } from '../../domain/logout/logout.module.js';
import { SessionsModule } from '../../domain/sessions/sessions.module.js';
import { SignedOutAnswer } from './signed-out-answer.js';
import { SignedOutProgress } from './signed-out-progress.js';
import { SignedOutController } from './signed-out.controller.js';

@Module({
  imports: [ClientsModule, KeysModule, LogoutModule, SessionsModule],
  controllers: [SignedOutController],
  providers: [SignedOutAnswer, SignedOutProgress],
  exports: [SignedOutAnswer],
})
export class SignedOutModule {}
