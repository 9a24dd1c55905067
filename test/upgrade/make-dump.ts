import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import pg from 'pg';
import { migrate } from '../../src/platform/database/migrate.js';
import { TestApp } from '../support/app.js';
import type { TestDatabase } from '../support/database.js';
import { fillEveryTable, SECRET } from './fill.js';

const PG_DUMP = ['--no-owner', '--no-privileges', '--no-comments', '--column-inserts', '--rows-per-insert=50'];
const { DUMP: NAME = 'next', DATABASE_URL: url = '' } = process.env;

/** Run before a release, on an empty database: see the README of this folder. */
it('fills every table and writes the database down', { timeout: 120_000 }, async () => {
  await migrate(url);
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  const db: TestDatabase = {
    url,
    name: NAME,
    query: async <Row>(sql: string, values: unknown[] = []) => (await pool.query(sql, values)).rows as Row[],
    drop: () => pool.end(),
  };
  const app = await TestApp.start({ secret: SECRET }, { db });
  try {
    const known = await fillEveryTable(app);
    const empty = Object.entries(await app.rowCounts()).filter(([, rows]) => rows === 0);
    expect(empty.map(([table]) => table)).toEqual([]);
    const { status, stdout, stderr } = spawnSync('pg_dump', [...PG_DUMP, url], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
    const file = (ending: string): URL => new URL(`fixtures/${NAME}.${ending}`, import.meta.url);
    writeFileSync(file('sql'), statementsOf(stdout));
    writeFileSync(file('json'), `${JSON.stringify(known, null, 2)}\n`);
  } finally {
    await app.stop();
    await pool.end();
  }
});

/** What any client can run: without psql's own commands, settings of the connection, and comments. */
function statementsOf(dump: string): string {
  const lines = dump.split('\n').filter((line) => !/^(\\|--|SET |SELECT pg_catalog\.set_config|$)/.test(line));
  return `${lines.join('\n')}\n`;
}
