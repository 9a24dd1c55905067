import { configDefaults, mergeConfig } from 'vitest/config';
import base from './vitest.config.js';

// Read by test/global-setup.ts, which runs in this process.
process.env.TEST_PARTITIONS ??= '4';

/** The tests that ask the database, on tables of a person that are hash partitions by account. */
export default mergeConfig(base, {
  test: {
    exclude: [
      ...configDefaults.exclude,
      'src/**',
      'test/docs/**',
      'test/structure/**',
      'test/egress/**',
      'test/upgrade/**',
    ],
  },
});
