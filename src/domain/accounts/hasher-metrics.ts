import { Injectable } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { Metrics } from '../../platform/metrics/metrics.js';
import { PasswordHasher } from './password-hasher.js';

/** Shows how much work the hasher has. */
@Injectable()
export class HasherMetrics {
  constructor(hasher: PasswordHasher, { registry }: Metrics) {
    const gauge: Gauge<'state'> = new Gauge({
      name: 'exeunt_password_hashes',
      help: 'Passwords that are being hashed (under_way), and those that wait, at this moment; above 200 waiting ones are refused.',
      labelNames: ['state'],
      registers: [registry],
      collect: () => {
        const { underWay, waiting } = hasher.work;
        gauge.set({ state: 'under_way' }, underWay);
        gauge.set({ state: 'waiting' }, waiting);
      },
    });
  }
}
