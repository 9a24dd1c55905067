import { Module, type DynamicModule } from '@nestjs/common';
import { AccountsModule } from './domain/accounts/accounts.module.js';
import { AdminModule } from './web/admin/admin.module.js';
import { AuditModule } from './platform/audit/audit.module.js';
import { AuthorizeModule } from './web/authorize/authorize.module.js';
import { ClientsModule } from './domain/clients/clients.module.js';
import type { ClientProof } from './domain/clients/proofs/client-proof.js';
import { PROOFS } from './domain/clients/proofs/proofs.js';
import { ProofsModule } from './domain/clients/proofs/proofs.module.js';
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
import type { GrantType } from './domain/tokens/grants/grant-handler.js';
import { GRANTS } from './domain/tokens/grants/grants.js';
import { GrantsModule } from './domain/tokens/grants/grants.module.js';
import { TracingModule } from './platform/tracing/tracing.module.js';
import { TokensModule } from './domain/tokens/tokens.module.js';
import { UpstreamsModule } from './domain/upstreams/upstreams.module.js';

/** What the application is put together from. The tests put capabilities of their own beside these. */
export interface Parts {
  readonly dialects: readonly DialectDescriptor[];
  readonly grants: readonly GrantType[];
  readonly proofs: readonly ClientProof[];
}

export const PARTS: Parts = { dialects: DIALECTS, grants: GRANTS, proofs: PROOFS };

/** The list of modules; the one place that knows them all. */
@Module({})
export class AppModule {
  static with(settings: Settings, { dialects, grants, proofs } = PARTS): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.with(settings),
        TracingModule,
        DatabaseModule.with(ENTITIES),
        KitModule,
        KeysModule,
        RateLimitsModule,
        AuditModule,
        MetricsModule,
        AccountsModule,
        ClientsModule,
        ProofsModule.with(proofs),
        SessionsModule,
        TokensModule,
        GrantsModule.with(grants),
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
