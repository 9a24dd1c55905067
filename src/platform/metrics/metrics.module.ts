import { Module } from '@nestjs/common';
import { HttpMetrics } from './http-metrics.js';
import { Metrics } from './metrics.js';
import { StorageMetrics } from './storage-metrics.js';

@Module({ providers: [HttpMetrics, Metrics, StorageMetrics], exports: [HttpMetrics, Metrics] })
export class MetricsModule {}
