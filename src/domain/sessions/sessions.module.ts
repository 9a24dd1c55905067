import { Module } from '@nestjs/common';
import { SessionActivity } from './session-activity.js';
import { SessionLimit } from './session-limit.js';
import { SessionList } from './session-list.js';
import { SessionRepository } from './session.repository.js';
import { SessionsService } from './sessions.service.js';

@Module({
  providers: [SessionsService, SessionRepository, SessionActivity, SessionList, SessionLimit],
  exports: [SessionsService, SessionActivity, SessionList, SessionLimit],
})
export class SessionsModule {}
