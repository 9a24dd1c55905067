import { Module } from '@nestjs/common';
import { EgressClient } from './egress.client.js';

@Module({ providers: [EgressClient], exports: [EgressClient] })
export class EgressModule {}
