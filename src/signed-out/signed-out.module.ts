import { Module } from '@nestjs/common';
import { ClientsModule } from '../clients/clients.module.js';
import { KeysModule } from '../keys/keys.module.js';
import { LogoutModule } from '../logout/logout.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
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
