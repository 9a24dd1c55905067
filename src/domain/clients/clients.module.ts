import { Module } from '@nestjs/common';
import { AuditModule } from '../../platform/audit/audit.module.js';
import { EgressModule } from '../../platform/egress/egress.module.js';
import { MetricsModule } from '../../platform/metrics/metrics.module.js';
import { RateLimitsModule } from '../../platform/rate-limits/rate-limits.module.js';
import { AdministratorsService } from './administrators.service.js';
import { ClientAuthenticator } from './client-authenticator.js';
import { ClientSecrets } from './client-secrets.js';
import { ClientJwks } from './client-jwks.js';
import { ClientRegistrationService } from './client-registration.service.js';
import { ClientRepository } from './client.repository.js';
import { ClientsService } from './clients.service.js';
import { FirstAdminClient } from './first-admin-client.js';

@Module({
  imports: [AuditModule, EgressModule, MetricsModule, RateLimitsModule],
  providers: [
    AdministratorsService,
    ClientRepository,
    ClientsService,
    ClientRegistrationService,
    ClientAuthenticator,
    ClientJwks,
    ClientSecrets,
    FirstAdminClient,
  ],
  exports: [
    AdministratorsService,
    ClientsService,
    ClientRegistrationService,
    ClientAuthenticator,
    ClientJwks,
    ClientSecrets,
    FirstAdminClient,
  ],
})
export class ClientsModule {}
