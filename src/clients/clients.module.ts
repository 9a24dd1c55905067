import { Module } from '@nestjs/common';
import { EgressModule } from '../egress/egress.module.js';
import { ClientAuthenticator } from './client-authenticator.js';
import { ClientJwks } from './client-jwks.js';
import { ClientsService } from './clients.service.js';

@Module({
  imports: [EgressModule],
  providers: [ClientsService, ClientAuthenticator, ClientJwks],
  exports: [ClientsService, ClientAuthenticator],
})
export class ClientsModule {}
