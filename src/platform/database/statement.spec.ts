import { toPage } from './page.js';
import { ctesIn, parametersIn, tidy } from './sql-text.js';
import { declaredStatements, fragment, sql, statement, typed, type RowOf } from './statement.js';

describe('a statement', () => {
  it('names its parameters, whose types become casts and whose values go by name', () => {
    const made = statement({
      name: 'spec_named',
      parameters: { now: 'timestamptz', ids: 'uuid[]', details: 'jsonb', cursor: 'text?' },
      row: { id: 'uuid', words: typed<readonly string[]>('jsonb') },
      text: 'SELECT id, words FROM t WHERE id = ANY(:ids) AND at < :now AND at > :now - :cursor::interval AND details = :details',
    });
    expect(made.text).toBe(
      'SELECT id, words FROM t WHERE id = ANY($2::uuid[]) AND at < $1::timestamptz AND at > $1::timestamptz - $4::text::interval AND details = $3::jsonb',
    );
    const now = new Date(0);
    expect(made.bind({ now, ids: ['a'], details: ['x'], cursor: undefined })).toEqual([now, ['a'], '["x"]', undefined]);
    expect(made.source).toContain(':now - :cursor::interval');
    expect(declaredStatements().find(({ statement: { name } }) => name === 'spec_named')?.declared.stack).toContain(
      'statement.spec',
    );
  });

  it('takes values and gives rows of the types that it declares', () => {
    const made = statement({
      name: 'spec_typed',
      parameters: {
        id: 'uuid',
        kinds: 'text[]',
        since: 'timestamptz?',
        details: typed<{ readonly n: number }>('jsonb'),
      },
      row: { id: 'uuid', n: 'bigint', at: 'timestamptz?', ended_at: 'timestamptz!' },
      text: 'SELECT id, n, at, ended_at FROM t WHERE id = :id AND kind = ANY(:kinds) AND at > :since AND details = :details',
    });
    const values = { id: 'a', kinds: ['b'], since: null, details: { n: 1 } };
    expect(made.bind(values)).toEqual(['a', ['b'], null, '{"n":1}']);
    expectTypeOf<RowOf<typeof made>>().toEqualTypeOf<{ id: string; n: string; at: Date | null; ended_at: Date }>();
    // @ts-expect-error A parameter is missing.
    made.bind({ id: 'a', kinds: ['b'], details: { n: 1 } });
    // @ts-expect-error A value has another type.
    made.bind({ ...values, id: 1 });
    // @ts-expect-error This one must not be null.
    made.bind({ ...values, kinds: null });
    // @ts-expect-error The document has another shape.
    made.bind({ ...values, details: { m: 1 } });
  });

  it.each([
    ['a cast', `'a'::text`],
    ['an assignment', 'f(a := 1)'],
    ['a text', `'it''s :now'`],
    ['a quoted name', '":now"'],
    ['a line of comment', '-- :now\n 1'],
    ['a comment', '/* :now\n :now */ 1'],
    ['a dollar-quoted text', '$q$ :now $$ :now $q$'],
  ])('takes %s for no parameter', (_, text) => {
    expect(parametersIn(text)).toEqual([]);
  });

  it('refuses a parameter that is not declared, one that is not used, and a name that is taken', () => {
    expect(() => statement({ name: 'spec_undeclared', text: 'SELECT :now' })).toThrow(
      'SQL statement spec_undeclared: :now is not declared',
    );
    expect(() => statement({ name: 'spec_unused', parameters: { now: 'timestamptz' }, text: `SELECT ':now'` })).toThrow(
      ':now is declared and not used',
    );
    expect(() => statement({ name: 'spec_typed', text: 'SELECT 1' })).toThrow('two SQL statements');
  });
});

