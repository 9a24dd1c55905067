import { Module } from '@nestjs/common';
import { CheckSessionController } from './check-session.controller.js';

@Module({ controllers: [CheckSessionController] })
export class SessionManagementModule {}
