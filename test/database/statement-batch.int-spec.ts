import type { Pool } from 'pg';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../../src/platform/database/data-source-options.js';
import { StatementBatch, type BatchLimits } from '../../src/platform/database/statement-batch.js';
import { statement } from '../../src/platform/database/statement.js';
import { isStorageFailure, sqlState } from '../../src/platform/database/storage-errors.js';
import { TransactionRunner } from '../../src/platform/database/transaction.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { holding, untilWaiting } from '../support/locks.js';
import { PostgresProxy } from '../support/postgres-proxy.js';

const LOOK = statement({
  name: 'test_batch_look',
  parameters: { ids: 'int[]', atLeast: 'int' },
  row: { place: 'int', n: 'int', label: 'text' },
  text: `
    SELECT x.place::int AS place, s.n, s.label FROM unnest(:ids) WITH ORDINALITY x(id, place)
     CROSS JOIN LATERAL (SELECT s.n, s.label FROM stock s WHERE s.id = x.id AND s.n >= :atLeast OFFSET 0) s`,
});

const ADD = statement({
  name: 'test_batch_add',
  parameters: { ids: 'int[]', ns: 'int[]', labels: 'text[]' },
  row: { place: 'int', n: 'int' },
  text: `
    WITH x AS (
      SELECT * FROM unnest(:ids, :ns, :labels) WITH ORDINALITY x(id, n, label, place) ORDER BY x.id
    ), locked AS MATERIALIZED (
      SELECT x.place, x.n, x.label, s.id FROM x CROSS JOIN LATERAL (SELECT s.id FROM stock s WHERE s.id = x.id OFFSET 0 FOR NO KEY UPDATE OF s) s
    )
    UPDATE stock s SET n = s.n + locked.n, label = locked.label FROM locked WHERE s.id = locked.id
    RETURNING locked.place::int AS place, s.n`,
});

const LOCK = 'SELECT 1 FROM stock WHERE id = $1 FOR UPDATE';

/** One node: its pool, and what it sent there. */
class Node {
  /** The ids of each statement, as they went. */
  readonly sent: number[][] = [];
  /** The most statements that were under way at once. */
  most = 0;
  private underWay = 0;

  private constructor(
    readonly dataSource: DataSource,
    readonly runner: TransactionRunner,
  ) {
    const pool = (dataSource.driver as unknown as { master: Pool }).master;
    const query = pool.query.bind(pool) as (query: { values: number[][] }) => Promise<unknown>;
    pool.query = (async (question: { name?: string; values: number[][] }) => {
      if (question.name?.startsWith('test_batch_') !== true) return query(question);
      this.sent.push(question.values[0] ?? []);
      this.most = Math.max(this.most, (this.underWay += 1));
      return query(question).finally(() => (this.underWay -= 1));
    }) as typeof pool.query;
  }

  static async start(url: string, lock = 5000): Promise<Node> {
    const limits = { limits: { statement: 15_000, lock, idleInTransaction: 30_000 } };
    const dataSource = await new DataSource(dataSourceOptions(url, 10, [], limits)).initialize();
    return new Node(dataSource, new TransactionRunner(dataSource));
  }

  looks(options: { readonly repeatable?: boolean; readonly limits?: Partial<BatchLimits> } = {}) {
    return new StatementBatch(this.runner, LOOK, { repeatable: true, shared: () => ({ atLeast: 0 }), ...options });
  }

  adds(options: { readonly repeatable?: boolean; readonly limits?: Partial<BatchLimits> } = {}) {
    return new StatementBatch(this.runner, ADD, { repeatable: false, key: ({ ids }) => String(ids), ...options });
  }

  sizes(): number[] {
    return this.sent.map((ids) => ids.length);
  }
}

