import { Module } from '@nestjs/common';
import { AuditModule } from '../../platform/audit/audit.module.js';
import { MetricsModule } from '../../platform/metrics/metrics.module.js';
import { RateLimitsModule } from '../../platform/rate-limits/rate-limits.module.js';
import { AccountRepository } from './account.repository.js';
import { AccountsService } from './accounts.service.js';
import { HasherMetrics } from './hasher-metrics.js';
import { PasswordHasher } from './password-hasher.js';
import { PasswordSignIn } from './password-sign-in.service.js';
import { SignInLimiter } from './sign-in-limiter.js';
import { SignInRecord } from './sign-in-record.js';

@Module({
  imports: [AuditModule, MetricsModule, RateLimitsModule],
  providers: [
    AccountRepository,
    AccountsService,
    PasswordSignIn,
    PasswordHasher,
    HasherMetrics,
    SignInLimiter,
    SignInRecord,
  ],
  exports: [AccountsService, PasswordSignIn, SignInRecord],
})
export class AccountsModule {}
