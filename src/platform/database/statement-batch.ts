import pLimit from 'p-limit';
import { BatchQueue, type QueueLimits } from './batch-queue.js';
import { WAIT_MS } from './connections.js';
import { sqlTypeOf } from './sql-types.js';
import type { Statement } from './statement.js';
import { isStorageAway, sqlState } from './storage-errors.js';
import { spanned } from '../tracing/tracing.js';
import { withinScope } from '../requests/request-scope.js';
import { statementSpan, type BatchFigures, type TransactionRunner } from './transaction.js';

/** A row of a statement that serves many: it says which item it is of, counted from 1 (`WITH ORDINALITY`). */
interface Placed {
  readonly place: number;
}

type ListsOf<Values> = { [N in keyof Values]: Values[N] extends readonly unknown[] ? N : never }[keyof Values];

/** One item: of each list that the statement takes, one element. */
export type ItemOf<Values> = {
  readonly [N in ListsOf<Values>]: Values[N] extends readonly (infer Element)[] ? Element : never;
};

/** What the statement takes besides lists, once for all items. */
type SharedOf<Values> = Omit<Values, ListsOf<Values>>;

export interface BatchLimits extends QueueLimits {
  /** How many items go together. */
  readonly items: number;
  /** How many batches are under way at once. */
  readonly underWay: number;
  /** So many calls that wait do not wait for the batch that is under way. */
  readonly enough: number;
  /** Nor do any for one that takes longer than this. */
  readonly slowMs: number;
}

export type BatchOptions<Values> = {
  /**
   * Whether an item may be run again when a connection was lost, so that the statement may have been committed or not. Then
   * each runs again alone. Else all of the batch get the failure, as a call by itself does.
   */
  readonly repeatable: boolean;
  /** Items of one key are never in one batch, nor in two at once. */
  readonly key?: (item: ItemOf<Values>) => string;
  readonly limits?: Partial<BatchLimits>;
} & ({} extends SharedOf<Values>
  ? { readonly shared?: undefined }
  : {
      /** Asked when a batch goes, such as for the time. */
      readonly shared: () => SharedOf<Values>;
    });

const LIMITS: BatchLimits = { items: 64, underWay: 2, enough: 32, slowMs: 10, waiting: 4096, waitMs: WAIT_MS };
/** Of a batch that failed, so many of its items are run at once. */
const ALONE_AT_ONCE = 4;
/** Postgres ended what took too long (`query_canceled`). */
const TOO_SLOW = '57014';

interface Call<Item, Row> {
  readonly item: Item;
  /** By `performance.now()`. */
  readonly since: number;
  readonly key: string | undefined;
  resolve(row: Row | undefined): void;
  reject(error: unknown): void;
}

/**
 * Calls that come while others are under way go together: one statement, one round trip, one commit. Alone, a call goes at
 * once, with those of the same turn of the event loop.
 *
 * The statement takes lists, reads them by `unnest(…) WITH ORDINALITY` and returns at most one row an item, with its
 * `place`; it serves one item and many. It finds rows by `CROSS JOIN LATERAL (SELECT … WHERE id = x.id OFFSET 0)`, so
 * that each is looked up by its key whatever the planner believes of the tables, and locks and changes rows in the order
 * of their keys, so that two batches never wait for each other. One that locks and one that only reads are two batches
 * (docs/decisions/0052-statements-that-serve-many.md).
 *
 * When a batch fails, what became of it decides: Postgres refused it, so that nothing was written: each item runs alone,
 * and a bad one fails alone. It took too long (57014): all fail. The connection was lost, or storage is away: see
 * `repeatable`. A failure is thrown as the driver gave it; who waits longer than the pool would let it, or behind too many,
 * gets a storage failure, too (503).
 */
export class StatementBatch<Values, Row extends Placed> implements BatchFigures {
  private readonly limits: BatchLimits;
  private readonly lists: readonly string[];
  private readonly queue: BatchQueue<Call<ItemOf<Values>, Row>>;
  private readonly running = new Set<Promise<void>>();
  private readonly alone = pLimit(ALONE_AT_ONCE);
  private scheduled = false;
  private patience: NodeJS.Timeout | undefined;

  constructor(
    private readonly db: TransactionRunner,
    private readonly statement: Statement<Values, Row>,
    private readonly options: BatchOptions<Values>,
  ) {
    this.limits = { ...LIMITS, ...options.limits };
    this.queue = new BatchQueue(this.limits);
    this.lists = Object.entries(statement.parameters)
      .filter(([, type]) => sqlTypeOf(type).name.endsWith('[]'))
      .map(([name]) => name);
    db.beforeClose(() => this.drain());
    db.batches.push(this);
  }

