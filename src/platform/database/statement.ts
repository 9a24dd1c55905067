import { ctesIn, parametersIn, replaceParameters, writesOrLocks } from './sql-text.js';
import { sqlTypeOf, type Columns, type ColumnsRow, type Parameters, type ValuesOf } from './sql-types.js';

export { typed, type ValuesOf } from './sql-types.js';

/**
 * One SQL statement with a name, named and typed parameters and typed rows. It is prepared once per connection under its
 * name, so that Postgres does not parse and plan the long statements of the hot paths at every call. `npm run sql:check`
 * prepares every one against the schema and compares what Postgres says of it with what is declared.
 */
export interface Statement<Values, Row> {
  readonly name: string;
  /** As it goes to Postgres: `:now` is `$3::timestamptz`. */
  readonly text: string;
  /** As it was written, composed. */
  readonly source: string;
  readonly parameters: Parameters;
  readonly row: Columns;
  readonly plannedAnew: boolean;
  /** What it writes is answered "it is over": its commit waits for the replication that LOGOUT_DURABILITY asks for. */
  readonly ends: boolean;
  /** It writes or locks, so that a standby refuses it (25006). */
  readonly writes: boolean;
  /** The values in the order of the parameters' numbers, JSON as text. */
  readonly bind: (values: Values) => unknown[];
  readonly [returns]?: Row;
}
declare const returns: unique symbol;

/** A row that a statement returns, by the statement or by its columns. */
export type RowOf<T> = T extends Statement<never, infer Row> ? Row : T extends Columns ? ColumnsRow<T> : never;

/** What one owner puts into another's statement: common table expressions, or a part of one. */
export interface Fragment {
  /** Names of common table expressions that come before it. */
  readonly needs: readonly string[];
  /** Names of those that it adds, each of them. */
  readonly gives: readonly string[];
  /** The statement that it is put into declares these, with the same types. */
  readonly parameters: Parameters;
  readonly sql: Sql;
}

/** SQL that is put together from constant texts and fragments. Never from anything that came from outside. */
export interface Sql {
  readonly parts: readonly (string | Fragment)[];
}

export class StatementError extends Error {}

/**
 * Text with fragments in it. A plain string is a piece of SQL as it is, such as a condition about an alias.
 */
export function sql(texts: TemplateStringsArray, ...inserted: readonly (string | number | Fragment | Sql)[]): Sql {
  const parts: (string | Fragment)[] = [];
  const add = (part: string | Fragment): void => {
    const last = parts.at(-1);
    // One piece, so that a literal that begins in one and ends in another is read as a whole.
    if (typeof part === 'string' && typeof last === 'string') parts[parts.length - 1] = last + part;
    else parts.push(part);
  };
  for (const [i, text] of texts.entries()) {
    add(text);
    const part = inserted[i];
    if (part === undefined) continue;
    if (typeof part === 'object' && 'parts' in part) part.parts.forEach(add);
    else add(typeof part === 'number' ? String(part) : part);
  }
  return { parts };
}

/** @throws StatementError if it declares a parameter that it does not use */
export function fragment(declared: {
  readonly needs?: readonly string[];
  readonly gives?: readonly string[];
  readonly parameters?: Parameters;
  readonly text: string | Sql;
}): Fragment {
  const { needs = [], gives = [], parameters = {}, text } = declared;
  const made: Fragment = { needs, gives, parameters, sql: typeof text === 'string' ? { parts: [text] } : text };
  const used = parametersIn(textOf(made.sql));
  for (const name of Object.keys(parameters))
    if (!used.includes(name)) throw new StatementError(`${nameOf(made)} declares :${name} and does not use it`);
  return made;
}

interface Declared<P, C> {
  readonly name: string;
  readonly parameters?: P;
  readonly row?: C;
  readonly text: string | Sql;
  readonly plannedAnew?: boolean;
  readonly ends?: true;
}

const statements = new Map<string, { readonly statement: Statement<never, unknown>; readonly declared: Error }>();

/**
 * Declares a statement. In its text `:name` is a parameter, and gets the type that `parameters` says by a cast; write
 * none. `row` names every column that it returns. `plannedAnew` is for one that is not called often and whose best plan
 * hangs on the values: it is not prepared. `ends` is for one that ends something or takes something away, so that its answer may be
 * relied on (docs/decisions/0059-endings-that-outlast-a-failover.md); a test finds those without it.
 *
 * @throws StatementError if the name is taken (two texts under one name would answer each other's calls), a parameter is
 *   declared and unused, used and undeclared or of two types, or a fragment does not find what it needs
 */
