import { defineConfig, mergeConfig } from 'vitest/config';
import tests from './vitest.config.js';

/** Writes the database that the next release is upgraded from: `test/upgrade/README.md`. */
export default mergeConfig(
  { ...tests, test: { ...tests.test, include: [] } },
  defineConfig({ test: { include: ['test/upgrade/make-dump.ts'] } }),
);
