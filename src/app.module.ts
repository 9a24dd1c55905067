import { Module, type DynamicModule } from '@nestjs/common';
import { AccountsModule } from './accounts/accounts.module.js';
import { AdminModule } from './admin/admin.module.js';
import { AuditModule } from './audit/audit.module.js';
import { AuthorizationModule } from './authorization/authorization.module.js';
import { ClientsModule } from './clients/clients.module.js';
import { ConfigModule } from './config/config.module.js';
import type { Settings } from './config/settings.js';
import { ConsoleModule } from './console/console.module.js';
import { DatabaseModule } from './database/database.module.js';
import { DialectsModule } from './dialects/dialects.module.js';
import { ENTITIES } from './entities.js';
import { HealthModule } from './health/health.module.js';
import { HttpModule } from './http/http.module.js';
import { KeysModule } from './keys/keys.module.js';
import { LogoutModule } from './logout/logout.module.js';
import { MetricsModule } from './metrics/metrics.module.js';
import { RateLimitsModule } from './rate-limits/rate-limits.module.js';
import { SelfServiceModule } from './self-service/self-service.module.js';
import { SessionManagementModule } from './session-management/session-management.module.js';
import { SessionsModule } from './sessions/sessions.module.js';
import { TokensModule } from './tokens/tokens.module.js';
import { UpstreamsModule } from './upstreams/upstreams.module.js';

/** The list of modules; the one place that knows them all. */
@Module({})
export class AppModule {
  static with(settings: Settings): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.with(settings),
        DatabaseModule.with(ENTITIES),
        HttpModule,
        KeysModule,
        RateLimitsModule,
        AuditModule,
        MetricsModule,
        AccountsModule,
        ClientsModule,
        SessionsModule,
        TokensModule,
        UpstreamsModule,
        LogoutModule,
        AuthorizationModule,
        DialectsModule,
        SessionManagementModule,
        SelfServiceModule,
        AdminModule,
        ConsoleModule,
        HealthModule,
      ],
    };
  }
}
