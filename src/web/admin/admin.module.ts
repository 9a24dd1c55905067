import { Module } from '@nestjs/common';
import { AccountsModule } from '../../domain/accounts/accounts.module.js';
import { AuditModule } from '../../platform/audit/audit.module.js';
import { LifecycleModule } from '../../domain/lifecycle/lifecycle.module.js';
import { ClientsModule } from '../../domain/clients/clients.module.js';
import { ConsentsModule } from '../../domain/consents/consents.module.js';
import { KeysModule } from '../../platform/keys/keys.module.js';
import { LogoutModule } from '../../domain/logout/logout.module.js';
import { MetricsModule } from '../../platform/metrics/metrics.module.js';
import { RateLimitsModule } from '../../platform/rate-limits/rate-limits.module.js';
import { SessionsModule } from '../../domain/sessions/sessions.module.js';
import { TokensModule } from '../../domain/tokens/tokens.module.js';
import { UpstreamsModule } from '../../domain/upstreams/upstreams.module.js';
import { AdminAccountsController } from './accounts.controller.js';
import { AdminAuditController } from './audit.controller.js';
import { AdminClientSwitchesController } from './client-switches.controller.js';
import { AdminClientsController } from './clients.controller.js';
import { AdminConsentsController } from './consents.controller.js';
import { AdminDeliveriesController } from './deliveries.controller.js';
import { AdminIdentitiesController } from './identities.controller.js';
import { AdminKeysController } from './keys.controller.js';
import { AdminLogoutOrdersController } from './logout-orders.controller.js';
import { AdminLogoutsController } from './logouts.controller.js';
import { AdminOrganizationsController } from './organizations.controller.js';
import { AdminReceiptsController } from './receipts.controller.js';
import { AdminSessionsController } from './sessions.controller.js';
import { AdminUpstreamsController } from './upstreams.controller.js';

@Module({
  imports: [
    AccountsModule,
    AuditModule,
    ConsentsModule,
    LifecycleModule,
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
  ],
})
export class AdminModule {}