export function statement<const P extends Parameters = {}, const C extends Columns = {}>(
  declared: Declared<P, C>,
): Statement<ValuesOf<P>, ColumnsRow<C>>;
export function statement(declared: Declared<Parameters, Columns>): Statement<never, unknown> {
  const { name, parameters = {}, row = {}, text, plannedAnew = false, ends = false } = declared;
  if (statements.has(name)) throw new StatementError(`two SQL statements are named ${name}`);
  try {
    const source = compose(typeof text === 'string' ? { parts: [text] } : text, parameters);
    const made = {
      name,
      source,
      parameters,
      row,
      plannedAnew,
      ends,
      writes: writesOrLocks(source),
      text: compile(source, parameters),
      bind: binderOf(parameters),
    };
    statements.set(name, { statement: made, declared: new Error('declared here') });
    return made;
  } catch (error) {
    throw new StatementError(`SQL statement ${name}: ${(error as Error).message}`);
  }
}

/** Every statement of the modules that were loaded, with an error whose stack says where it was declared. */
export function declaredStatements(): { readonly statement: Statement<never, unknown>; readonly declared: Error }[] {
  return [...statements.values()];
}

/** The whole text. Follows the common table expressions as they come, and checks each fragment against them. */
function compose(written: Sql, parameters: Parameters): string {
  const given = new Set<string>();
  const give = (name: string): void => {
    if (given.has(name)) throw new StatementError(`"${name}" is given twice`);
    given.add(name);
  };
  const add = (part: string | Fragment): string => {
    if (typeof part !== 'string') return addFragment(part);
    for (const name of ctesIn(part)) give(name);
    return part;
  };
  const addFragment = (part: Fragment): string => {
    for (const name of part.needs)
      if (!given.has(name)) throw new StatementError(`${nameOf(part)} needs "${name}", which nothing before it gives`);
    for (const [name, type] of Object.entries(part.parameters)) checkParameter(part, name, type, parameters);
    const before = new Set(given);
    const text = part.sql.parts.map(add).join('');
    const added = [...given].filter((name) => !before.has(name));
    const wrong = [...added, ...part.gives].find((name) => !added.includes(name) || !part.gives.includes(name));
    if (wrong !== undefined)
      throw new StatementError(`${nameOf(part)} and its text do not agree on whether it gives "${wrong}"`);
    return text;
  };
  return written.parts.map(add).join('');
}

function checkParameter(part: Fragment, name: string, type: Parameters[string], parameters: Parameters): void {
  const declared = parameters[name];
  if (declared === undefined) throw new StatementError(`${nameOf(part)} takes :${name}, which is not declared`);
  const [here, there] = [sqlTypeOf(type).name, sqlTypeOf(declared).name];
  if (here !== there) throw new StatementError(`:${name} is ${there}, and ${here} for ${nameOf(part)}`);
}

function nameOf({ gives, sql: text }: Fragment): string {
  return gives.length > 0 ? `the fragment that gives ${gives.join(', ')}` : `the fragment "${textOf(text).trim()}"`;
}

function textOf({ parts }: Sql): string {
  return parts.map((part) => (typeof part === 'string' ? part : textOf(part.sql))).join('');
}

function compile(source: string, parameters: Parameters): string {
  const places = new Map(Object.entries(parameters).map(([name, type], i) => [name, { at: i + 1, type }]));
  const unused = new Set(places.keys());
  const text = replaceParameters(source, (name) => {
    const place = places.get(name);
    if (place === undefined) throw new StatementError(`:${name} is not declared`);
    unused.delete(name);
    return `$${place.at}::${sqlTypeOf(place.type).name}`;
  });
  const [first] = unused;
  if (first !== undefined) throw new StatementError(`:${first} is declared and not used`);
  return text;
}

function binderOf(parameters: Parameters): (values: never) => unknown[] {
  const places = Object.entries(parameters).map(([name, type]) => ({
    name,
    json: /^jsonb?$/.test(sqlTypeOf(type).name),
  }));
  return (values: Readonly<Record<string, unknown>>) =>
    places.map(({ name, json }) => {
      const value = values[name];
      return json && value !== null && value !== undefined ? JSON.stringify(value) : value;
    });
}

/** Whatever can run a {@link Statement}: the pool (one round trip, a transaction of its own) or a transaction. */
export interface Queryable {
  query<Values, Row>(statement: Statement<Values, Row>, values: NoInfer<Values>): Promise<Row[]>;
}
