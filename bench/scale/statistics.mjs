import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** What the service's statements cost in Postgres, by the names that they have in docs/sql. */
export class Statistics {
  constructor(admin, database, names) {
    this.admin = admin;
    this.database = database;
    this.names = names;
  }

  /** @param client a connection to `database`, on which each statement of `build` is looked at once for its number */
  static async of({ admin, client, database, build }) {
    await admin.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
    const load = (path) => import(pathToFileURL(join(build, 'dist', 'src', path)).href);
    await load('app.module.js');
    const { declaredStatements } = await load('platform/database/statement.js');
    const names = new Map();
    for (const { statement } of declaredStatements()) {
      try {
        const { rows } = await client.query(`EXPLAIN (VERBOSE, GENERIC_PLAN) ${statement.text}`);
        const id = /Query Identifier: (-?\d+)/.exec(rows.map((row) => row['QUERY PLAN']).join('\n'))?.[1];
        if (id !== undefined) names.set(id, statement.name);
      } catch (error) {
        // Without GENERIC_PLAN (before Postgres 16), or where a type cannot be told without values.
        if (!['42601', '42P18', '22023'].includes(error.code)) throw error;
      }
    }
    return new Statistics(admin, database, names);
  }

  async reset() {
    await this.admin.query('SELECT pg_stat_statements_reset()');
  }

  /** Since the last reset, by statement. */
  async read() {
    const { rows } = await this.admin.query(
      `SELECT s.queryid::text AS id, s.query, s.calls::int, s.total_exec_time AS ms, s.max_exec_time AS max_ms, s.rows::int,
              (s.shared_blks_hit + s.shared_blks_read)::float8 AS pages, s.wal_bytes::float8 AS wal, s.wal_fpi::float8 AS images
         FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = $1`,
      [this.database],
    );
    return rows
      .filter(({ query }) => !/^\s*(BEGIN|START|COMMIT|ROLLBACK|LISTEN|SET|SHOW|SELECT set_config)/i.test(query))
      .map(({ id, query, ...figures }) => ({ name: this.names.get(id) ?? shortened(query), ...figures }));
  }
}

function shortened(query) {
  return query.replace(/\s+/g, ' ').trim().slice(0, 60);
}

const FIGURES = ['calls', 'ms', 'rows', 'pages', 'wal', 'images'];

/** The sum of statements, divided by `operations`. */
export function perOperation(statements, operations) {
  return Object.fromEntries(
    FIGURES.map((name) => [name, statements.reduce((sum, statement) => sum + statement[name], 0) / operations]),
  );
}
