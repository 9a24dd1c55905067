import { commentsOf, privateWords } from './plain-words.js';
import { textsOfTheRepository } from './repository.js';

describe('comments', () => {
  it('of the sources keep to the words of the glossary', () => {
    const sources = textsOfTheRepository().filter(({ path }) => /^src\/.*\.ts$/.test(path));
    expect(sources.length).toBeGreaterThan(300);
    expect(privateWords(sources)).toEqual([]);
  });

  it.each([
    ['// Nobody is told.\n', ['Nobody', 'told']],
    ['/**\n * A page of ours.\n */', ['of ours']],
    ['const a = 1; // whoever calls', ['whoever']],
    ['call("nobody"); // `told` is a column; see {@link told}', []],
    ["const url = 'https://told.example'; const told = /nobody/;", []],
    ['const a = `// owed`;', []],
  ])('are read, and code is not: %j', (content, found) => {
    expect(privateWords([{ path: 'src/x.ts', content }]).map((line) => line.split(': ')[1])).toEqual(found);
  });

  it('are found where they stand', () => {
    expect(privateWords([{ path: 'src/x.ts', content: 'a();\n// b\n/* owed */' }])).toEqual([
      'src/x.ts:3: owed: say pending, is notified',
    ]);
    expect(commentsOf('a(); // b\nc();')).toBe('     // b\n    ');
  });
});
