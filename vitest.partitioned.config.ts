import { configDefaults, mergeConfig } from 'vitest/config';
import base from './vitest.config.js';

// Read by test/global-setup.ts, which runs in this process.
process.env.TEST_PARTITIONS ??= '4';

/** About something else than a person's tables, through which a few of them only pass: they would say the same twice. */
const ASK_FOR_NO_PERSON = [
  'src/**',
  'test/authorization/names-and-passwords.e2e-spec.ts',
  'test/clients/metadata-of-administrators.e2e-spec.ts',
  'test/database/*.int-spec.ts',
  'test/database/durability.e2e-spec.ts',
  'test/database/replica.e2e-spec.ts',
  'test/deploy/**',
  'test/direct-routes/**',
  'test/discovery/**',
  'test/docs/**',
  'test/egress/**',
  'test/embedded-postgres/**',
  'test/faults/lost-feed.e2e-spec.ts',
  'test/faults/skewed-clocks.e2e-spec.ts',
  'test/metrics/what-comes-in.e2e-spec.ts',
  'test/migrations/**',
  'test/observation/**',
  'test/openapi/**',
  'test/rate-limits/**',
  'test/registration/**',
  'test/start/!(crash|order-crash).*',
  'test/structure/**',
  'test/text/**',
  'test/upgrade/**',
  'test/upstreams/metadata.e2e-spec.ts',
];
/**
 * Count round trips, or hold pages to what they are of plain tables: with four partitions an operator's statement, which names no
 * account, enters four indexes. What people's statements look at is in `test/cost/pruning.e2e-spec.ts`, on partitions of its own
 * and in `npm test`.
 */
const ABOUT_PLAIN_TABLES = [
  'test/admin/many-sessions.e2e-spec.ts',
  'test/bulk/order-steps.e2e-spec.ts',
  'test/cost/**',
  'test/database/retention-pages.e2e-spec.ts',
];

/** The tests that ask the tables of a person, each of which is hash partitions by account. */
export default mergeConfig(base, {
  test: { exclude: [...configDefaults.exclude, ...ASK_FOR_NO_PERSON, ...ABOUT_PLAIN_TABLES] },
});
