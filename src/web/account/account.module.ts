import { Module } from '@nestjs/common';
import { ConsentsModule } from '../../domain/consents/consents.module.js';
import { InteractionsModule } from '../../domain/interactions/interactions.module.js';
import { LifecycleModule } from '../../domain/lifecycle/lifecycle.module.js';
import { ClientsModule } from '../../domain/clients/clients.module.js';
import { LogoutModule } from '../../domain/logout/logout.module.js';
import { SessionsModule } from '../../domain/sessions/sessions.module.js';
import { SignedOutModule } from '../signed-out/signed-out.module.js';
import { AccountApplicationsController } from './account-applications.controller.js';
import { AccountSessionsController } from './account-sessions.controller.js';
import { HomeController } from './home.controller.js';
import { SignInFirst } from './sign-in-first.js';

@Module({
  imports: [
    ClientsModule,
    ConsentsModule,
    InteractionsModule,
    LifecycleModule,
    LogoutModule,
    SessionsModule,
    SignedOutModule,
  ],
  controllers: [AccountApplicationsController, AccountSessionsController, HomeController],
  providers: [SignInFirst],
})
export class AccountModule {}
