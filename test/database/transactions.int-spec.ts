import { Logger } from '@nestjs/common';
import type { Pool } from 'pg';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../../src/platform/database/data-source-options.js';
import { statement } from '../../src/platform/database/statement.js';
import {
  isRefusedValue,
  isStorageFailure,
  isUniqueViolation,
  sqlState,
} from '../../src/platform/database/storage-errors.js';
import { TransactionRunner } from '../../src/platform/database/transaction.js';
import { ENTITIES } from '../../src/entities.js';
import { AccountEntity } from '../../src/domain/accounts/entities/account.entity.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

const ADD = statement({
  name: 'test_transactions_add',
  parameters: { id: 'int', n: 'int' },
  row: { n: 'int' },
  text: 'UPDATE counters SET n = n + :n WHERE id = :id RETURNING n',
});

describe('transactions', () => {
  let db: TestDatabase;
  let dataSource: DataSource;
  let runner: TransactionRunner;

  beforeAll(async () => {
    db = await createTestDatabase();
    await db.query('CREATE TABLE counters (id int PRIMARY KEY, n int NOT NULL)');
    dataSource = await new DataSource(dataSourceOptions(db.url, 4, ENTITIES)).initialize();
    runner = new TransactionRunner(dataSource);
  });
  afterAll(async () => {
    await dataSource.destroy();
    await db.drop();
  });
  beforeEach(async () => {
    await db.query('TRUNCATE counters');
    await db.query('INSERT INTO counters VALUES (1, 0), (2, 0)');
  });

  const totals = async (): Promise<number[]> =>
    (await db.query<{ n: number }>('SELECT n FROM counters ORDER BY id')).map(({ n }) => n);

  it('takes no harm when Postgres ends a connection in the moment in which it is handed out', async () => {
    const pool = (dataSource.driver as unknown as { master: Pool }).master;
    const [idleBefore, fresh] = await Promise.all([pool.connect(), pool.connect()]);
    for (const client of [idleBefore, fresh]) {
      expect(client.emit('error', new Error('terminating connection due to administrator command'))).toBe(true);
      client.release(true);
    }
    expect(await runner.run((tx) => tx.query(ADD, { id: 1, n: 1 }))).toEqual([{ n: 1 }]);
  });

  it('keeps everything or nothing', async () => {
    const failing = runner.run(async (tx) => {
      await tx.query(ADD, { id: 1, n: 1 });
      throw new Error('second thoughts');
    });
    await expect(failing).rejects.toThrow('second thoughts');
    expect(await totals()).toEqual([0, 0]);
    await runner.run((tx) => tx.query(ADD, { id: 1, n: 1 }));
    expect(await totals()).toEqual([1, 0]);
  });

  it('runs both of two transactions that deadlock (40P01), each once', async () => {
    let attempts = 0;
    let atTheBrink = 0;
    let bothThere = (): void => undefined;
    const together = new Promise<void>((resolve) => (bothThere = resolve));
    const both = (first: number, second: number): Promise<unknown> =>
      runner.run(async (tx) => {
        attempts += 1;
        await tx.query(ADD, { id: first, n: 1 });
        atTheBrink += 1;
        if (atTheBrink === 2) bothThere();
        await together;
        return tx.query(ADD, { id: second, n: 1 });
      });
    await Promise.all([both(1, 2), both(2, 1)]);
    expect(attempts).toBe(3);
    expect(await totals()).toEqual([2, 2]);
  });

  it('runs a transaction again after a serialization failure (40001)', async () => {
    let attempts = 0;
    await runner.run(async (tx) => {
      attempts += 1;
      await tx.manager.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
      await tx.manager.query('SELECT n FROM counters');
      if (attempts === 1) await db.query('UPDATE counters SET n = n + 10 WHERE id = 1');
      await tx.query(ADD, { id: 1, n: 1 });
    });
    expect(attempts).toBe(2);
    expect(await totals()).toEqual([11, 0]);
  });

  it.each(['40001', '40P01'])('gives up after five attempts that fail with %s, and keeps nothing', async (code) => {
    let attempts = 0;
    const failing = runner.run(async (tx) => {
      attempts += 1;
      await tx.query(ADD, { id: 1, n: 1 });
      await tx.manager.query(`DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '${code}'; END $$`);
    });
    await expect(failing).rejects.toSatisfy((error) => sqlState(error) === code);
    expect(attempts).toBe(5);
    expect(await totals()).toEqual([0, 0]);
  });

  it('does not run again what another attempt cannot mend, such as a unique violation', async () => {
    let attempts = 0;
    const failing = runner.run(async (tx) => {
      attempts += 1;
      await tx.manager.query('INSERT INTO counters VALUES (1, 5)');
    });
    const error: unknown = await failing.catch((thrown: unknown) => thrown);
    expect(isUniqueViolation(error)).toBe(true);
    expect(isUniqueViolation(error, 'counters_pkey')).toBe(true);
    expect(isUniqueViolation(error, 'another_key')).toBe(false);
    expect(attempts).toBe(1);
  });

  it('does what follows a commit after it, in order, and before the result is known', async () => {
    const seen: unknown[] = [];
    const result = await runner.run(async (tx) => {
      tx.afterCommit(async () => void seen.push(['first', await totals()]));
      tx.afterCommit(() => void seen.push('second'));
      await tx.query(ADD, { id: 1, n: 1 });
      expect(seen).toEqual([]);
      return 'done';
    });
    expect([result, seen]).toEqual(['done', [['first', [1, 0]], 'second']]);
  });

  it('does nothing after a rollback, and of attempts only what the last one asked for', async () => {
    const seen: string[] = [];
    const failing = runner.run(async (tx) => {
      tx.afterCommit(() => void seen.push('rolled back'));
      await tx.query(ADD, { id: 1, n: 1 });
      throw new Error('second thoughts');
    });
    await expect(failing).rejects.toThrow('second thoughts');
    let attempts = 0;
    await runner.run(async (tx) => {
      attempts += 1;
      const attempt = attempts;
      tx.afterCommit(() => void seen.push(`attempt ${attempt}`));
      if (attempt === 1) await tx.manager.query(`DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$`);
    });
    expect(seen).toEqual(['attempt 2']);
  });

  it('does nothing when the commit itself fails', async () => {
    await db.query('CREATE TABLE late (id int REFERENCES counters DEFERRABLE INITIALLY DEFERRED)');
    const seen: string[] = [];
    const failing = runner.run(async (tx) => {
      tx.afterCommit(() => void seen.push('committed'));
      await tx.manager.query('INSERT INTO late VALUES (99)');
    });
    await expect(failing).rejects.toSatisfy((error) => sqlState(error) === '23503');
    expect(seen).toEqual([]);
    await db.query('DROP TABLE late');
  });

  it('logs what fails after a commit, goes on with the rest, and gives the result: what was written stands', async () => {
    const warn = vi.spyOn(Logger.prototype, 'warn').mockReturnValue();
    const seen: string[] = [];
    const result = await runner.run(async (tx) => {
      tx.afterCommit(() => Promise.reject(new TypeError('of a person called mia')));
      tx.afterCommit(() => void seen.push('second'));
      await tx.query(ADD, { id: 1, n: 1 });
      return 'done';
    });
    expect([result, seen, await totals()]).toEqual(['done', ['second'], [1, 0]]);
    expect(warn.mock.calls).toEqual([['what follows a commit failed: TypeError']]);
    warn.mockRestore();
  });

  it.each<[string, (source: DataSource) => Promise<unknown>]>([
    // @ts-expect-error The types refuse it, too.
    ['find', (source) => source.manager.findBy(AccountEntity, { id: undefined })],
    // @ts-expect-error The types refuse it, too.
    ['findOne', (source) => source.manager.findOneBy(AccountEntity, { id: undefined })],
    // @ts-expect-error The types refuse it, too.
    ['count', (source) => source.manager.countBy(AccountEntity, { login: undefined })],
    ['delete', (source) => source.manager.delete(AccountEntity, { id: undefined })],
    ['update', (source) => source.manager.update(AccountEntity, { id: undefined }, { disabledAt: new Date() })],
    ['delete with no criteria at all', (source) => source.manager.delete(AccountEntity, {})],
  ])('refuses criteria that are undefined instead of meaning every row: %s', async (_, call) => {
    const id = '01890000-0000-7000-8000-000000000001';
    await db.query(
      `INSERT INTO accounts (id, login, created_at, updated_at) VALUES ($1, 'mia', now(), now()) ON CONFLICT DO NOTHING`,
      [id],
    );
    await expect(call(dataSource)).rejects.toThrow(/undefined|empty criteria/i);
    expect(await db.query('SELECT disabled_at FROM accounts')).toEqual([{ disabled_at: null }]);
  });
});

