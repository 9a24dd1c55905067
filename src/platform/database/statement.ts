/**
 * One SQL statement with a name. It is prepared once per connection under that name, so that Postgres does not parse
 * and plan the long statements of the hot paths at every call.
 */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

const names = new Set<string>();

/** Declares a statement. @throws if the name is taken: two texts under one name would answer each other's calls. */
export function statement(name: string, text: string): Statement {
  if (names.has(name)) throw new Error(`two SQL statements are named ${name}`);
  names.add(name);
  return { name, text };
}

/** Whatever can run a {@link Statement}: the pool (one round trip, a transaction of its own) or a transaction. */
export interface Queryable {
  query<Row>(statement: Statement, values: readonly unknown[]): Promise<Row[]>;
}
