/** How far a value that came from outside may go. */
export interface TextLimits {
  /** Objects and arrays inside each other. Nothing that we understand has more than five. */
  readonly depth: number;
  /** Members and elements of all of it. */
  readonly members: number;
}

export interface TextProblem {
  /** The first member on the way, as the sender named it; undefined when the value itself is meant. */
  readonly member: string | undefined;
  /** A sentence that names the member and quotes no value. */
  readonly words: string;
}

const LIMITS: TextLimits = { depth: 20, members: 10_000 };

/** Well-formed Unicode without NUL: what Postgres takes as `text` and inside `jsonb` (RFC 8259 §8.2 on half pairs). */
export function isStorableText(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

/**
 * What is wrong with the texts of a value from outside, at whatever depth and in the names of members too. Walks with a
 * stack of its own, so that no nesting exhausts the real one, and looks at the texts themselves: one that spells `\u0000`
 * in six characters is a text like any other.
 *
 * Asked at the edge for queries, bodies and paths, and wherever text is decoded later: JSON inside a parameter, claims of
 * tokens, what other providers publish.
 */
export function textProblem(value: unknown, limits: TextLimits = LIMITS): TextProblem | undefined {
  if (hasGoodTexts(value, limits)) return undefined;
  const stack: Visit[] = [{ value, depth: 0, path: '', member: undefined }];
  let members = 0;
  for (let visit = stack.pop(); visit !== undefined; visit = stack.pop()) {
    if (typeof visit.value === 'string') {
      const words = problemOf(visit.value);
      if (words !== undefined) return { member: visit.member, words: `${shown(visit.path)} ${words}.` };
    } else if (typeof visit.value === 'object' && visit.value !== null) {
      if (visit.depth >= limits.depth)
        return { member: visit.member, words: `${shown(firstOf(visit.path))} is nested too deep.` };
      const entries = Object.entries(visit.value);
      members += entries.length;
      if (members > limits.members) return { member: visit.member, words: 'The request has too many members.' };
      const bad = entries.find(([name]) => problemOf(name) !== undefined)?.[0];
      if (bad !== undefined)
        return {
          member: visit.member,
          words: `The name of a member${visit.path === '' ? '' : ` of ${shown(visit.path)}`} ${problemOf(bad)}.`,
        };
      stack.push(...visitsOf(visit, entries));
    }
  }
  return undefined;
}

/** It is an object of texts, as nearly every form and query is, and nothing is wrong with them. */
function hasGoodTexts(value: unknown, { depth, members }: TextLimits): boolean {
  if (typeof value !== 'object' || value === null || depth === 0) return false;
  const entries: [string, unknown][] = Object.entries(value);
  return (
    entries.length <= members &&
    entries.every(([name, text]) => typeof text === 'string' && isStorableText(text) && isStorableText(name))
  );
}

interface Visit {
  readonly value: unknown;
  readonly depth: number;
  readonly path: string;
  readonly member: string | undefined;
}

/** In reverse, so that the first one is looked at first. */
function visitsOf(parent: Visit, entries: ReadonlyArray<readonly [string, unknown]>): Visit[] {
  return entries
    .map(([name, value]) => ({
      value,
      depth: parent.depth + 1,
      path: parent.path === '' ? name : `${parent.path}.${name}`.slice(0, 200),
      member: parent.member ?? name,
    }))
    .toReversed();
}

function problemOf(text: string): string | undefined {
  if (text.includes('\0')) return 'contains a NUL character';
  return text.isWellFormed() ? undefined : 'contains half a character (an unpaired surrogate)';
}

function firstOf(path: string): string {
  return path.split('.', 1)[0] ?? '';
}

/** A sender's name for a member goes into an answer only while it is a plain one. */
function shown(path: string): string {
  if (path === '') return 'The request';
  return /^[\w.:/-]{1,100}$/.test(path) ? path : 'A member';
}
