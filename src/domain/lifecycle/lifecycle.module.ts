import { Module } from '@nestjs/common';
import { AuditModule } from '../../platform/audit/audit.module.js';
import { MetricsModule } from '../../platform/metrics/metrics.module.js';
import { AccountsModule } from '../accounts/accounts.module.js';
import { ClientsModule } from '../clients/clients.module.js';
import { ConsentsModule } from '../consents/consents.module.js';
import { InteractionsModule } from '../interactions/interactions.module.js';
import { LogoutModule } from '../logout/logout.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { UpstreamsModule } from '../upstreams/upstreams.module.js';
import { ChangeRecord } from './change-record.js';
import { ClientChanges } from './client-changes.service.js';
import { ConsentWithdrawal } from './consent-withdrawal.service.js';
import { SignInService } from './sign-in.service.js';

@Module({
  imports: [
    AccountsModule,
    AuditModule,
    ClientsModule,
    ConsentsModule,
    InteractionsModule,
    LogoutModule,
    MetricsModule,
    SessionsModule,
    TokensModule,
    UpstreamsModule,
  ],
  providers: [ChangeRecord, ClientChanges, ConsentWithdrawal, SignInService],
  exports: [ChangeRecord, ClientChanges, ConsentWithdrawal, SignInService],
})
export class LifecycleModule {}
