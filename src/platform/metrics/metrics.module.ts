import { Module } from '@nestjs/common';
import { Metrics } from './metrics.js';
import { StorageMetrics } from './storage-metrics.js';

@Module({ providers: [Metrics, StorageMetrics], exports: [Metrics] })
export class MetricsModule {}
