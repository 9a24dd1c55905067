// Figures of the sources, to be written down before and after a change of their shape: `npm run figures [-- folder]`.
// Long files, constructors with many dependencies, the size of functions, the longest chain of imports, and arrows
// between folders and storeys.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const LONG_FILE = 300;
const MANY_DEPENDENCIES = 6;

const root = resolve(process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url)));
const source = join(root, 'src');
const say = (line = '') => void process.stdout.write(`${line}\n`);

/** @type {{ path: string, lines: number, tree: ts.SourceFile }[]} */
const files = readdirSync(source, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !/\.(spec|d)\.ts$/.test(entry.name))
  .map((entry) => join(entry.parentPath, entry.name))
  .sort()
  .map((path) => {
    const text = readFileSync(path, 'utf8');
    const lines = text.trimEnd().split('\n').length;
    return { path, lines, tree: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true) };
  });
const name = (path) => relative(source, path);

function* nodesOf(node) {
  yield node;
  for (const child of node.getChildren()) yield* nodesOf(child);
}

/** @param {number[]} values */
function quantile(values, q) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
}

function printLongFiles() {
  const long = files.filter(({ lines }) => lines > LONG_FILE).toSorted((a, b) => b.lines - a.lines);
  say(`Files: ${files.length}, lines: ${files.reduce((sum, { lines }) => sum + lines, 0)}`);
  say(`Files over ${LONG_FILE} lines: ${long.length}`);
  for (const { path, lines } of long) say(`  ${lines}  ${name(path)}`);
}

function printConstructors() {
  const large = files
    .flatMap(({ path, tree }) => [...nodesOf(tree)].filter(ts.isConstructorDeclaration).map((node) => ({ path, node })))
    .filter(({ node }) => node.parameters.length > MANY_DEPENDENCIES)
    .toSorted((a, b) => b.node.parameters.length - a.node.parameters.length);
  say(`Constructors of more than ${MANY_DEPENDENCIES} dependencies: ${large.length}`);
  for (const { path, node } of large)
    say(`  ${node.parameters.length}  ${node.parent.name?.text ?? 'a class'} (${name(path)})`);
}

function printFunctions() {
  const sizes = files.flatMap(({ tree }) =>
    [...nodesOf(tree)]
      .filter((node) => ts.isFunctionLike(node) && node.body !== undefined && ts.isBlock(node.body))
      .map((node) => lineOf(tree, node.end) - lineOf(tree, node.getStart()) + 1),
  );
  say(`Functions with a body: ${sizes.length}`);
  say(`  lines: median ${quantile(sizes, 0.5)}, p90 ${quantile(sizes, 0.9)}, longest ${Math.max(...sizes)}`);
}

const lineOf = (tree, position) => tree.getLineAndCharacterOfPosition(position).line;

/** What each file imports of the sources. @returns {Map<string, Set<string>>} */
function importsOf({ typeOnly }) {
  return new Map(
    files.map(({ path, tree }) => {
      const targets = tree.statements
        .filter((node) => ts.isImportDeclaration(node) || ts.isExportDeclaration(node))
        .filter((node) => node.moduleSpecifier?.text.startsWith('.') && (typeOnly || !isTypeOnly(node)))
        .map((node) => resolve(dirname(path), node.moduleSpecifier.text.replace(/\.js$/, '.ts')))
        .filter((target) => target.startsWith(source) && existsSync(target));
      return [path, new Set(targets)];
    }),
  );
}

/** Whether nothing of it is left at run time. */
function isTypeOnly(node) {
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  const clause = node.importClause;
  if (clause === undefined) return false;
  if (clause.isTypeOnly) return true;
  const named = clause.namedBindings;
  return clause.name === undefined && named !== undefined && ts.isNamedImports(named)
    ? named.elements.every((element) => element.isTypeOnly)
    : false;
}

/** The longest way through the imports. A file that is being followed already is not entered again. */
function longestChain(imports) {
  const best = new Map();
  const follow = (path, onTheWay) => {
    const known = best.get(path);
    if (known !== undefined) return known;
    let longest = [];
    for (const target of imports.get(path) ?? []) {
      if (onTheWay.has(target)) continue;
      const chain = follow(target, new Set([...onTheWay, target]));
      if (chain.length > longest.length) longest = chain;
    }
    const chain = [path, ...longest];
    best.set(path, chain);
    return chain;
  };
  return [...imports.keys()]
    .map((path) => follow(path, new Set([path])))
    .reduce((longest, chain) => (chain.length > longest.length ? chain : longest), []);
}

function printChain(words, imports) {
  const chain = longestChain(imports);
  say(`Longest chain of imports, ${words}: ${chain.length} files`);
  for (const path of chain) say(`  ${name(path)}`);
}

/** Pairs of places of which one imports from the other. */
function arrowsBetween(imports, placeOf) {
  const arrows = new Map();
  for (const [from, targets] of imports) {
    for (const to of targets) {
      const [a, b] = [placeOf(from), placeOf(to)];
      if (a !== b) arrows.set(`${a} → ${b}`, (arrows.get(`${a} → ${b}`) ?? 0) + 1);
    }
  }
  return arrows;
}

function printArrows(imports) {
  const folder = (path) => name(dirname(path)) || '.';
  const folders = new Set(files.map(({ path }) => folder(path)));
  const between = arrowsBetween(imports, folder);
  say(
    `Folders with files: ${folders.size}; arrows between them: ${between.size} of ${folders.size * (folders.size - 1)}`,
  );
  const mutual = [...between.keys()].filter((arrow) => between.has(arrow.split(' → ').toReversed().join(' → ')));
  say(`  in both directions: ${mutual.length / 2}`);
  for (const arrow of mutual.filter((key) => key < key.split(' → ').toReversed().join(' → '))) say(`    ${arrow}`);
  say('Arrows between storeys (folders at the top):');
  const storeys = arrowsBetween(imports, (path) => (name(path).includes('/') ? name(path).split('/')[0] : '.'));
  for (const [arrow, count] of [...storeys].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    say(`  ${arrow}: ${count} imports`);
}

const all = importsOf({ typeOnly: true });
printLongFiles();
say();
printConstructors();
say();
printFunctions();
say();
printChain('with those of types', all);
printChain('at run time', importsOf({ typeOnly: false }));
say();
printArrows(all);
