import { Module } from '@nestjs/common';
import { SessionActivity } from './session-activity.js';
import { SessionList } from './session-list.js';
import { SessionSignInRepository } from './session-sign-in.repository.js';
import { SessionSignIns } from './session-sign-ins.service.js';
import { SessionRepository } from './session.repository.js';
import { SessionsService } from './sessions.service.js';

@Module({
  providers: [
    SessionsService,
    SessionSignIns,
    SessionRepository,
    SessionSignInRepository,
    SessionActivity,
    SessionList,
  ],
  exports: [SessionsService, SessionSignIns, SessionActivity, SessionList],
})
export class SessionsModule {}