describe('a fragment', () => {
  const ended = fragment({
    needs: ['locked'],
    gives: ['ended'],
    parameters: { now: 'timestamptz' },
    text: 'ended AS (UPDATE sessions s SET terminated_at = :now FROM locked l WHERE s.id = l.id RETURNING s.id)',
  });
  const locked = 'locked AS MATERIALIZED (SELECT id FROM sessions)';
  const compose = (name: string, text: ReturnType<typeof sql>, parameters = {}) =>
    statement({ name: `spec_fragment_${name}`, parameters: { now: 'timestamptz', ...parameters }, text });

  it('becomes a part of a statement, and may have fragments in it', () => {
    const both = fragment({ needs: ['locked'], gives: ['ended', 'other'], text: sql`${ended}, other AS (SELECT 1)` });
    expect(compose('fits', sql`WITH ${locked}, ${both} SELECT * FROM ended`).text).toBe(
      'WITH locked AS MATERIALIZED (SELECT id FROM sessions), ended AS (UPDATE sessions s SET terminated_at = $1::timestamptz ' +
        'FROM locked l WHERE s.id = l.id RETURNING s.id), other AS (SELECT 1) SELECT * FROM ended',
    );
  });

  it.each<[string, ReturnType<typeof sql>, string]>([
    ['does not find what it needs', sql`WITH ${ended} SELECT 1`, 'needs "locked"'],
    ['comes before what it needs', sql`WITH ${ended}, ${locked} SELECT 1`, 'needs "locked"'],
    ['gives what is there', sql`WITH ${locked}, ${ended}, ${ended} SELECT 1`, '"ended" is given twice'],
    [
      'gives more than it says',
      sql`WITH ${fragment({ gives: ['a'], text: 'a AS (SELECT 1), b(n) AS (SELECT :now)' })} SELECT 1`,
      'do not agree on whether it gives "b"',
    ],
    [
      'gives less than it says',
      sql`WITH ${fragment({ gives: ['a', 'b'], text: 'a AS (SELECT :now)' })} SELECT 1`,
      'do not agree on whether it gives "b"',
    ],
    [
      'takes a parameter of another type',
      sql`SELECT ${fragment({ parameters: { now: 'text' }, text: ':now' })}`,
      ':now is timestamptz, and text for the fragment ":now"',
    ],
    [
      'takes a parameter that is not declared',
      sql`SELECT :now, ${fragment({ parameters: { later: 'text' }, text: ':later' })}`,
      'takes :later, which is not declared',
    ],
  ])('is refused that %s', (name, text, message) => {
    expect(() => compose(name, text)).toThrow(message);
  });

  it('is refused that declares a parameter without using it', () => {
    expect(() => fragment({ parameters: { now: 'text' }, text: 'true' })).toThrow('declares :now');
  });

  it.each<[string, readonly string[]]>([
    ['WITH RECURSIVE a AS (SELECT 1), b (x, y) AS NOT MATERIALIZED (SELECT 1) SELECT', ['a', 'b']],
    ['ended AS (SELECT 1),\n later AS MATERIALIZED (SELECT 1)', ['ended', 'later']],
    [`-- a, b AS (\n SELECT ', c AS (' FROM unnest(x) AS r(id), LATERAL (SELECT 1) AS d`, []],
  ])('gives the names that its text defines: %s', (text, names) => {
    expect(ctesIn(text)).toEqual(names);
  });
});

describe('the text for people', () => {
  it('has its lines as they were written, without the indentation of the code around it', () => {
    expect(tidy('\n     SELECT 1\n       FROM t\n\n      WHERE a\n')).toBe('SELECT 1\n  FROM t\n WHERE a');
    expect(tidy('SELECT 1\n       FROM t\n      WHERE a')).toBe('SELECT 1\n FROM t\nWHERE a');
  });
});

describe('a page', () => {
  it.each<[string[], number, { items: string[]; nextCursor: string | undefined }]>([
    [['a', 'b', 'c'], 2, { items: ['a', 'b'], nextCursor: 'after b' }],
    [['a', 'b'], 2, { items: ['a', 'b'], nextCursor: undefined }],
    [[], 2, { items: [], nextCursor: undefined }],
  ])('of %j, at most %i', (found, limit, page) => {
    expect(toPage(found, limit, (item) => `after ${item}`)).toEqual(page);
  });
});