describe('what counts as a failure of storage (threat-model#success-without-storage)', () => {
  const withCode = (message: string, code: string): Error => Object.assign(new Error(message), { code });

  it.each<[string, unknown, boolean]>([
    ['a connection refused', withCode('connect', 'ECONNREFUSED'), true],
    ...`EHOSTUNREACH ENETUNREACH EHOSTDOWN ENETDOWN ENOTFOUND EAI_AGAIN EAI_FAIL ECONNABORTED EPERM EACCES ENOBUFS EMFILE
      EADDRNOTAVAIL ENETRESET ENOTCONN EPROTO CERT_HAS_EXPIRED ERR_TLS_CERT_ALTNAME_INVALID`
      .split(/\s+/)
      .map((code): [string, unknown, boolean] => [`${code} from the network`, withCode('connect', code), true]),
    ['a connection reset', withCode('read', 'ECONNRESET'), true],
    ['a socket that is not there', withCode('connect', 'ENOENT'), true],
    ['an administrator’s shutdown (57P01)', withCode('terminating connection', '57P01'), true],
    ['a disk that is full (53100)', withCode('could not extend file', '53100'), true],
    ['a statement that took too long (57014)', withCode('canceling statement', '57014'), true],
    ['a connection that ended', new Error('Connection terminated unexpectedly'), true],
    ['a pool without a free connection', new Error('timeout exceeded when trying to connect'), true],
    ['a pool that has ended', new Error('Cannot use a pool after calling end on the pool'), true],
    ['a NUL in a text (22021)', withCode('invalid byte sequence', '22021'), false],
    ['half a character in jsonb (22P02)', withCode('invalid input syntax', '22P02'), false],
    ['JSON that is nested too deep (54001)', withCode('stack depth limit exceeded', '54001'), false],
    ['a mistake in the code', new TypeError('x is undefined'), false],
    ['a refusal of ours', new Error('invalid_grant'), false],
    ['a bad argument to Node', withCode('argument', 'ERR_INVALID_ARG_TYPE'), false],
    ['something thrown that is no error', 'ECONNREFUSED', false],
    ['nothing', undefined, false],
  ])('%s', (_, error, expected) => {
    expect(isStorageFailure(error)).toBe(expected);
  });
});

