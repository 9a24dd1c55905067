import { Module } from '@nestjs/common';
import { SessionLimit } from './session-limit.js';
import { SessionsService } from './sessions.service.js';

@Module({ providers: [SessionsService, SessionLimit], exports: [SessionsService, SessionLimit] })
export class SessionsModule {}
