import { Module } from '@nestjs/common';
import { AuditModule } from '../../platform/audit/audit.module.js';
import { EgressModule } from '../../platform/egress/egress.module.js';
import { AdministratorsService } from './administrators.service.js';
import { ClientJwks } from './client-jwks.js';
import { ClientRegistrationService } from './client-registration.service.js';
import { ClientRepository } from './client.repository.js';
import { ClientsService } from './clients.service.js';
import { FirstAdminClient } from './first-admin-client.js';
import { RegistrationPolicy } from './registration-policy.js';

@Module({
  imports: [AuditModule, EgressModule],
  providers: [
    AdministratorsService,
    ClientRepository,
    ClientsService,
    ClientRegistrationService,
    ClientJwks,
    FirstAdminClient,
    RegistrationPolicy,
  ],
  exports: [
    AdministratorsService,
    ClientsService,
    ClientRegistrationService,
    ClientJwks,
    FirstAdminClient,
    RegistrationPolicy,
  ],
})
export class ClientsModule {}