describe('what storage does not take is the request’s mistake', () => {
  let db: TestDatabase;
  let dataSource: DataSource;

  beforeAll(async () => {
    db = await createTestDatabase();
    dataSource = await new DataSource(dataSourceOptions(db.url, 1, ENTITIES)).initialize();
  });
  afterAll(async () => {
    await dataSource.destroy();
    await db.drop();
  });

  it.each<[string, string, unknown]>([
    ['a NUL in a text', 'SELECT $1::text', 'a\0b'],
    ['half a character in jsonb', 'SELECT $1::jsonb', '"\\ud83d"'],
    ['a NUL in jsonb', 'SELECT $1::jsonb', '"\\u0000"'],
    ['jsonb that is nested deeper than the stack', 'SELECT $1::jsonb', '['.repeat(100_000)],
    ['a number out of range', 'SELECT $1::int', '99999999999'],
    ['a date that there is not', 'SELECT $1::timestamptz', '2026-02-30'],
  ])('%s', async (_, sql, value) => {
    const error: unknown = await dataSource.query(sql, [value]).catch((thrown: unknown) => thrown);
    expect(sqlState(error)).toMatch(/^(22|54)/);
    expect([isRefusedValue(error), isStorageFailure(error)]).toEqual([true, false]);
  });
});

describe('statements', () => {
  it('refuses a second text under a name that is taken', () => {
    expect(() => statement({ name: ADD.name, text: 'SELECT 1' })).toThrow(ADD.name);
  });
});
