import { defineConfig, mergeConfig } from 'vitest/config';
import base from './vitest.config.js';

/** The service on a real Postgres cluster: one file after another, since each wants the machine for itself. */
export default mergeConfig(
  { ...base, test: { ...base.test, include: [] } },
  defineConfig({
    test: {
      include: ['test/cluster/**/*.cluster-spec.ts'],
      maxWorkers: 1,
      fileParallelism: false,
      testTimeout: 300_000,
      hookTimeout: 300_000,
    },
  }),
);
