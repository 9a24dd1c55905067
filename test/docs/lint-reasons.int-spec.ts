import { readFileSync } from 'node:fs';
import { textsOfTheRepository } from './repository.js';

describe('rules of the linter', () => {
  it('that are off have the reason beside them', () => {
    const lines = readFileSync('.oxlintrc.json', 'utf8').split('\n');
    const off = lines.flatMap((line, at) => (/: "off"/.test(line) ? [at] : []));
    expect(off.length).toBeGreaterThan(0);
    const bare = off.filter((at) => !/^\s*\/\/ \S/.test(lines[at - 1] ?? '') && !/\/\/ \S/.test(lines[at - 2] ?? ''));
    expect(bare.map((at) => lines[at])).toEqual([]);
  });

  it('are switched off in a source only with a reason', () => {
    const bare = /lint-disable(?:-next-line|-line)? (?!.* -- \S)/;
    expect('// oxlint-disable-next-line no-console').toMatch(bare);
    const texts = textsOfTheRepository().filter(({ path }) => /\.(ts|mjs|cjs)$/.test(path));
    const lines = texts.flatMap(({ path, content }) => content.split('\n').map((line) => `${path}: ${line.trim()}`));
    expect(lines.filter((line) => /lint-disable/.test(line)).length).toBeGreaterThan(3);
    expect(lines.filter((line) => bare.test(line))).toEqual([]);
  });
});
