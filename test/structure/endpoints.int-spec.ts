import { PATHS } from '../../src/platform/oidc/endpoints.js';
import { sources } from './sources.js';

const TABLE = 'src/platform/oidc/endpoints.ts';

describe('the table of endpoints (src/platform/oidc/endpoints.ts)', () => {
  it.each(Object.values(PATHS).filter((path) => path !== '/'))('%s stands in it alone', (path) => {
    // As a whole text, or the beginning of one. A path between backticks is a word in a description.
    const escaped = path.replaceAll('.', '\\.');
    const literal = new RegExp(`['"]${escaped}['"/?]|\\}${escaped}[\`/?]|\`${escaped}[/?]`);
    const found = sources()
      .filter((source) => source.path !== TABLE)
      .flatMap(({ path: file, lines }) =>
        lines.flatMap((line, at) => (literal.test(line) && !isProse(line) ? [`${file}:${at + 1}`] : [])),
      );
    expect(found).toEqual([]);
  });

  it('has no path twice', () => {
    expect(new Set(Object.values(PATHS)).size).toBe(Object.values(PATHS).length);
  });
});

/** Comments and descriptions of the API quote paths in backticks, and imports name files. */
function isProse(line: string): boolean {
  return /^\s*(\*|\/\/|\/\*\*)|\b(description|summary)\b|^import /.test(line);
}
