import { Inject, Injectable, Logger, Optional } from '@nestjs/common';
import { DataSource, type EntityManager, type QueryRunner } from 'typeorm';
import type { Pool, PoolClient } from 'pg';
import { SETTINGS, type Settings } from '../config/settings.js';
import { cancelRequest } from './cancel-request.js';
import { READ_ONLY } from './connections.js';
import { CONFIRM, NotReplicatedError, saysNotReplicated } from './durability.js';
import { measurePoolWait } from './pool-wait.js';
import { POSITION, Replica } from './replica.js';
import { StatementForms, type FormSettings } from './statement-forms.js';
import { isSilence, sqlState } from './storage-errors.js';
import { warnOf } from './storage-log.js';
import type { Queryable, Statement } from './statement.js';
import { spanned, Tracing, type Span } from '../tracing/tracing.js';

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
  private readonly forms: StatementForms;
  /** What lists are read from, where it is set. */
  readonly replica: Replica | undefined;
  /** Connections whose last commit is on no standby, though it was to be. */
  private readonly unreplicated = new WeakSet<PoolClient>();

  /** @param settings without them, the cluster's own settings say what a commit waits for, and no pooler is in between */
  constructor(
    private readonly dataSource: DataSource,
    @Optional()
    @Inject(SETTINGS)
    settings?: FormSettings & Pick<Settings, 'databaseReplicaUrl'>,
    @Optional() readonly tracing: Tracing = new Tracing(),
  ) {
    this.forms = new StatementForms(settings);
    const { databaseReplicaUrl } = settings ?? {};
    this.replica = databaseReplicaUrl === undefined ? undefined : new Replica(databaseReplicaUrl);
    this.pool = (dataSource.driver as unknown as { master: Pool }).master;
    this.waitedSeconds = measurePoolWait(this.pool);
    // Between the pool, which listens for errors of idle connections, and TypeORM, which listens in the next turn,
    // there is no listener. A Postgres that stops in that moment must not end the process; the caller that got the
    // connection gets the error.
    this.pool.on('acquire', (client) => {
      if (client.listeners('error').includes(ignore)) return;
      client.on('error', ignore);
      client.on('notice', (notice) => saysNotReplicated(notice) && this.unreplicated.add(client));
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
        return await this.runOnce(work);
      } catch (error) {
        if (attempt >= MAX_ATTEMPTS || !RETRYABLE.has(sqlState(error) ?? '')) throw error;
        this.logger.debug(`transaction runs again after SQLSTATE ${sqlState(error)}`);
      }
    }
  }

  private async runOnce<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const open: OpenTransaction = { callbacks: [], endsOn: undefined };
    try {
      const result = await this.dataSource.transaction((manager) => this.watched(manager, open, work));
      const lasts = open.endsOn === undefined || this.isReplicated(open.endsOn);
      // It stands here in any case.
      await this.callAll(open.callbacks);
      if (!lasts) throw new NotReplicatedError();
      return result;
    } catch (error) {
      if (open.endsOn !== undefined) await this.stopWaiting(open.endsOn, error);
      throw error;
    }
  }

  /** A connection that has turned out to end at a standby is dropped, and the next one goes to the new primary. */
  private async watched<T>(manager: EntityManager, open: OpenTransaction, work: (tx: Tx) => Promise<T>): Promise<T> {
    try {
      return await work(this.transactionOf(manager, open));
    } catch (error) {
      if (sqlState(error) === READ_ONLY) this.spoiled.add((await manager.queryRunner?.connect()) as PoolClient);
      throw error;
    }
  }

  get connections(): ConnectionFigures {
    const { idleCount: idle, totalCount, waitingCount: waiting } = this.pool;
    return { idle, inUse: totalCount - idle, waiting, waitedSeconds: this.waitedSeconds() };
  }

  private transactionOf(manager: EntityManager, open: OpenTransaction): Tx {
    const runner = manager.queryRunner as QueryRunner;
    const run = async <Values, Row>(statement: Statement<Values, Row>, values: Values): Promise<Row[]> => {
      const client = (await runner.connect()) as PoolClient;
      if (this.forms.waits(statement) && open.endsOn !== client) {
        open.endsOn = client;
        this.unreplicated.delete(client);
      }
      const { rows } = await client.query<Row & object>(this.forms.queryOf(statement, values));
      return rows;
    };
    const query = <Values, Row>(statement: Statement<Values, Row>, values: NoInfer<Values>): Promise<Row[]> =>
      spanned(statementSpan(this.tracing, statement.name), () => run(statement, values));
    const tx = { manager, afterCommit: (callback: Callback): void => void open.callbacks.push(callback), query };
    return tx as unknown as Tx;
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
    await this.replica?.close();
  }

  /** One statement, one round trip: it commits or fails as a whole. Retried like a transaction. */
  query<Values, Row>(statement: Statement<Values, Row>, values: NoInfer<Values>): Promise<Row[]> {
    return spanned(statementSpan(this.tracing, statement.name), () => this.queried(statement, values));
  }

  private async queried<Values, Row>(statement: Statement<Values, Row>, values: Values): Promise<Row[]> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        if (this.forms.waits(statement)) return await this.end(statement, values);
        const { rows } = await this.pool.query<Row & object>(this.forms.queryOf(statement, values));
        return rows;
      } catch (error) {
        if (attempt >= MAX_ATTEMPTS || !RETRYABLE.has(sqlState(error) ?? '')) throw error;
      }
    }
  }

  /**
   * A list that an operator looks at, and that decides nothing. It may come from the replica, when that has what the primary
   * had when this was called; otherwise from the primary.
   */
  async list<Values, Row>(statement: Statement<Values, Row>, values: NoInfer<Values>): Promise<Row[]> {
    const { replica } = this;
    if (replica?.mayAnswer !== true) return this.query(statement, values);
    const [here] = await this.query(POSITION, {});
    const { name, text, bind, plannedAnew } = statement;
    const query = { ...(plannedAnew ? {} : { name }), text, values: bind(values) };
    const rows = here === undefined ? undefined : await replica.rows<Row & object>(query, here.position);
    return rows ?? this.query(statement, values);
  }

  /**
   * What was committed before is on a standby, too, when this returns, if endings are to be: also what was answered 503
   * for that reason. Else it does nothing.
   */
  async confirm(): Promise<void> {
    if (this.forms.durability === 'replicated') await this.query(CONFIRM, {});
  }

  /** One that ends something, by itself. @throws NotReplicatedError */
  private async end<Values, Row>(statement: Statement<Values, Row>, values: Values): Promise<Row[]> {
    const client = await this.pool.connect();
    let failure: Error | undefined;
    try {
      this.unreplicated.delete(client);
      const { rows } = await client.query<Row & object>(this.forms.queryOf(statement, values));
      if (!this.isReplicated(client)) throw new NotReplicatedError();
      return rows;
    } catch (error) {
      failure = error as Error;
      await this.stopWaiting(client, error);
      throw error;
    } finally {
      client.release(failure);
    }
  }

  /** Whether the last commit is where it was to be. `local` asks for nothing. Asked at once: the connection is lent again. */
  private isReplicated(client: PoolClient): boolean {
    return !this.unreplicated.delete(client) || this.forms.durability !== 'replicated';
  }

  /**
   * Nothing limits how long Postgres waits for a standby: a backend whose client has long given up would keep its place until
   * that answers, and with enough of them no connection is left.
   */
  private async stopWaiting(client: PoolClient, error: unknown): Promise<void> {
    if (this.forms.durability === 'replicated' && isSilence(error)) await cancelRequest(client);
  }
}

/**
 * A span of a statement: its name, which we gave it, and no value. None for what no recorded trace waits for, such as
 * the looking around that timers do.
 */
export function statementSpan(tracing: Tracing, name: string): Span | undefined {
  const span = tracing.child(name, 'client');
  span?.set({ 'db.system.name': 'postgresql', 'db.operation.name': name });
  return span;
}

const ignore = (): void => undefined;

type Callback = () => void | Promise<void>;

interface OpenTransaction {
  readonly callbacks: Callback[];
  /** The connection, once something has ended that the setting is about. */
  endsOn: PoolClient | undefined;
}
