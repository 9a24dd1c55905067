import { declaredStatements } from '../../src/platform/database/statement.js';

// Every module that declares a statement.
await import('../../src/app.module.js');

/** Columns by which something ends, or is taken away, when they are set. */
const COLUMNS: Readonly<Record<string, readonly string[]>> = {
  accounts: ['password_hash', 'roles', 'not_before', 'disabled_at'],
  clients: ['secret_hash', 'registration_token_hash', 'metadata', 'deleted_at', 'token_generation', 'scope_since'],
  grants: ['revoked_at', 'code_consumed_at', 'refresh_generation', 'refresh_expires_at'],
  sessions: ['terminated_at'],
  signing_keys: ['retired_at', 'unpublish_at', 'private_jwk'],
  upstreams: ['issuer', 'client_secret', 'configuration'],
};
/** Tables in which a row is an end by itself, or the record that something was used. */
const ROWS = [
  'logout_orders',
  'revoked_access_tokens',
  'session_terminations',
  'upstream_logout_tokens',
  'used_client_assertions',
];
/** What is only a record or a queue: a row that goes takes nothing from anybody. */
const RECORDS = ['logout_deliveries', 'logout_delivery_breakers', 'logout_receipts_owed', 'rate_limits'];
/** Statements that the rules find, and why they wait for nothing all the same. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  before_routing_refresh_token: 'takes over an old token; lost, it is taken over again',
  client_assertions_use: 'who repeats one has stolen it, and each exchange would wait twice',
  upstream_authentications_consume: 'is bound to one browser, and a sign-in',
};

interface Write {
  readonly table: string;
  readonly sets: readonly string[];
  readonly kind: 'insert' | 'update' | 'delete';
}

const WRITE =
  /\bINSERT\s+INTO\s+(?<inserted>\w+)|\bDELETE\s+FROM\s+(?<deleted>\w+)|\bDO\s+UPDATE\s+SET\s|\bUPDATE\s+(?<updated>\w+)(?:\s+(?:AS\s+)?(?!SET\b)\w+)?\s+SET\s/gi;

/** What a statement writes, by its own text. */
function writesOf(source: string): Write[] {
  const code = source.replace(/--[^\n]*/g, ' ').replace(/'(?:[^']|'')*'/g, `''`);
  const writes: Write[] = [];
  let inserted = '';
  for (const match of code.matchAll(WRITE)) {
    const { inserted: into, deleted, updated } = match.groups ?? {};
    if (into !== undefined) {
      inserted = into;
      writes.push({ table: into, sets: [], kind: 'insert' });
    } else if (deleted !== undefined) writes.push({ table: deleted, sets: [], kind: 'delete' });
    else
      writes.push({
        table: updated ?? inserted,
        sets: assigned(code.slice(match.index + match[0].length)),
        kind: 'update',
      });
  }
  return writes;
}

/** The columns of a list of assignments, which the text begins with. */
function assigned(text: string): string[] {
  const columns: string[] = [];
  let depth = 0;
  let begins = 0;
  const end = (at: number): void => {
    const column = /^\s*(\w+)\s*=/.exec(text.slice(begins, at))?.[1];
    if (column !== undefined) columns.push(column);
    begins = at + 1;
  };
  for (let at = 0; at <= text.length; at += 1) {
    const letter = text[at];
    if (letter === '(' || letter === '[') depth += 1;
    if (letter === ')' || letter === ']') depth -= 1;
    const over =
      letter === undefined ||
      depth < 0 ||
      (depth === 0 && /^\s(FROM|WHERE|RETURNING)\b/i.test(text.slice(at, at + 11)));
    if (over || (letter === ',' && depth === 0)) end(at);
    if (over) break;
  }
  return columns;
}

function ends({ table, sets, kind }: Write): boolean {
  if (kind === 'insert') return ROWS.includes(table);
  if (kind === 'update') return sets.some((column) => COLUMNS[table]?.includes(column) === true);
  return !RECORDS.includes(table);
}

describe('statements that end something or take something away', () => {
  const declared = declaredStatements().map(({ statement }) => statement);
  const found = declared
    // Retention removes what has had no effect for long.
    .filter(({ row }) => !('removed' in row))
    .filter(({ source }) => writesOf(source).some(ends))
    .map(({ name }) => name);
  const marked = declared.filter((statement) => statement.ends).map(({ name }) => name);

  it('are read rightly', () => {
    const source = `WITH a AS (UPDATE grants g SET revoked_at = (SELECT x FROM y WHERE z = 1), revoked_cause = 'a, b'
      FROM b WHERE g.id = b.id RETURNING 1), c AS (INSERT INTO clients (metadata) VALUES ('') ON CONFLICT DO UPDATE SET metadata = '')
      DELETE FROM consents`;
    expect(writesOf(source)).toEqual([
      { table: 'grants', sets: ['revoked_at', 'revoked_cause'], kind: 'update' },
      { table: 'clients', sets: [], kind: 'insert' },
      { table: 'clients', sets: ['metadata'], kind: 'update' },
      { table: 'consents', sets: [], kind: 'delete' },
    ]);
  });

  it('and all others that write are known to, so that a standby refuses them', () => {
    const silent = declared.filter(({ source, writes }) => writesOf(source).length > 0 && !writes);
    expect(silent.map(({ name }) => name)).toEqual([]);
  });

  it('are marked, so that their answer can wait for a standby', () => {
    const exempt = Object.keys(EXCEPTIONS);
    expect(found.filter((name) => !marked.includes(name)).toSorted()).toEqual(exempt.toSorted());
  });

  it('and no other is, but receipts, the one that only waits, and one after which an old secret may go', () => {
    const others = marked.filter((name) => !found.includes(name));
    expect(others.toSorted()).toEqual(['database_confirm', 'receipts_issue', 'session_upstreams_seal_again']);
  });
});
