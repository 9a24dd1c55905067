import { Module } from '@nestjs/common';
import { ConsoleSessionRepository } from './console-session.repository.js';
import { AuditModule } from '../../platform/audit/audit.module.js';
import { KeysModule } from '../../platform/keys/keys.module.js';
import { RateLimitsModule } from '../../platform/rate-limits/rate-limits.module.js';
import { AccountsModule } from '../accounts/accounts.module.js';
import { ClientsModule } from '../clients/clients.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { ClientConsoleSessions } from './client-console-sessions.js';
import { OperatorSignIns } from './operator-sign-ins.js';
import { OperatorsService } from './operators.service.js';

@Module({
  imports: [AccountsModule, AuditModule, ClientsModule, KeysModule, RateLimitsModule, SessionsModule],
  providers: [ClientConsoleSessions, ConsoleSessionRepository, OperatorSignIns, OperatorsService],
  exports: [ClientConsoleSessions, OperatorSignIns, OperatorsService],
})
export class OperatorsModule {}
