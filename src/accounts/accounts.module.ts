import { Module } from '@nestjs/common';
import { RateLimitsModule } from '../rate-limits/rate-limits.module.js';
import { AccountsService } from './accounts.service.js';
import { PasswordHasher } from './password-hasher.js';
import { SignInLimiter } from './sign-in-limiter.js';

@Module({
  imports: [RateLimitsModule],
  providers: [AccountsService, PasswordHasher, SignInLimiter],
  exports: [AccountsService],
})
export class AccountsModule {}
