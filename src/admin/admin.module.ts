import { Module } from '@nestjs/common';
import { AccountsModule } from '../accounts/accounts.module.js';
import { ClientsModule } from '../clients/clients.module.js';
import { KeysModule } from '../keys/keys.module.js';
import { LogoutModule } from '../logout/logout.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { AdminAccountsController } from './accounts.controller.js';
import { AdminGuard } from './admin.guard.js';
import { AdminClientsController } from './clients.controller.js';
import { FirstAdminClient } from './first-admin-client.js';
import { AdminKeysController } from './keys.controller.js';
import { AdminLogoutsController } from './logouts.controller.js';
import { RegistrationController } from './registration.controller.js';
import { AdminSessionsController } from './sessions.controller.js';

@Module({
  imports: [AccountsModule, ClientsModule, KeysModule, LogoutModule, SessionsModule, TokensModule],
  controllers: [
    AdminClientsController,
    AdminAccountsController,
    AdminSessionsController,
    AdminLogoutsController,
    AdminKeysController,
    RegistrationController,
  ],
  providers: [AdminGuard, FirstAdminClient],
  exports: [FirstAdminClient],
})
export class AdminModule {}
