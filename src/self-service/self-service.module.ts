import { Module } from '@nestjs/common';
import { AuthorizationModule } from '../authorization/authorization.module.js';
import { ClientsModule } from '../clients/clients.module.js';
import { LogoutModule } from '../logout/logout.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { SignedOutModule } from '../signed-out/signed-out.module.js';
import { AccountApplicationsController } from './account-applications.controller.js';
import { AccountSessionsController } from './account-sessions.controller.js';
import { HomeController } from './home.controller.js';

@Module({
  imports: [AuthorizationModule, ClientsModule, LogoutModule, SessionsModule, SignedOutModule],
  controllers: [AccountApplicationsController, AccountSessionsController, HomeController],
})
export class SelfServiceModule {}
