import { Module } from '@nestjs/common';
import { KeysModule } from '../../platform/keys/keys.module.js';
import { SessionActivity } from './session-activity.js';
import { SessionRouting } from './session-routing.js';
import { SessionList } from './session-list.js';
import { SessionSignInRepository } from './session-sign-in.repository.js';
import { SessionSignIns } from './session-sign-ins.service.js';
import { SessionRepository } from './session.repository.js';
import { SessionsService } from './sessions.service.js';

@Module({
  imports: [KeysModule],
  providers: [
    SessionRouting,
    SessionsService,
    SessionSignIns,
    SessionRepository,
    SessionSignInRepository,
    SessionActivity,
    SessionList,
  ],
  exports: [SessionRouting, SessionsService, SessionSignIns, SessionActivity, SessionList],
})
export class SessionsModule {}
