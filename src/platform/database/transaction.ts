import { Injectable, Logger } from '@nestjs/common';
import { DataSource, type EntityManager, type QueryRunner } from 'typeorm';
import type { Pool, PoolClient } from 'pg';
import { READ_ONLY } from './connections.js';
import { sqlState } from './storage-errors.js';
import type { Queryable, Statement } from './statement.js';

declare const brand: unique symbol;

/**
 * An open transaction. Only {@link TransactionRunner} makes one, and every write takes one as its first argument, so
 * that no statement can silently fall out of the transaction it belongs to.
 */
export interface Tx extends Queryable {
  readonly [brand]: true;
  readonly manager: EntityManager;
}

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

  constructor(private readonly dataSource: DataSource) {
    this.pool = (dataSource.driver as unknown as { master: Pool }).master;
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
   * failure runs the whole of it again, a few times, so `work` must have no effect outside the database.
   */
  async run<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.dataSource.transaction((manager) => this.watched(manager, work));
      } catch (error) {
        if (attempt >= MAX_ATTEMPTS || !RETRYABLE.has(sqlState(error) ?? '')) throw error;
        this.logger.debug(`transaction runs again after SQLSTATE ${sqlState(error)}`);
      }
    }
  }

  /** A connection that has turned out to end at a standby is dropped, and the next one goes to the new primary. */
  private async watched<T>(manager: EntityManager, work: (tx: Tx) => Promise<T>): Promise<T> {
    try {
      return await work(transactionOf(manager));
    } catch (error) {
      if (sqlState(error) === READ_ONLY) this.spoiled.add((await manager.queryRunner?.connect()) as PoolClient);
      throw error;
    }
  }

  /** One statement, one round trip: it commits or fails as a whole. Retried like a transaction. */
  async query<Row>(statement: Statement, values: readonly unknown[]): Promise<Row[]> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const { rows } = await this.pool.query({ name: statement.name, text: statement.text, values: [...values] });
        return rows as Row[];
      } catch (error) {
        if (attempt >= MAX_ATTEMPTS || !RETRYABLE.has(sqlState(error) ?? '')) throw error;
      }
    }
  }

  /** For reads through TypeORM that need no transaction. */
  get reader(): EntityManager {
    return this.dataSource.manager;
  }
}

const ignore = (): void => undefined;

function transactionOf(manager: EntityManager): Tx {
  const runner = manager.queryRunner as QueryRunner;
  const tx = {
    manager,
    async query<Row>(statement: Statement, values: readonly unknown[]): Promise<Row[]> {
      const client = (await runner.connect()) as PoolClient;
      const { rows } = await client.query({ name: statement.name, text: statement.text, values: [...values] });
      return rows as Row[];
    },
  };
  return tx as unknown as Tx;
}
