import { dirname, normalize } from 'node:path';
import { anchorsOf, withoutFences } from './anchors.js';
import { lineOf, type Text } from './repository.js';

/** What there is to be cited. */
export interface Library {
  /** Whether a file or folder exists, by its path from the root. */
  readonly has: (path: string) => boolean;
  /** The text of a file; undefined when there is none. */
  readonly read: (path: string) => string | undefined;
  /** Numbers of decision records. */
  readonly decisions: ReadonlySet<number>;
  /** Short names of specifications (`docs/specs.md`). */
  readonly specifications: readonly string[];
}

interface Finding {
  readonly index: number;
  readonly problem: string;
}

type Rule = (text: Text, library: Library) => Iterable<Finding>;

/** Citations that lead nowhere, as `path:line: what`. */
export function danglingCitations(texts: readonly Text[], library: Library): string[] {
  return texts.flatMap((text) =>
    RULES.flatMap((rule) =>
      [...rule(text, library)].map(({ index, problem }) => `${text.path}:${lineOf(text.content, index)}: ${problem}`),
    ),
  );
}

/** `| Short name, other name | [Title](address) |` in the tables of `docs/specs.md`. */
export function specificationsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^\| ([^|]+) \| \[/gm)].flatMap(([, names = '']) => names.split(', '));
}

const isMarkdown = (path: string): boolean => path.endsWith('.md');

function anchorProblem(path: string, anchor: string | undefined, library: Library): string | undefined {
  if (!library.has(path)) return `${path} does not exist`;
  if (anchor === undefined || !isMarkdown(path)) return undefined;
  return anchorsOf(library.read(path) ?? '').has(anchor) ? undefined : `${path} has no #${anchor}`;
}

/** `docs/threat-model.md#open-redirect`, in comments and elsewhere. */
const documents: Rule = function* ({ content }, library) {
  for (const { index, 0: cited } of content.matchAll(/(?<![\w/.-])docs\/[\w/.-]+\.md(?:#[\w-]+)?/g)) {
    const [path = '', anchor] = cited.split('#');
    const problem = anchorProblem(path, anchor, library);
    if (problem !== undefined) yield { index, problem };
  }
};

/** `threat-model#open-redirect`, the short form in titles of tests. */
const shortForms: Rule = function* ({ path, content }, library) {
  if (isMarkdown(path)) return;
  for (const { index, 0: cited } of content.matchAll(
    /(?<![\w/.-])(?:threat-model|architecture|wire\/[\w-]+)#[\w-]+/g,
  )) {
    const [name = '', anchor] = cited.split('#');
    const problem = anchorProblem(`docs/${name}.md`, anchor, library);
    if (problem !== undefined) yield { index, problem };
  }
};

/** `[text](relative/path.md#anchor)` in Markdown. Addresses on the web are not looked up. */
const links: Rule = function* ({ path, content }, library) {
  if (!isMarkdown(path)) return;
  for (const { index, 1: target = '' } of withoutInlineCode(withoutFences(content)).matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(target)) continue;
    const [relative = '', anchor] = target.split('#');
    const cited = relative === '' ? path : normalize(`${dirname(path)}/${relative}`).replace(/\/$/, '');
    const problem = anchorProblem(cited, anchor, library);
    if (problem !== undefined) yield { index, problem };
  }
};

/** Inline code keeps its length, so that positions stay. */
function withoutInlineCode(markdown: string): string {
  return markdown.replace(/`[^`\n]*`/g, (code) => ' '.repeat(code.length));
}

/** `` `src/domain/logout` `` in Markdown. A pattern (`*`, `<name>`, `…`) is not a path. */
const paths: Rule = function* ({ path, content }, library) {
  if (!isMarkdown(path)) return;
  for (const { index, 1: cited = '' } of withoutFences(content).matchAll(
    /`((?:src|test|docs|migrations|scripts|demo)\/[\w/.-]*[\w/])`/g,
  ))
    if (!library.has(cited.replace(/\/$/, ''))) yield { index, problem: `${cited} does not exist` };
};

/** `` `LogoutService.logout` (`src/…/logout.service.ts`) `` in Markdown: the file has these names in it. */
const namesInFiles: Rule = function* ({ path, content }, library) {
  if (!isMarkdown(path)) return;
  for (const { index, 1: names = '', 2: file = '' } of content.matchAll(
    /`([A-Za-z_][\w.]*)` \(`((?:src|test)\/[\w/.-]+\.ts)`\)/g,
  )) {
    const source = library.read(file) ?? '';
    for (const name of names.split('.'))
      if (!new RegExp(`\\b${name}\\b`).test(source)) yield { index, problem: `${file} has no ${name}` };
  }
};

/** `decision 33`, `decisions 7 and 18`. */
const decisions: Rule = function* ({ content }, library) {
  for (const { index, 1: numbers = '' } of content.matchAll(/\bdecisions? ((?:\d+(?:, | and )?)+)/gi))
    for (const number of numbers.match(/\d+/g) ?? [])
      if (!library.decisions.has(Number(number))) yield { index, problem: `there is no decision ${number}` };
};

/** `RFC 8252`: each is listed, with or without a section. */
const requestsForComments: Rule = function* ({ content }, { specifications }) {
  for (const { index, 0: cited } of content.matchAll(/\bRFC \d{4}\b/g))
    if (!specifications.includes(cited)) yield { index, problem: `${cited} is not in docs/specs.md` };
};

/** `Core §5.4`: what stands before a section is listed. `§5.4` alone belongs to a specification that the file names. */
const sections: Rule = function* ({ path, content }, { specifications }) {
  if (path === 'docs/specs.md') return;
  const text = content
    .replace(/\n[ \t]*(?:\*|\/\/)?[ \t]*/g, (gap) => ' '.repeat(gap.length))
    .replace(/\]\([^)]*\)/g, (link) => ' '.repeat(link.length));
  const named = specifications.some((name) => text.includes(name));
  for (const { index, 1: before = '' } of text.matchAll(/([^§]{0,80})§/g)) {
    const at = index + before.length;
    const words = before.replace(/\s+/g, ' ').trimEnd();
    if (specifications.some((name) => words.endsWith(name))) continue;
    const last = /(\S+)$/.exec(words)?.[1] ?? '';
    if (/^\(?[A-Z0-9][\w.-]*$/.test(last) && !/^[(\d]/.test(last))
      yield { index: at, problem: `${last} is not in docs/specs.md` };
    else if (!named) yield { index: at, problem: 'a section of no specification' };
  }
};

/** Documents that were never here, as they used to be cited. */
const NEVER_HERE =
  /abuse cases? A?\d|(?<![\w/-])(?:wire|house|style|stack|people|scale|design|performance|conformance|abuse-cases|requirements)\.md\b|\bdesign §|\bstyle §|\brequirements? [A-Z]\.\d|\bpains? \d|(?<=[(,;] ?)A\d{1,2}(?=[,;)])|\.\.\/shared\b/gi;

const absent: Rule = function* ({ content }) {
  for (const { index, 0: cited } of content.matchAll(NEVER_HERE))
    yield { index, problem: `${cited} is of no document in the repository` };
};

const RULES: readonly Rule[] = [
  documents,
  shortForms,
  links,
  paths,
  namesInFiles,
  decisions,
  requestsForComments,
  sections,
  absent,
];
