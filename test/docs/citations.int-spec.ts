import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { danglingCitations, specificationsOf, type Library } from './citations.js';
import { textsOfTheRepository } from './repository.js';

const LIBRARY: Library = {
  has: existsSync,
  read: (path) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined),
  decisions: new Set(readdirSync('docs/decisions').map((name) => Number.parseInt(name, 10))),
  specifications: specificationsOf(readFileSync('docs/specs.md', 'utf8')),
};

describe('citations', () => {
  it('lead to something that exists, in every source, test and document', () => {
    const texts = textsOfTheRepository();
    expect(texts.length).toBeGreaterThan(500);
    expect(danglingCitations(texts, LIBRARY)).toEqual([]);
  });

  it('of specifications are listed with an address', () => {
    expect(LIBRARY.specifications).toEqual(expect.arrayContaining(['Core', 'Back-Channel Logout 1.0', 'RFC 6749']));
  });

  /** A repository of three documents, one decision and two specifications. */
  const SMALL: Library = {
    has: (path) => ['docs', 'docs/a.md', 'docs/threat-model.md', 'src/b', 'src/b/c.ts', 'README.md'].includes(path),
    read: (path) =>
      path === 'docs/threat-model.md' ? '# Threats\n\n### Open redirect\n' : '# A\n\n<a id="field"></a>\n',
    decisions: new Set([7]),
    specifications: ['Core', 'RFC 6749'],
  };

  it.each([
    ['a document', 'src/x.ts', '// docs/a.md#field, docs/threat-model.md#open-redirect'],
    ['the short form', 'test/x.ts', "it('a (threat-model#open-redirect)')"],
    ['a link', 'docs/b.md', '[a](a.md#field), [r](../README.md), [w](https://example.org/x.md#y), [here](#top)\n# Top'],
    ['a path', 'docs/b.md', '`src/b`, `src/<name>/`, `src/*/x.ts`'],
    ['a name in a file', 'docs/b.md', '`field` (`src/b/c.ts`)'],
    ['a decision', 'src/x.ts', '// decision 7'],
    ['a specification', 'src/x.ts', '// RFC 6749 §4.1, §5; Core\n * §3.1'],
    ['a link in code', 'docs/b.md', '```\n[x](nowhere.md)\n```\n`[x](nowhere.md)`'],
  ])('%s that is there is let through', (_what, path, content) => {
    const library = {
      ...SMALL,
      read: (read: string) => (read === path ? content : SMALL.read(read)),
      has: (has: string) => has === path || SMALL.has(has),
    };
    expect(danglingCitations([{ path, content }], library)).toEqual([]);
  });

  it.each([
    ['a document that is missing', 'src/x.ts', '\n// docs/nowhere.md', 'src/x.ts:2: docs/nowhere.md does not exist'],
    ['an anchor that is missing', 'src/x.ts', '// docs/a.md#other', 'src/x.ts:1: docs/a.md has no #other'],
    ['a short form', 'test/x.ts', "it('(threat-model#x)')", 'test/x.ts:1: docs/threat-model.md has no #x'],
    ['a relative link', 'docs/b.md', '[x](decisions/1.md)', 'docs/b.md:1: docs/decisions/1.md does not exist'],
    ['an anchor of a link', 'docs/b.md', '[x](a.md#other)', 'docs/b.md:1: docs/a.md has no #other'],
    ['a path', 'docs/b.md', '`src/c/d.ts`', 'docs/b.md:1: src/c/d.ts does not exist'],
    ['a name in a file', 'docs/b.md', '`other.field` (`src/b/c.ts`)', 'docs/b.md:1: src/b/c.ts has no other'],
    ['a decision', 'src/x.ts', '// decisions 7 and 8', 'src/x.ts:1: there is no decision 8'],
    ['an RFC', 'src/x.ts', '// RFC 9999', 'src/x.ts:1: RFC 9999 is not in docs/specs.md'],
    ['another specification', 'src/x.ts', '// FAPI §5', 'src/x.ts:1: FAPI is not in docs/specs.md'],
    ['a section of nothing', 'src/x.ts', '// as it says (§5)', 'src/x.ts:1: a section of no specification'],
    ['a case by number', 'src/x.ts', '// (abuse case A12)', 'src/x.ts:1: abuse case A1 is of no document'],
    ['a case by number alone', 'test/x.ts', "it('a script (A10)')", 'test/x.ts:1: A10 is of no document'],
    ['an absent document', 'src/x.ts', '// wire.md C.2', 'src/x.ts:1: wire.md is of no document'],
    ['a section of an absent one', 'src/x.ts', '// Core; design §8', 'src/x.ts:1: design § is of no document'],
    ['a requirement', 'src/x.ts', '// requirement C.11', 'src/x.ts:1: requirement C.1 is of no document'],
  ])('%s is found', (_what, path, content, problem) => {
    expect(danglingCitations([{ path, content }], SMALL).join('\n')).toContain(problem);
  });
});
