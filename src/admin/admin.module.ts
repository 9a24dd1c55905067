import { Module } from '@nestjs/common';
import { AccountsModule } from '../accounts/accounts.module.js';
import { AuditModule } from '../audit/audit.module.js';
import { AuthorizationModule } from '../authorization/authorization.module.js';
import { ClientsModule } from '../clients/clients.module.js';
import { KeysModule } from '../keys/keys.module.js';
import { LogoutModule } from '../logout/logout.module.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { RateLimitsModule } from '../rate-limits/rate-limits.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { UpstreamsModule } from '../upstreams/upstreams.module.js';
import { AdminAccountsController } from './accounts.controller.js';
import { AdminGuard } from './admin.guard.js';
import { AdminAuditController } from './audit.controller.js';
import { ChangeRecord } from './change-record.js';
import { ClientChanges } from './client-changes.service.js';
import { AdminClientSwitchesController } from './client-switches.controller.js';
import { AdminClientsController } from './clients.controller.js';
import { AdminConsentsController } from './consents.controller.js';
import { AdminDeliveriesController } from './deliveries.controller.js';
import { FirstAdminClient } from './first-admin-client.js';
import { AdminIdentitiesController } from './identities.controller.js';
import { AdminKeysController } from './keys.controller.js';
import { AdminLogoutOrdersController } from './logout-orders.controller.js';
import { AdminLogoutsController } from './logouts.controller.js';
import { AdminOrganizationsController } from './organizations.controller.js';
import { AdminReceiptsController } from './receipts.controller.js';
import { RegistrationController } from './registration.controller.js';
import { AdminSessionsController } from './sessions.controller.js';
import { ServerTokens } from './server-tokens.js';
import { AdminUpstreamsController } from './upstreams.controller.js';

@Module({
  imports: [
    AccountsModule,
    AuditModule,
    AuthorizationModule,
    ClientsModule,
    KeysModule,
    LogoutModule,
    MetricsModule,
    RateLimitsModule,
    SessionsModule,
    TokensModule,
    UpstreamsModule,
  ],
  controllers: [
    AdminClientsController,
    AdminClientSwitchesController,
    AdminAccountsController,
    AdminConsentsController,
    AdminSessionsController,
    AdminLogoutsController,
    AdminDeliveriesController,
    AdminLogoutOrdersController,
    AdminAuditController,
    AdminReceiptsController,
    AdminKeysController,
    AdminUpstreamsController,
    AdminIdentitiesController,
    AdminOrganizationsController,
    RegistrationController,
  ],
  providers: [AdminGuard, ChangeRecord, ClientChanges, FirstAdminClient, ServerTokens],
  exports: [FirstAdminClient],
})
export class AdminModule {}
