import { Module } from '@nestjs/common';
import { MetricsController } from './metrics.controller.js';
import { MetricsGuard } from './metrics.guard.js';
import { Metrics } from './metrics.js';
import { StorageMetrics } from './storage-metrics.js';

@Module({ controllers: [MetricsController], providers: [Metrics, MetricsGuard, StorageMetrics], exports: [Metrics] })
export class MetricsModule {}
