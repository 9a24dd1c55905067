import { Module } from '@nestjs/common';
import { MetricsModule } from '../../platform/metrics/metrics.module.js';
import { HealthController } from './health.controller.js';
import { MetricsController } from './metrics.controller.js';
import { MetricsGuard } from './metrics.guard.js';

@Module({ imports: [MetricsModule], controllers: [HealthController, MetricsController], providers: [MetricsGuard] })
export class HealthModule {}
