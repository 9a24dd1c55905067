import { Module } from '@nestjs/common';
import { AccountsModule } from '../../domain/accounts/accounts.module.js';
import { AuditModule } from '../../platform/audit/audit.module.js';
import { LifecycleModule } from '../../domain/lifecycle/lifecycle.module.js';
import { OperatorsModule } from '../../domain/operators/operators.module.js';
import { ClientsModule } from '../../domain/clients/clients.module.js';
import { KeysModule } from '../../platform/keys/keys.module.js';
import { LogoutModule } from '../../domain/logout/logout.module.js';
import { RateLimitsModule } from '../../platform/rate-limits/rate-limits.module.js';
import { SessionsModule } from '../../domain/sessions/sessions.module.js';
import { ConsoleSignInController } from './console-sign-in.controller.js';
import { ConsoleViews } from './console-views.service.js';
import { ConsoleController } from './console.controller.js';

@Module({
  imports: [
    AccountsModule,
    AuditModule,
    LifecycleModule,
    OperatorsModule,
    ClientsModule,
    KeysModule,
    LogoutModule,
    RateLimitsModule,
    SessionsModule,
  ],
  controllers: [ConsoleController, ConsoleSignInController],
  providers: [ConsoleViews],
})
export class ConsoleModule {}
