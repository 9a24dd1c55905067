import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What exists once is used, and not made again (docs/decisions/0049-one-of-each.md). */
describe('the sources', () => {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.spec.ts'))
    .map((name) => join('src', name))
    .map((path) => ({ path, text: readFileSync(path, 'utf8') }));
  const where = (pattern: RegExp, allowed: RegExp): string[] =>
    files.filter(({ path, text }) => pattern.test(text) && !allowed.test(path)).map(({ path }) => path);

  it('are found', () => {
    expect(files.length).toBeGreaterThan(300);
  });

  it('get the time of day from Clock', () => {
    expect(where(/\bnew Date\(\)|\bDate\.now\(\)/, /^src\/platform\/clock\/clock\.ts$/)).toEqual([]);
  });

  it('have durations in one place', () => {
    const defined = /\bconst (SECOND|MINUTE|HOUR|DAY)(_MS)? =|\b60 \* 60 \* 1000\b|\b60 \* 60_000\b/;
    expect(where(defined, /^src\/platform\/clock\/durations\.ts$/)).toEqual([]);
  });

  it('have one decorator for controllers of the operator API', () => {
    expect(where(/@Controller\('admin|@UseGuards\(AdminGuard\)/, /^src\/web\/kit\/admin-controller\.ts$/)).toEqual([]);
  });

  it('leave changes to use cases: only dialects do something of their own in the transaction of a logout', () => {
    const composed = /\b(before|after): (async )?\(tx\b|record\.of\(/;
    expect(where(composed, /^src\/(domain|platform|cli|web\/dialects)\//)).toEqual([]);
  });
});
