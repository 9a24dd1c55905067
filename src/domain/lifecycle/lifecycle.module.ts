import { Module } from '@nestjs/common';
import { AuditModule } from '../../platform/audit/audit.module.js';
import { KeysModule } from '../../platform/keys/keys.module.js';
import { MetricsModule } from '../../platform/metrics/metrics.module.js';
import { RateLimitsModule } from '../../platform/rate-limits/rate-limits.module.js';
import { AccountsModule } from '../accounts/accounts.module.js';
import { ClientsModule } from '../clients/clients.module.js';
import { ConsentsModule } from '../consents/consents.module.js';
import { InteractionsModule } from '../interactions/interactions.module.js';
import { LogoutModule } from '../logout/logout.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { UpstreamsModule } from '../upstreams/upstreams.module.js';
import { AccountChanges } from './account-changes.service.js';
import { ChangeRecord } from './change-record.js';
import { ClientAdministration } from './client-administration.service.js';
import { ClientRemoval } from './client-removal.js';
import { ClientChanges } from './client-changes.service.js';
import { ConsentWithdrawal } from './consent-withdrawal.service.js';
import { IdentityLinks } from './identity-links.service.js';
import { InteractionSignIns } from './interaction-sign-ins.service.js';
import { KeyRotation } from './key-rotation.service.js';
import { NamedTargets } from './named-targets.service.js';
import { OperatorLogout } from './operator-logout.service.js';
import { OrganizationChanges } from './organization-changes.service.js';
import { PasswordSessions } from './password-sessions.service.js';
import { SelfRegistration } from './self-registration.service.js';
import { SignInService } from './sign-in.service.js';
import { UpstreamChanges } from './upstream-changes.service.js';
import { UpstreamInteractions } from './upstream-interactions.service.js';

const USE_CASES = [
  AccountChanges,
  ClientAdministration,
  ClientChanges,
  ConsentWithdrawal,
  IdentityLinks,
  InteractionSignIns,
  KeyRotation,
  OperatorLogout,
  OrganizationChanges,
  SelfRegistration,
  SignInService,
  UpstreamChanges,
  UpstreamInteractions,
];

@Module({
  imports: [
    AccountsModule,
    AuditModule,
    ClientsModule,
    ConsentsModule,
    InteractionsModule,
    KeysModule,
    LogoutModule,
    MetricsModule,
    RateLimitsModule,
    SessionsModule,
    TokensModule,
    UpstreamsModule,
  ],
  providers: [...USE_CASES, ChangeRecord, ClientRemoval, NamedTargets, PasswordSessions],
  exports: USE_CASES,
})
export class LifecycleModule {}