  get name(): string {
    return this.statement.name;
  }

  get underWay(): number {
    return this.running.size;
  }

  get waiting(): number {
    return this.queue.size;
  }

  /** The item's row; undefined: the statement returned none for it. @throws what storage throws */
  run(item: ItemOf<Values>): Promise<Row | undefined> {
    return spanned(statementSpan(this.db.tracing, this.name), () => this.queued(item));
  }

  private queued(item: ItemOf<Values>): Promise<Row | undefined> {
    return new Promise((resolve, reject) => {
      this.queue.add({ item, since: performance.now(), key: this.options.key?.(item), resolve, reject });
      this.sendSoon();
    });
  }

  /** Resolves once nothing waits and nothing is under way. */
  async drain(): Promise<void> {
    while (this.queue.size > 0 || this.running.size > 0) await Promise.all(this.running);
  }

  private sendSoon(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    queueMicrotask(() => {
      this.scheduled = false;
      // A batch is of many requests, and each of them has its own span of it.
      withinScope(undefined, () => this.send());
    });
  }

  private send(): void {
    while (this.mayGo()) {
      const calls = this.queue.take(this.limits.items);
      if (calls.length === 0) return;
      this.begin(calls);
    }
    if (this.queue.size > 0 && this.running.size < this.limits.underWay) this.beginAfterAll();
  }

  /** What comes in the time of a round trip goes in one, not in a second beside the first. */
  private mayGo(): boolean {
    const { size } = this.running;
    return size === 0 || (size < this.limits.underWay && this.queue.size >= this.limits.enough);
  }

  private begin(calls: readonly Call<ItemOf<Values>, Row>[]): void {
    // Calls that still wait, wait for this one from now on.
    clearTimeout(this.patience);
    this.patience = undefined;
    const [first] = calls;
    if (first !== undefined) this.db.batchListener?.(this.name, calls.length, performance.now() - first.since);
    const work = this.answer(calls).finally(() => {
      this.running.delete(work);
      this.queue.release(calls);
      this.send();
    });
    this.running.add(work);
  }

  /** The batch that is under way may be held up by a lock or a slow disk: the others are not. */
  private beginAfterAll(): void {
    this.patience ??= setTimeout(() => {
      this.patience = undefined;
      if (this.running.size >= this.limits.underWay) return;
      const calls = this.queue.take(this.limits.items);
      if (calls.length > 0) this.begin(calls);
      if (this.queue.size > 0 && this.running.size < this.limits.underWay) this.beginAfterAll();
    }, this.limits.slowMs).unref();
  }

  /** Never rejects: each call gets what concerns it. */
  private async answer(calls: readonly Call<ItemOf<Values>, Row>[]): Promise<void> {
    try {
      await this.together(calls);
    } catch (error) {
      if (calls.length > 1 && this.mayRunAgain(error)) await this.eachAlone(calls, isStorageAway(error));
      else for (const call of calls) call.reject(error);
    }
  }

  private async together(calls: readonly Call<ItemOf<Values>, Row>[]): Promise<void> {
    const values: Record<string, unknown> = { ...this.options.shared?.() };
    for (const name of this.lists) {
      values[name] = calls.map(({ item }) => (item as Readonly<Record<string, unknown>>)[name]);
    }
    const rows: (Row | undefined)[] = [];
    for (const row of await this.db.query(this.statement, values as Values)) rows[row.place - 1] = row;
    for (const [i, call] of calls.entries()) call.resolve(rows[i]);
  }

  private mayRunAgain(error: unknown): boolean {
    return sqlState(error) !== TOO_SLOW && (this.options.repeatable || !isStorageAway(error));
  }

  /** @param unsure storage may be away altogether: then one is enough to find that out */
  private async eachAlone(calls: readonly Call<ItemOf<Values>, Row>[], unsure: boolean): Promise<void> {
    const [first, ...others] = calls;
    const failure = unsure && first !== undefined ? await this.oneAlone(first) : undefined;
    if (isStorageAway(failure)) for (const call of others) call.reject(failure);
    else await Promise.all((unsure ? others : calls).map((call) => this.alone(() => this.oneAlone(call))));
  }

  /** Returns why it failed; the call has the failure, too. */
  private async oneAlone(call: Call<ItemOf<Values>, Row>): Promise<unknown> {
    try {
      await this.together([call]);
      return undefined;
    } catch (error) {
      call.reject(error);
      return error;
    }
  }
}
