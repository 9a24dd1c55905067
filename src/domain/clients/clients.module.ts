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
import { UsedAssertionRepository } from './used-assertion.repository.js';

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
    UsedAssertionRepository,
  ],
  exports: [
    AdministratorsService,
    ClientsService,
    ClientRegistrationService,
    ClientJwks,
    FirstAdminClient,
    RegistrationPolicy,
    UsedAssertionRepository,
  ],
})
export class ClientsModule {}
