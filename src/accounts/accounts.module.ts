import { Module } from '@nestjs/common';
import { AccountsService } from './accounts.service.js';
import { PasswordHasher } from './password-hasher.js';
import { SignInLimiter } from './sign-in-limiter.js';

@Module({
  providers: [AccountsService, PasswordHasher, SignInLimiter],
  exports: [AccountsService],
})
export class AccountsModule {}
