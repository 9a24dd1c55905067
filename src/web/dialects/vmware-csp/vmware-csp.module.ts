import { Module } from '@nestjs/common';
import { ClientsModule } from '../../../domain/clients/clients.module.js';
import { LogoutModule } from '../../../domain/logout/logout.module.js';
import { RateLimitsModule } from '../../../platform/rate-limits/rate-limits.module.js';
import { SessionsModule } from '../../../domain/sessions/sessions.module.js';
import { TokensModule } from '../../../domain/tokens/tokens.module.js';
import { UpstreamsModule } from '../../../domain/upstreams/upstreams.module.js';
import { CspCallers } from './csp-callers.service.js';
import { CspErrorFilter } from './csp-error.filter.js';
import { CspLogoutService } from './csp-logout.service.js';
import { IdentityProviders } from './identity-providers.service.js';
import { VmwareCspController } from './vmware-csp.controller.js';

@Module({
  imports: [ClientsModule, LogoutModule, RateLimitsModule, SessionsModule, TokensModule, UpstreamsModule],
  controllers: [VmwareCspController],
  providers: [CspCallers, CspErrorFilter, CspLogoutService, IdentityProviders],
})
export class VmwareCspModule {}
