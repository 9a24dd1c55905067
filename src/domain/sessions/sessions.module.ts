import { Module } from '@nestjs/common';
import { SessionActivity } from './session-activity.js';
import { SessionList } from './session-list.js';
import { SessionRepository } from './session.repository.js';
import { SessionsService } from './sessions.service.js';

@Module({
  providers: [SessionsService, SessionRepository, SessionActivity, SessionList],
  exports: [SessionsService, SessionActivity, SessionList],
})
export class SessionsModule {}
