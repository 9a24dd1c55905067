import { Injectable, Logger } from '@nestjs/common';
import { DataSource, type EntityManager, type QueryRunner } from 'typeorm';
import type { Pool, PoolClient, QueryConfig } from 'pg';
import { READ_ONLY } from './connections.js';
import { measurePoolWait } from './pool-wait.js';
import { sqlState } from './storage-errors.js';
import { warnOf } from './storage-log.js';
import type { Queryable, Statement } from './statement.js';

declare const brand: unique symbol;

/**
 * An open transaction. Only {@link TransactionRunner} makes one, and every write takes one as its first argument, so
 * that no statement can silently fall out of the transaction it belongs to.
 */
export interface Tx extends Queryable {
  readonly [brand]: true;
  readonly manager: EntityManager;
  /**
   * Runs `callback` once the transaction has committed, in the order of the calls, and before `run` returns; never when
   * it rolls back. For what is outside the database, such as a cache that forgets. What was written stands by then, so
   * a callback that fails is logged, the others run, and the caller that ran the transaction gets its result all the
   * same.
   */
  afterCommit(callback: () => void | Promise<void>): void;
}

/** How the connections of this process stand. */
export interface ConnectionFigures {
  readonly idle: number;
  readonly inUse: number;
  /** Callers that wait for one. */
  readonly waiting: number;
  /** For how long callers have waited for one since the start, all together. */
  readonly waitedSeconds: number;
}

/** How the calls of one statement that serves many stand. */
export interface BatchFigures {
  /** The statement's. */
  readonly name: string;
  /** Batches. */
  readonly underWay: number;
  /** Calls. */
  readonly waiting: number;
}

/** A batch that goes: how many calls it has, and for how long the first of them waited. */
export type BatchListener = (name: string, calls: number, waitedMs: number) => void;

/** Serialization failure and deadlock: the whole transaction may be run again. */
const RETRYABLE = new Set(['40001', '40P01']);
const MAX_ATTEMPTS = 5;

/** Runs statements of their own and transactions on the one database. */
@Injectable()
export class TransactionRunner implements Queryable {
  private readonly logger = new Logger(TransactionRunner.name);

  // TypeORM keeps a pg pool; going to it directly is what allows named, prepared statements.
  private readonly pool: Pool;
  /** Connections that are not used again: what they end at does not write. */
  private readonly spoiled = new WeakSet<PoolClient>();
  private readonly finishing: (() => Promise<void>)[] = [];
  private readonly waitedSeconds: () => number;
  /** Of every statement that serves many. */
  readonly batches: BatchFigures[] = [];
  /** Is called with each batch. */
  batchListener: BatchListener | undefined;

  constructor(private readonly dataSource: DataSource) {
    this.pool = (dataSource.driver as unknown as { master: Pool }).master;
    this.waitedSeconds = measurePoolWait(this.pool);
    // Between the pool, which listens for errors of idle connections, and TypeORM, which listens in the next turn,
    // there is no listener. A Postgres that stops in that moment must not end the process; the caller that got the
    // connection gets the error.
    this.pool.on('acquire', (client) => {
      if (!client.listeners('error').includes(ignore)) client.on('error', ignore);
    });
    this.pool.on('release', (_error, client) => {
      if (this.spoiled.delete(client)) void client.end();
    });
  }

  /**
   * Runs `work` in one transaction: commits when it returns, rolls back when it throws. A deadlock or serialization
   * failure runs the whole of it again, a few times, so `work` must have no effect outside the database but by
   * {@link Tx.afterCommit}.
   */
  async run<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const callbacks: Callback[] = [];
        const result = await this.dataSource.transaction((manager) => this.watched(manager, callbacks, work));
        await this.callAll(callbacks);
        return result;
      } catch (error) {
        if (attempt >= MAX_ATTEMPTS || !RETRYABLE.has(sqlState(error) ?? '')) throw error;
        this.logger.debug(`transaction runs again after SQLSTATE ${sqlState(error)}`);
      }
    }
  }

  /** A connection that has turned out to end at a standby is dropped, and the next one goes to the new primary. */
  private async watched<T>(manager: EntityManager, callbacks: Callback[], work: (tx: Tx) => Promise<T>): Promise<T> {
    try {
      return await work(transactionOf(manager, callbacks));
    } catch (error) {
      if (sqlState(error) === READ_ONLY) this.spoiled.add((await manager.queryRunner?.connect()) as PoolClient);
      throw error;
    }
  }

  get connections(): ConnectionFigures {
    const { idleCount: idle, totalCount, waitingCount: waiting } = this.pool;
    return { idle, inUse: totalCount - idle, waiting, waitedSeconds: this.waitedSeconds() };
  }

  private async callAll(callbacks: readonly Callback[]): Promise<void> {
    for (const callback of callbacks) {
      try {
        await callback();
      } catch (error) {
        warnOf(this.logger, 'what follows a commit failed', error);
      }
    }
  }

  /** What has to be finished before the connections are closed, such as calls that wait. */
  beforeClose(finish: () => Promise<void>): void {
    this.finishing.push(finish);
  }

  /** Finishes what was given to {@link beforeClose}. */
  async finish(): Promise<void> {
    await Promise.all(this.finishing.map((finish) => finish()));
  }

  /** One statement, one round trip: it commits or fails as a whole. Retried like a transaction. */
  async query<Values, Row>(statement: Statement<Values, Row>, values: NoInfer<Values>): Promise<Row[]> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const { rows } = await this.pool.query<Row & object>(toQuery(statement, values));
        return rows;
      } catch (error) {
        if (attempt >= MAX_ATTEMPTS || !RETRYABLE.has(sqlState(error) ?? '')) throw error;
      }
    }
  }
}

const ignore = (): void => undefined;

type Callback = () => void | Promise<void>;

function transactionOf(manager: EntityManager, callbacks: Callback[]): Tx {
  const runner = manager.queryRunner as QueryRunner;
  const tx = {
    manager,
    afterCommit: (callback: Callback): void => void callbacks.push(callback),
    async query<Values, Row>(statement: Statement<Values, Row>, values: NoInfer<Values>): Promise<Row[]> {
      const client = (await runner.connect()) as PoolClient;
      const { rows } = await client.query<Row & object>(toQuery(statement, values));
      return rows;
    },
  };
  return tx as unknown as Tx;
}

/** What `pg` takes. It prepares the text under the name once per connection. */
function toQuery<Values>(statement: Statement<Values, unknown>, values: Values): QueryConfig {
  const { name, text, bind, plannedAnew } = statement;
  return plannedAnew ? { text, values: bind(values) } : { name, text, values: bind(values) };
}
