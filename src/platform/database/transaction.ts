import { Injectable, Logger } from '@nestjs/common';
import { DataSource, type EntityManager, type QueryRunner } from 'typeorm';
import type { Pool, PoolClient } from 'pg';
import { READ_ONLY } from './connections.js';
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
    // nobody does. A Postgres that stops in that moment must not end the process; whoever got the connection learns of
    // it.
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

  /**
   * A connection that has turned out to end at a standby is dropped, and the next one goes to whoever is the primary.
   */
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

/** The SQLSTATE of a database error, whether it came through TypeORM or from `pg` itself. */
export function sqlState(error: unknown): string | undefined {
  const source = error as { code?: unknown; driverError?: { code?: unknown } } | null;
  const code = source?.driverError?.code ?? source?.code;
  return typeof code === 'string' ? code : undefined;
}

/** Whether this is a unique violation (23505): someone was first. With `constraint`, of that one only. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  if (sqlState(error) !== '23505') return false;
  const source = error as { constraint?: string; driverError?: { constraint?: string } };
  return constraint === undefined || (source.driverError?.constraint ?? source.constraint) === constraint;
}

/**
 * Whether Postgres was reached and could not take a value: SQLSTATE class 22 (data exception: NUL, half a character, a
 * number out of range) and class 54 (program limit: too deep, too long for an index). Nothing was written, and sending
 * the same again does not help, so this is the request's mistake and no failure of storage.
 */
export function isRefusedValue(error: unknown): boolean {
  return error instanceof Error && /^(22|54)[0-9A-Z]{3}$/.test(sqlState(error) ?? '');
}

/**
 * Whether the database failed us, as against a mistake in the request. Edges answer 503 to these, never success
 * (docs/threat-model.md#success-without-storage).
 */
export function isStorageFailure(error: unknown): boolean {
  if (!(error instanceof Error) || isRefusedValue(error)) return false;
  if (error.name === 'QueryFailedError' || error.name === 'TransactionNotStartedError') return true;
  const state = sqlState(error);
  if (state === undefined)
    return /connection terminated|connection timeout|timeout exceeded when trying to connect|query read timeout|not queryable|Cannot use a pool/i.test(
      error.message,
    );
  return /^[0-9A-Z]{5}$/.test(state) || isNetworkCode(state);
}

/** Whether the database cannot be reached or cannot work at all, as against a statement that it did not carry out. */
export function isStorageAway(error: unknown): boolean {
  if (!isStorageFailure(error)) return false;
  const state = sqlState(error);
  return state === undefined || isNetworkCode(state) || /^(08|25006|53|57|58)/.test(state);
}

/**
 * Why a host, a name or a socket cannot be reached: a machine that is gone, a network that is down, a name that moves.
 */
const NETWORK_CODES = new Set(
  `EACCES EADDRINUSE EADDRNOTAVAIL EAGAIN EALREADY ECANCELED ECONNABORTED ECONNREFUSED ECONNRESET EHOSTDOWN EHOSTUNREACH EINTR
   EIO EISCONN EMFILE ENETDOWN ENETRESET ENETUNREACH ENFILE ENOBUFS ENOENT ENOMEM ENONET ENOTCONN ENOTSOCK EPERM EPIPE EPROTO
   ESHUTDOWN ETIMEDOUT ENOTFOUND ENODATA ESERVFAIL EREFUSED ETIMEOUT EBADRESP ECONNECTING`.split(/\s+/),
);

/** Whether the system's code says that the other end was not reached, the name's look-up and TLS included. */
export function isNetworkCode(code: string): boolean {
  return NETWORK_CODES.has(code) || /^(EAI_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|CERT_|DEPTH_ZERO_|SELF_SIGNED_)/.test(code);
}

/** What a log may say about an error: its code, such as a SQLSTATE. Never its message, which may quote values. */
export function codeOf(error: unknown): string {
  const code = sqlState(error);
  if (code !== undefined) return code;
  if (isStorageFailure(error)) return 'no connection';
  return error instanceof Error ? error.name : typeof error;
}
