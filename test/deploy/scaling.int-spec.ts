import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';

describe('docs/scaling.md', () => {
  const statements = new Set(
    readdirSync('docs/sql', { recursive: true }).map((path) => basename(String(path), '.sql')),
  );
  const [, table = ''] = readFileSync('docs/scaling.md', 'utf8').split('\n| Class of statement |');

  it('names only statements that there are', () => {
    const columns = (table.split('\n\n')[0] ?? '').split('\n').map((row) => row.split('|')[2] ?? '');
    const named = columns.flatMap((column) =>
      [...column.matchAll(/`([a-z]+_[a-z_-]+)`/g)].map(([, name]) => name ?? ''),
    );
    expect(named.length).toBeGreaterThan(40);
    expect(named.filter((name) => !statements.has(name))).toEqual([]);
  });
});
