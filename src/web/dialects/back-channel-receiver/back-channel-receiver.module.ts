import { Module } from '@nestjs/common';
import { AuditModule } from '../../../platform/audit/audit.module.js';
import { LogoutModule } from '../../../domain/logout/logout.module.js';
import { MetricsModule } from '../../../platform/metrics/metrics.module.js';
import { RateLimitsModule } from '../../../platform/rate-limits/rate-limits.module.js';
import { UpstreamsModule } from '../../../domain/upstreams/upstreams.module.js';
import { BackChannelReceiverController } from './back-channel-receiver.controller.js';
import { BackChannelReceiverFilter } from './back-channel-receiver.filter.js';
import { LogoutTokenReceiver } from './logout-token-receiver.service.js';

@Module({
  imports: [AuditModule, LogoutModule, MetricsModule, RateLimitsModule, UpstreamsModule],
  controllers: [BackChannelReceiverController],
  providers: [BackChannelReceiverFilter, LogoutTokenReceiver],
})
export class BackChannelReceiverModule {}
