import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { EgressModule } from '../egress/egress.module.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { RateLimitsModule } from '../rate-limits/rate-limits.module.js';
import { AdministratorsService } from './administrators.service.js';
import { ClientAuthenticator } from './client-authenticator.js';
import { ClientSecrets } from './client-secrets.js';
import { ClientJwks } from './client-jwks.js';
import { ClientsService } from './clients.service.js';

@Module({
  imports: [AuditModule, EgressModule, MetricsModule, RateLimitsModule],
  providers: [AdministratorsService, ClientsService, ClientAuthenticator, ClientJwks, ClientSecrets],
  exports: [AdministratorsService, ClientsService, ClientAuthenticator, ClientJwks, ClientSecrets],
})
export class ClientsModule {}
