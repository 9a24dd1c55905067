import pg from 'pg';
import { statement, typed } from '../../src/platform/database/statement.js';
import type { Columns, Parameters } from '../../src/platform/database/sql-types.js';
import { snapshotOf, StatementCheck } from '../../src/platform/database/statement-check.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

type Declared = { readonly parameters?: Parameters; readonly row?: Columns; readonly text: string };

describe('the check of SQL statements', () => {
  let db: TestDatabase;
  let client: pg.Client;
  let check: StatementCheck;

  beforeAll(async () => {
    db = await createTestDatabase();
    client = new pg.Client({ connectionString: db.url });
    await client.connect();
    check = await StatementCheck.against(client);
  });
  afterAll(async () => {
    await client.end();
    await db.drop();
  });

  it('finds nothing where what is declared is what Postgres says', async () => {
    const fits = statement({
      name: 'check_fits',
      parameters: { ids: 'uuid[]', now: 'timestamptz' },
      row: { id: 'uuid', login: 'text', disabled_at: 'timestamptz?', claims: typed<object>('jsonb'), n: 'bigint' },
      text: 'SELECT id, login, disabled_at, claims, count(*) OVER () AS n FROM accounts WHERE id = ANY(:ids) AND created_at < :now',
    });
    expect(await check.faultsOf(fits)).toEqual([]);
    const silent = statement({
      name: 'check_silent',
      parameters: { now: 'timestamptz' },
      text: 'UPDATE accounts SET disabled_at = :now',
    });
    expect(await check.faultsOf(silent)).toEqual([]);
    expect(await db.query('SELECT count(*)::int AS n FROM accounts')).toEqual([{ n: 0 }]);
  });

  it.each<[string, Declared, string]>([
    ['the wrong type', { row: { id: 'text' }, text: 'SELECT id FROM accounts' }, 'declares id as text, and it is uuid'],
    [
      'a column that is not there',
      { row: { id: 'uuid', name: 'text' }, text: 'SELECT id FROM accounts' },
      'declares the column name, which it does not return',
    ],
    [
      'a column too few',
      { row: { id: 'uuid' }, text: 'SELECT id, login FROM accounts' },
      'returns the column login (text), which it does not declare',
    ],
    ['one column twice', { row: { id: 'uuid' }, text: 'SELECT id, id FROM accounts' }, 'returns two columns id'],
    [
      'never null what may be',
      { row: { disabled_at: 'timestamptz' }, text: 'SELECT disabled_at FROM accounts' },
      'declares that disabled_at is never null, and the table lets it be',
    ],
    [
      'a parameter that does not fit',
      { parameters: { id: 'int' }, text: 'DELETE FROM accounts WHERE id = :id' },
      'Postgres refuses it: operator does not exist: uuid = integer',
    ],
    ['a table that is gone', { text: 'DELETE FROM nowhere' }, 'Postgres refuses it: relation "nowhere" does not exist'],
  ])('finds %s', async (name, declared, fault) => {
    expect(await check.faultsOf(statement({ ...declared, name: `check_${name}` }))).toEqual([fault]);
  });

  it('writes a statement for people, so that what changes shows', () => {
    const declared = { parameters: { id: 'uuid', at: 'timestamptz?' }, row: { login: 'text' } } as const;
    const written = statement({
      ...declared,
      name: 'check_written',
      text: 'SELECT login\n      FROM accounts WHERE id = :id OR created_at > :at',
    });
    expect(snapshotOf(written, 'src/x.ts')).toBe(`-- check_written, declared in src/x.ts
-- parameters:
--   id uuid
--   at timestamptz, may be null
-- row:
--   login text

SELECT login
FROM accounts WHERE id = :id OR created_at > :at;
`);
  });
});
