/**
 * What is no code in SQL: quoted texts and names, comments, dollar-quoted texts (PostgreSQL 18 §4.1). `E'…'` is not used here.
 */
const NO_CODE = String.raw`'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*[\s\S]*?\*/|\$(\w*)\$[\s\S]*?\$\1\$`;
/** A cast or an assignment begins with a colon, too, and is not one of our parameters. */
const TOKEN = new RegExp(`${NO_CODE}|::|:=|:([a-z][A-Za-z0-9]*)`, 'g');
const CTE =
  /(?:^|\bWITH(?:\s+RECURSIVE)?|,)\s*"?(\w+)"?(?:\s*\([\w\s,]*\))?\s+AS\s+(?:(?:NOT\s+)?MATERIALIZED\s+)?\(/gi;

/** The text with each parameter `:name` replaced. Literals, comments, `::casts` and `:=` stay as they are. */
export function replaceParameters(text: string, replace: (name: string) => string): string {
  return text.replace(TOKEN, (whole, _tag: string | undefined, name: string | undefined) =>
    name === undefined ? whole : replace(name),
  );
}

/** The names of the parameters in a text, each once, in the order of their appearance. */
export function parametersIn(text: string): string[] {
  const names = new Set<string>();
  replaceParameters(text, (name) => {
    names.add(name);
    return '';
  });
  return [...names];
}

/** The names of the common table expressions that begin in a text, which may be a part of a `WITH` list. */
export function ctesIn(text: string): string[] {
  const code = text.replace(new RegExp(NO_CODE, 'g'), (literal) => (literal.startsWith('"') ? literal : ' '));
  return [...code.matchAll(CTE)].flatMap(([, name]) => name ?? []);
}

/** Whether a statement writes rows or locks them. One that only calls a function that does is not noticed. */
export function writesOrLocks(text: string): boolean {
  const code = text.replace(new RegExp(NO_CODE, 'g'), ' ');
  return /^\s*LOCK\b|\bINSERT\s+INTO\b|\bDELETE\s+FROM\b|\bUPDATE\b|\bFOR\s+(?:KEY\s+)?SHARE\b/i.test(code);
}

/** Without the indentation that all lines but the first have in common, without blank lines and spaces at ends. */
export function tidy(text: string): string {
  const lines = text.split('\n').map((line) => line.trimEnd());
  const filled = lines.filter((line) => line !== '');
  const indents = filled.slice(filled[0] === lines[0] ? 1 : 0).map((line) => line.length - line.trimStart().length);
  const common = Math.min(...indents, Number.MAX_SAFE_INTEGER);
  return filled.map((line, i) => (i === 0 ? line.trimStart() : line.slice(common))).join('\n');
}

/**
 * A `LIMIT` by a query of its own, for rows that are to be read along an index. A planner that knows the number sorts all rows
 * instead where it expects fewer than that, as it does of tables that were never analyzed.
 */
export function limitAlongIndex(limit: string): string {
  return `LIMIT (SELECT ${limit})`;
}

/**
 * The rows of these lists, side by side: `unnest`, of lists that are queries of their own. A planner that knows how long a list is
 * finds a plan for just this one cheaper than any for all, and so makes a new one for every call, which costs more than the call.
 */
export function listed(...lists: readonly string[]): string {
  return `unnest(${lists.map((list) => `(SELECT ${list})`).join(', ')})`;
}

/** For `column = ${anyOf(':ids')}`: as {@link listed}. */
export function anyOf(list: string): string {
  return `ANY (ARRAY(SELECT unnest(${list})))`;
}
