import { Module, type DynamicModule } from '@nestjs/common';
import { AccountsModule } from './domain/accounts/accounts.module.js';
import { AdminModule } from './web/admin/admin.module.js';
import { AuditModule } from './platform/audit/audit.module.js';
import { AuthorizeModule } from './web/authorize/authorize.module.js';
import { ClientsModule } from './domain/clients/clients.module.js';
import { ConfigModule } from './platform/config/config.module.js';
import type { Settings } from './platform/config/settings.js';
import { ConsoleModule } from './web/console/console.module.js';
import { OAuthModule } from './web/oauth/oauth.module.js';
import { DatabaseModule } from './platform/database/database.module.js';
import type { DialectDescriptor } from './web/dialects/dialect.js';
import { DialectsModule } from './web/dialects/dialects.module.js';
import { DIALECTS } from './web/dialects/dialects.js';
import { ENTITIES } from './entities.js';
import { HealthModule } from './web/health/health.module.js';
import { KitModule } from './web/kit/kit.module.js';
import { KeysModule } from './platform/keys/keys.module.js';
import { LogoutModule } from './domain/logout/logout.module.js';
import { MetricsModule } from './platform/metrics/metrics.module.js';
import { RateLimitsModule } from './platform/rate-limits/rate-limits.module.js';
import { AccountModule } from './web/account/account.module.js';
import { SessionManagementModule } from './web/session-management/session-management.module.js';
import { SessionsModule } from './domain/sessions/sessions.module.js';
import { TokensModule } from './domain/tokens/tokens.module.js';
import { UpstreamsModule } from './domain/upstreams/upstreams.module.js';

/** The list of modules; the one place that knows them all. */
@Module({})
export class AppModule {
  /** @param dialects the logout dialects; the tests put one of their own beside these */
  static with(settings: Settings, dialects: readonly DialectDescriptor[] = DIALECTS): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.with(settings),
        DatabaseModule.with(ENTITIES),
        KitModule,
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
        OAuthModule,
        AuthorizeModule,
        DialectsModule.with(dialects),
        SessionManagementModule,
        AccountModule,
        AdminModule,
        ConsoleModule,
        HealthModule,
      ],
    };
  }
}
