import { Module } from '@nestjs/common';
import { AuditModule } from '../../platform/audit/audit.module.js';
import { MetricsModule } from '../../platform/metrics/metrics.module.js';
import { RateLimitsModule } from '../../platform/rate-limits/rate-limits.module.js';
import { AccountsService } from './accounts.service.js';
import { PasswordHasher } from './password-hasher.js';
import { SignInLimiter } from './sign-in-limiter.js';
import { SignInRecord } from './sign-in-record.js';

@Module({
  imports: [AuditModule, MetricsModule, RateLimitsModule],
  providers: [AccountsService, PasswordHasher, SignInLimiter, SignInRecord],
  exports: [AccountsService],
})
export class AccountsModule {}
