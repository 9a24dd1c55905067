import { Module } from '@nestjs/common';
import { AccountsModule } from '../accounts/accounts.module.js';
import { AuditModule } from '../audit/audit.module.js';
import { AuthorizationModule } from '../authorization/authorization.module.js';
import { ClientsModule } from '../clients/clients.module.js';
import { KeysModule } from '../keys/keys.module.js';
import { LogoutModule } from '../logout/logout.module.js';
import { RateLimitsModule } from '../rate-limits/rate-limits.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { ConsoleSignInController } from './console-sign-in.controller.js';
import { ConsoleViews } from './console-views.service.js';
import { ConsoleController } from './console.controller.js';
import { OperatorsService } from './operators.service.js';

@Module({
  imports: [
    AccountsModule,
    AuditModule,
    AuthorizationModule,
    ClientsModule,
    KeysModule,
    LogoutModule,
    RateLimitsModule,
    SessionsModule,
  ],
  controllers: [ConsoleController, ConsoleSignInController],
  providers: [ConsoleViews, OperatorsService],
})
export class ConsoleModule {}
