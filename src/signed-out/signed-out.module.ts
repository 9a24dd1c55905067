import { Module } from '@nestjs/common';
import { LogoutModule } from '../logout/logout.module.js';
import { SignedOutAnswer } from './signed-out-answer.js';

@Module({ imports: [LogoutModule], providers: [SignedOutAnswer], exports: [SignedOutAnswer] })
export class SignedOutModule {}
