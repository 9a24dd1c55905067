import { Module } from '@nestjs/common';
import { EgressModule } from '../egress/egress.module.js';
import { AdministratorsService } from './administrators.service.js';
import { ClientAuthenticator } from './client-authenticator.js';
import { ClientJwks } from './client-jwks.js';
import { ClientsService } from './clients.service.js';

@Module({
  imports: [EgressModule],
  providers: [AdministratorsService, ClientsService, ClientAuthenticator, ClientJwks],
  exports: [AdministratorsService, ClientsService, ClientAuthenticator, ClientJwks],
})
export class ClientsModule {}
