import pg from 'pg';
import type { TestDatabase } from './database.js';

/**
 * The tables of a person: each can be partitioned by the account. A line for a table is all that it needs, provided that its
 * keys, unique indexes and foreign keys name the account. {@link tablesKeyedByAccount} says whether one is missing.
 */
export const PERSON_TABLES = [
  'consents',
  'grants',
  'opaque_access_tokens',
  'revoked_access_tokens',
  'session_clients',
  'session_upstreams',
  'sessions',
];

interface TableShape {
  readonly name: string;
  readonly constraints: readonly NamedDefinition[];
  readonly indexes: readonly NamedDefinition[];
  readonly options: readonly string[];
}

interface NamedDefinition {
  readonly name: string;
  readonly definition: string;
}

/** Foreign keys last: both ends must be there. */
const CONSTRAINTS = `
  SELECT conname AS name, pg_get_constraintdef(oid) AS definition FROM pg_constraint
   WHERE conrelid = $1::regclass AND contype IN ('p', 'u', 'c', 'f') ORDER BY contype = 'f', conname`;
const INDEXES = `
  SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition FROM pg_index i
   WHERE i.indrelid = $1::regclass AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u'))
   ORDER BY 1`;
const REFERENCES = `
  SELECT conrelid::regclass::text AS table, conname AS name, pg_get_constraintdef(oid) AS definition FROM pg_constraint
   WHERE contype = 'f' AND confrelid = ANY ($1::regclass[]) AND NOT conrelid = ANY ($1::regclass[])`;
const KEYED_BY_ACCOUNT = `
  SELECT c.relname AS name FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid JOIN pg_attribute a ON a.attrelid = c.oid
   WHERE c.relnamespace = 'public'::regnamespace AND NOT c.relispartition AND i.indisprimary
     AND a.attnum = i.indkey[0] AND a.attname = 'account_id' ORDER BY 1`;

/**
 * Makes each of {@link PERSON_TABLES} of a migrated, empty database a table of `count` hash partitions, from the catalog:
 * columns, keys, indexes, checks and foreign keys by the names that they have.
 *
 * @throws where Postgres refuses one of them, as it does when a unique key does not name the account
 */
export async function partition(url: string, count: number): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('BEGIN');
    const shapes: TableShape[] = [];
    for (const name of PERSON_TABLES) shapes.push(await shapeOf(client, name));
    const { rows: references } = await client.query<NamedDefinition & { table: string }>(REFERENCES, [PERSON_TABLES]);
    for (const { name } of shapes) await client.query(`ALTER TABLE "${name}" RENAME TO "plain_${name}"`);
    for (const shape of shapes) await makePartitioned(client, shape, count);
    // Takes the names of its indexes along, and what refers to it.
    for (const { name } of shapes) await client.query(`DROP TABLE "plain_${name}" CASCADE`);
    for (const { name, constraints, indexes } of shapes) {
      for (const { definition } of indexes) await client.query(definition);
      for (const constraint of constraints) if (!isForeign(constraint)) await add(client, name, constraint);
    }
    for (const { name, constraints } of shapes)
      for (const constraint of constraints) if (isForeign(constraint)) await add(client, name, constraint);
    for (const reference of references) await add(client, reference.table, reference);
    await client.query('COMMIT');
  } finally {
    await client.end();
  }
}

/** The tables whose key begins with the account, by the catalog. */
export async function tablesKeyedByAccount(db: Pick<TestDatabase, 'query'>): Promise<string[]> {
  const tables = await db.query<{ name: string }>(KEYED_BY_ACCOUNT);
  return tables.map(({ name }) => name);
}

async function shapeOf(client: pg.Client, name: string): Promise<TableShape> {
  const constraints = await client.query<NamedDefinition>(CONSTRAINTS, [name]);
  const indexes = await client.query<NamedDefinition>(INDEXES, [name]);
  const options = await client.query<{ options: string[] | null }>(
    'SELECT reloptions AS options FROM pg_class WHERE oid = $1::regclass',
    [name],
  );
  return { name, constraints: constraints.rows, indexes: indexes.rows, options: options.rows[0]?.options ?? [] };
}

async function makePartitioned(client: pg.Client, { name, options }: TableShape, count: number): Promise<void> {
  await client.query(
    `CREATE TABLE "${name}" (LIKE "plain_${name}" INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING STORAGE)
       PARTITION BY HASH (account_id)`,
  );
  for (let at = 0; at < count; at += 1)
    await client.query(
      `CREATE TABLE "${name}_${at}" PARTITION OF "${name}" FOR VALUES WITH (MODULUS ${count}, REMAINDER ${at})
         ${options.length > 0 ? `WITH (${options.join(', ')})` : ''}`,
    );
}

const isForeign = ({ definition }: NamedDefinition): boolean => definition.startsWith('FOREIGN KEY');

async function add(client: pg.Client, table: string, { name, definition }: NamedDefinition): Promise<void> {
  await client.query(`ALTER TABLE "${table}" ADD CONSTRAINT "${name}" ${definition}`);
}
