/** A path of `filter_path` with its head first; undefined is the end: everything from here on is meant. */
type Path = { readonly head: string; readonly rest: Path } | undefined;
type Paths = ReadonlySet<Path>;

/**
 * The parts of an answer that `filter_path` names: a comma-separated list of dotted paths, `*` for any name or part of
 * one, `**` for any depth, `-` before a path that is left out. What is left out goes first.
 *
 * The paths are walked together with the value and each at most once per level, so no list of them is slow.
 */
export function filterByPath(value: object, filterPath: string): object {
  const expressions = filterPath
    .split(',')
    .map((expression) => expression.trim())
    .filter((expression) => expression !== '' && expression !== '-');
  const excluded = expressions.filter((expression) => expression.startsWith('-'));
  const included = expressions.filter((expression) => !expression.startsWith('-'));
  const rest = excluded.length === 0 ? value : without(value, new Set(excluded.map((path) => toPath(path.slice(1)))));
  return (included.length === 0 ? rest : only(rest, new Set(included.map(toPath)))) ?? {};
}

function toPath(expression: string): Path {
  return (
    expression
      .split('.')
      // `**.**` is `**`: the number of ways to match must not grow with it.
      .filter((segment, index, all) => segment !== '**' || all[index - 1] !== '**')
      // At the end `**` says what the end says.
      .filter((segment, index, all) => segment !== '**' || index < all.length - 1)
      .reduceRight<Path>((rest, head) => ({ head, rest }), undefined)
  );
}

function only<T>(value: T, paths: Paths): T | undefined {
  return paths.has(undefined) ? value : mapMembers(value, paths, only, () => undefined);
}

function without<T>(value: T, paths: Paths): T | undefined {
  return paths.has(undefined) ? undefined : mapMembers(value, paths, without, (leaf) => leaf);
}

/** Undefined when nothing is left of an object or array that had something; an empty one is a leaf. Elements of arrays have no name. */
function mapMembers<T>(
  value: T,
  paths: Paths,
  filter: <M>(member: M, paths: Paths) => M | undefined,
  leaf: (value: T) => T | undefined,
): T | undefined {
  if (Array.isArray(value)) {
    const elements = value.map((element: unknown) => filter(element, paths)).filter((element) => element !== undefined);
    if (elements.length > 0) return elements as T;
    return value.length > 0 ? undefined : leaf(value);
  }
  if (typeof value !== 'object' || value === null) return leaf(value);
  const before = Object.entries(value).filter(([, member]) => member !== undefined);
  const members = before
    .map(([name, member]) => [name, filter(member as unknown, descend(paths, name))] as const)
    .filter(([, member]) => member !== undefined);
  if (members.length > 0) return Object.fromEntries(members) as T;
  return before.length > 0 ? undefined : leaf(value);
}

function descend(paths: Paths, name: string): Paths {
  const below = new Set<Path>();
  for (const path of paths) {
    let candidate = path;
    if (candidate?.head === '**') {
      below.add(candidate);
      candidate = candidate.rest;
    }
    if (candidate !== undefined && matches(candidate.head, name)) below.add(candidate.rest);
  }
  return below;
}

/** Whether a name fits a pattern with `*` in it, without the backtracking of a regular expression. */
function matches(pattern: string, name: string): boolean {
  const [first = '', ...parts] = pattern.split('*');
  if (parts.length === 0) return pattern === name;
  const last = parts.pop() ?? '';
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
  let from = first.length;
  for (const part of parts) {
    const found = name.indexOf(part, from);
    if (found < 0) return false;
    from = found + part.length;
  }
  return from <= name.length - last.length;
}