const add = (id: number, n = 1, label = 'added') => ({ ids: id, ns: n, labels: label });
const range = (n: number, from = 1): number[] => Array.from({ length: n }, (_, i) => from + i);
const codeOf = async (work: Promise<unknown>): Promise<string | undefined> =>
  work.then(
    () => undefined,
    (error: unknown) => (isStorageFailure(error) ? (sqlState(error) ?? 'lost') : String(error)),
  );

describe('statements that serve many', () => {
  let db: TestDatabase;
  let node: Node;
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);

  beforeAll(async () => {
    process.on('unhandledRejection', note);
    db = await createTestDatabase();
    await db.query('CREATE TABLE stock (id int PRIMARY KEY, n int NOT NULL CHECK (n >= 0), label text)');
  });
  afterAll(async () => {
    await db.drop();
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });
  beforeEach(async () => {
    await db.query('TRUNCATE stock');
    await db.query(`INSERT INTO stock SELECT id, 10 * id, 'item ' || id FROM generate_series(1, 500) id`);
    node = await Node.start(db.url);
  });
  afterEach(() => node.dataSource.destroy());

  const stock = async (id: number): Promise<number | undefined> =>
    (await db.query<{ n: number }>('SELECT n FROM stock WHERE id = $1', [id]))[0]?.n;

  /** Ends the connections that wait for a lock. */
  const killWaiting = (how: 'terminate' | 'cancel'): Promise<unknown> =>
    db.query(
      `SELECT pg_${how}_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );

  describe('what goes together', () => {
    it('each call gets its own row, and nothing where there is none', async () => {
      const looks = node.looks();
      const rows = await Promise.all([7, 9999, 3, 7].map((ids) => looks.run({ ids })));
      expect(rows.map((row) => row && [row.n, row.label])).toEqual([
        [70, 'item 7'],
        undefined,
        [30, 'item 3'],
        [70, 'item 7'],
      ]);
      expect(node.sent).toEqual([[7, 9999, 3, 7]]);
    });

    it('what all share is asked for when the batch goes', async () => {
      let atLeast = 0;
      const looks = new StatementBatch(node.runner, LOOK, { repeatable: true, shared: () => ({ atLeast }) });
      expect(await looks.run({ ids: 5 })).toBeDefined();
      atLeast = 51;
      expect(await looks.run({ ids: 5 })).toBeUndefined();
    });

    it('alone, a call goes at once; those that come meanwhile go together when one is done', async () => {
      const adds = node.adds({ limits: { underWay: 1 } });
      const calls = await holding(db, LOCK, [1], async () => {
        const first = adds.run(add(1));
        await untilWaiting(db);
        return [first, ...range(20, 2).map((id) => adds.run(add(id)))];
      });
      expect((await Promise.all(calls)).map((row) => row?.n)).toEqual(range(21).map((id) => 10 * id + 1));
      expect(node.sent).toEqual([[1], range(20, 2)]);
    });

    it('a few wait for the batch that is under way, so that they need no second one', async () => {
      const adds = node.adds({ limits: { enough: 4, slowMs: 60_000 } });
      const calls = await holding(db, LOCK, [1], async () => {
        const first = adds.run(add(1));
        await untilWaiting(db);
        return [first, ...range(3, 2).map((id) => adds.run(add(id)))];
      });
      await Promise.all(calls);
      expect([node.sent, node.most]).toEqual([[[1], [2, 3, 4]], 1]);
    });

    it.each([
      ['many do not wait for it', 4, { enough: 4, slowMs: 60_000 }],
      ['nor do a few for one that is slow', 1, { enough: 4, slowMs: 1 }],
    ])('%s', async (_what, count, limits) => {
      const adds = node.adds({ limits });
      const [held] = await holding(db, LOCK, [1], async () => {
        const first = adds.run(add(1));
        await untilWaiting(db);
        const others = await Promise.all(range(count, 2).map((id) => adds.run(add(id))));
        expect(others.map((row) => row?.n)).toEqual(range(count, 2).map((id) => 10 * id + 1));
        return [first];
      });
      expect((await held)?.n).toBe(11);
    });

    it('two batches at once, 64 items each, in the order in which they came', async () => {
      const looks = node.looks();
      const rows = await Promise.all(range(200).map((ids) => looks.run({ ids })));
      expect(rows.map((row) => row?.n)).toEqual(range(200).map((id) => 10 * id));
      expect(node.sizes()).toEqual([64, 64, 64, 8]);
      expect(node.most).toBe(2);
      expect(node.sent.flat()).toEqual(range(200));
    });

    it('items of one key never share a batch nor run at once; others do not wait for them', async () => {
      const adds = node.adds();
      const calls = [1, 1, 2, 1, 3, 1].map((id) => adds.run(add(id)));
      expect((await Promise.all(calls)).map((row) => row?.n)).toEqual([11, 12, 21, 13, 31, 14]);
      expect(node.sent).toEqual([[1, 2, 3], [1], [1], [1]]);
      expect(node.most).toBe(1);
      expect(await stock(1)).toBe(14);
    });

    it('two nodes that add to the same rows in opposite orders both come through, and nothing is lost', async () => {
      const other = await Node.start(db.url);
      const [here, there] = [node.adds(), other.adds()];
      for (let round = 0; round < 10; round += 1) {
        const calls = range(30).flatMap((id) => [here.run(add(id)), there.run(add(31 - id))]);
        expect((await Promise.all(calls)).every((row) => row !== undefined)).toBe(true);
      }
      expect(await Promise.all([stock(1), stock(30)])).toEqual([30, 320]);
      await other.dataSource.destroy();
    });
  });

  describe('whom a failure concerns', () => {
    it('one bad item of many is refused alone, and the others are done once', async () => {
      const adds = node.adds();
      const codes = await Promise.all(range(20).map((id) => codeOf(adds.run(add(id, id === 13 ? -1000 : 1)))));
      expect(codes).toEqual(range(20).map((id) => (id === 13 ? '23514' : undefined)));
      expect(node.sizes()).toEqual([20, ...range(20).map(() => 1)]);
      expect(await Promise.all([stock(12), stock(13), stock(14)])).toEqual([121, 130, 141]);
    });

    it('a value that storage does not take is that request’s mistake', async () => {
      const adds = node.adds();
      const [good, bad] = [adds.run(add(1)), adds.run(add(2, 1, 'a\0b'))];
      await expect(bad).rejects.toMatchObject({ code: expect.stringMatching(/^22/) as string });
      expect((await good)?.n).toBe(11);
      expect(await stock(2)).toBe(20);
    });

    it('a call that fails by itself is not run again', async () => {
      expect(await codeOf(node.adds().run(add(1, -1000)))).toBe('23514');
      expect(node.sizes()).toEqual([1]);
    });

    it('a row that is locked for too long holds up its batch for the time limit, then itself alone', async () => {
      const quick = await Node.start(db.url, 300);
      const adds = quick.adds();
      const codes = await holding(db, LOCK, [3], () => Promise.all(range(5).map((id) => codeOf(adds.run(add(id))))));
      expect(codes).toEqual([undefined, undefined, '55P03', undefined, undefined]);
      expect(await Promise.all([stock(2), stock(3)])).toEqual([21, 30]);
      await quick.dataSource.destroy();
    });

    it('a connection that is lost: what may be repeated is, on another one', async () => {
      const adds = node.adds({ repeatable: true });
      const calls = await holding(db, LOCK, [2], async () => {
        const started = range(5).map((id) => adds.run(add(id)));
        await untilWaiting(db);
        await killWaiting('terminate');
        return started;
      });
      expect((await Promise.all(calls)).map((row) => row?.n)).toEqual([11, 21, 31, 41, 51]);
      expect(node.sizes()[0]).toBe(5);
    });

    it('a connection that is lost: what may not be repeated fails for all of that batch, and for no other', async () => {
      const adds = node.adds({ limits: { items: 5, underWay: 1 } });
      const calls = await holding(db, LOCK, [2], async () => {
        const started = range(10).map((id) => codeOf(adds.run(add(id))));
        await untilWaiting(db);
        await killWaiting('terminate');
        return started;
      });
      const codes = await Promise.all(calls);
      expect(codes.slice(0, 5).every((code) => code === '57P01' || code === 'lost')).toBe(true);
      expect(codes.slice(5)).toEqual(range(5).map(() => undefined));
      expect(node.sizes()).toEqual([5, 5]);
      expect(await Promise.all([stock(1), stock(5), stock(6)])).toEqual([10, 50, 61]);
    });

    it('what took too long fails for all of its batch, without a second try', async () => {
      const adds = node.adds({ repeatable: true });
      const calls = await holding(db, LOCK, [2], async () => {
        const started = range(3).map((id) => codeOf(adds.run(add(id))));
        await untilWaiting(db);
        await killWaiting('cancel');
        return started;
      });
      expect(await Promise.all(calls)).toEqual(['57014', '57014', '57014']);
      expect(node.sizes()).toEqual([3]);
    });

    it('when storage is away one item finds that out for the whole batch', async () => {
      const proxy = await PostgresProxy.start(db.url);
      const far = await Node.start(proxy.url);
      const looks = far.looks();
      expect(await looks.run({ ids: 1 })).toBeDefined();
      proxy.open = false;
      proxy.leadTo(db.url);
      const codes = await Promise.all(range(50).map((ids) => codeOf(looks.run({ ids }))));
      expect(codes.every((code) => code !== undefined && !code.startsWith('Error'))).toBe(true);
      expect(far.sizes()).toEqual([1, 50, 1]);
      proxy.open = true;
      expect((await looks.run({ ids: 1 }))?.n).toBe(10);
      await far.dataSource.destroy();
      await proxy.stop();
    });
  });

  describe('how long one waits', () => {
    it('behind too many a call is refused at once, as if storage were away; those that wait go on', async () => {
      const adds = node.adds({ limits: { underWay: 1, waiting: 3 } });
      const codes = await holding(db, LOCK, [1], async () => {
        const first = codeOf(adds.run(add(1)));
        await untilWaiting(db);
        const others = range(5, 2).map((id) => codeOf(adds.run(add(id))));
        expect(await Promise.all(others.slice(3))).toEqual(['EAGAIN', 'EAGAIN']);
        return [first, ...others.slice(0, 3)];
      });
      expect(await Promise.all(codes)).toEqual([undefined, undefined, undefined, undefined]);
      expect(await Promise.all([stock(4), stock(5)])).toEqual([41, 50]);
    });

    it('who waits for too long is told so, and is not run later; whoever waits for the same key takes the turn', async () => {
      const adds = node.adds({ limits: { underWay: 1, waitMs: 100 } });
      const [first] = await holding(db, LOCK, [1], async () => {
        const started = codeOf(adds.run(add(1)));
        await untilWaiting(db);
        const late = [2, 2, 1].map((id) => codeOf(adds.run(add(id))));
        expect(await Promise.all(late)).toEqual(['ETIMEDOUT', 'ETIMEDOUT', 'ETIMEDOUT']);
        return [started];
      });
      expect(await first).toBeUndefined();
      expect((await adds.run(add(1)))?.n).toBe(12);
      expect((await adds.run(add(2)))?.n).toBe(21);
      expect(node.sent).toEqual([[1], [1], [2]]);
    });

    it('before the connections are closed everything that waits is done', async () => {
      const looks = node.looks({ limits: { items: 4, underWay: 1 } });
      const rows: (number | undefined)[] = [];
      for (const ids of range(30)) void looks.run({ ids }).then((row) => rows.push(row?.n));
      await node.runner.finish();
      expect(rows).toEqual(range(30).map((id) => 10 * id));
    });
  });
});
