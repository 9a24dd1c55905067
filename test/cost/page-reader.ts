import { createRequire } from 'node:module';
import type { ClientBase, QueryConfig } from 'pg';

/** How `pg` writes a value; it comes without types. */
const { prepareValue } = createRequire(import.meta.url)('pg/lib/utils.js') as {
  readonly prepareValue: (value: unknown) => unknown;
};

/** What one statement read, and how. */
export interface Reading {
  readonly name: string;
  readonly values: readonly unknown[];
  /** Pages of tables and indexes that it asked for, triggers included. */
  readonly pages: number;
  readonly pagesBy: Readonly<Record<string, number>>;
  /** Tables that it scanned from end to end, and indexes that it looked things up in. */
  readonly scans: readonly string[];
  /** As it was run. */
  readonly plan: PlanNode;
}

type Query = (this: unknown, ...args: unknown[]) => unknown;
type Run = (text: string) => Promise<{ rows: Record<string, unknown>[] }>;

/** A node as `EXPLAIN (FORMAT JSON)` shows it. */
export interface PlanNode {
  readonly 'Node Type': string;
  /** How often it was run; 0: never. Not there without `ANALYZE`. */
  readonly 'Actual Loops'?: number;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly Plans?: readonly PlanNode[];
}

const PAGES = `SELECT c.relname AS name, pg_stat_get_xact_blocks_fetched(c.oid)::int AS pages FROM pg_class c
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'i') AND pg_stat_get_xact_blocks_fetched(c.oid) > 0`;

/**
 * Runs each named statement that this process sends to Postgres twice: first in a savepoint that is rolled back, with the
 * plan that the connection has kept for it, and counts the pages. A statement that the connection has not planned before is
 * left alone, so that the reading is always of a kept plan.
 */
export class PageReader {
  private readings: Reading[] | undefined;
  private readonly original: Query;
  private readonly inTransaction = new WeakSet<object>();
  readonly errors: unknown[] = [];

  constructor(private readonly prototype: { query: Query }) {
    this.original = prototype.query;
    const { original } = this;
    const read = this.read.bind(this);
    const follow = this.follow.bind(this);
    prototype.query = function (this: unknown, ...args: unknown[]) {
      const client = this as ClientBase;
      const pending = read(client, args[0]);
      if (pending === undefined) {
        follow(client, args[0]);
        return original.apply(client, args);
      }
      return pending.then(() => original.apply(client, args));
    };
  }

  restore(): void {
    this.prototype.query = this.original;
  }

  async during(work: () => Promise<unknown>): Promise<Reading[]> {
    const readings: Reading[] = [];
    this.readings = readings;
    await work();
    this.readings = undefined;
    return readings;
  }

  private follow(client: ClientBase, query: unknown): void {
    const text = typeof query === 'string' ? query : ((query as { text?: string } | undefined)?.text ?? '');
    if (/^\s*(BEGIN|START TRANSACTION)/i.test(text)) this.inTransaction.add(client);
    if (/^\s*(COMMIT|ROLLBACK\s*$)/i.test(text)) this.inTransaction.delete(client);
  }

  private read(client: ClientBase, query: unknown): Promise<void> | undefined {
    const { name, values = [] } = (typeof query === 'object' ? query : {}) as QueryConfig;
    if (this.readings === undefined || name === undefined || !isPlanned(client, name)) return undefined;
    const run: Run = (text) => this.original.call(client, text) as ReturnType<Run>;
    const { readings } = this;
    return this.readInside(run, client, name, values).then(
      (reading) => void readings.push(reading),
      (error: unknown) => void this.errors.push(error),
    );
  }

  private async readInside(run: Run, client: ClientBase, name: string, values: unknown[]): Promise<Reading> {
    const within = this.inTransaction.has(client);
    await run(within ? 'SAVEPOINT reading' : 'BEGIN');
    try {
      const before = pagesOf(await run(PAGES));
      const literals = values.map(literalOf);
      const call = `EXECUTE ${client.escapeIdentifier(name)}${literals.length > 0 ? `(${literals.join(', ')})` : ''}`;
      const { rows } = await run(`EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) ${call}`);
      const after = pagesOf(await run(PAGES));
      const [explained] = (rows[0]?.['QUERY PLAN'] ?? []) as { readonly Plan: PlanNode }[];
      if (explained === undefined) throw new Error(`no plan of ${name}`);
      return readingOf(name, values, before, after, explained.Plan);
    } finally {
      await run(within ? 'ROLLBACK TO SAVEPOINT reading' : 'ROLLBACK');
    }
  }
}

function isPlanned(client: ClientBase, name: string): boolean {
  const { connection } = client as unknown as { readonly connection: { readonly parsedStatements: object } };
  return name in connection.parsedStatements;
}

/** A value as `pg` sends it, for SQL text. */
export function literalOf(value: unknown): string {
  const prepared = prepareValue(value);
  if (prepared === null) return 'NULL';
  const text = Buffer.isBuffer(prepared) ? `\\x${prepared.toString('hex')}` : (prepared as string);
  return `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

function pagesOf({ rows }: { rows: Record<string, unknown>[] }): Map<string, number> {
  return new Map(rows.map(({ name, pages }) => [String(name), Number(pages)]));
}

function readingOf(
  name: string,
  values: readonly unknown[],
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
  plan: PlanNode,
): Reading {
  const pagesBy = Object.fromEntries(
    [...after].map(([relation, n]) => [relation, n - (before.get(relation) ?? 0)] as const).filter(([, n]) => n > 0),
  );
  const pages = Object.values(pagesBy).reduce((sum, n) => sum + n, 0);
  return { name, values, pages, pagesBy, scans: [...new Set(scansOf(plan))], plan };
}

function scansOf(node: PlanNode): string[] {
  const own =
    node['Index Name'] === undefined && node['Node Type'] === 'Seq Scan'
      ? [`${node['Relation Name']} (whole table)`]
      : node['Index Name'] === undefined
        ? []
        : [node['Index Name']];
  return [...own, ...(node.Plans ?? []).flatMap(scansOf)];
}
