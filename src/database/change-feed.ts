import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { statement, type Queryable } from './statement.js';
import { codeOf } from './transaction.js';

export type ChangeTopic = 'client' | 'keys' | 'deliveries' | 'upstream';
type Listener = (id: string | undefined) => void;

const CHANNEL = 'exeunt_changes';
const RECONNECT_MS = 1000;
const NOTIFY = statement('change_feed_notify', `SELECT pg_notify('${CHANNEL}', $1)`);

/**
 * Tells every node that something cached has changed. A hint, not the truth: notices can be lost, so each cache also
 * has a maximum age, and after a lost connection every listener is called with `undefined` ("drop everything").
 */
@Injectable()
export class ChangeFeed implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(ChangeFeed.name);
  private readonly listeners = new Map<ChangeTopic, Set<Listener>>();
  private client: pg.Client | undefined;
  private reconnect: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(private readonly dataSource: DataSource) {}

  async onModuleInit(): Promise<void> {
    await this.connect();
  }

  async onApplicationShutdown(): Promise<void> {
    this.closed = true;
    clearTimeout(this.reconnect);
    await this.client?.end();
  }

  subscribe(topic: ChangeTopic, listener: Listener): void {
    const listeners = this.listeners.get(topic) ?? new Set();
    listeners.add(listener);
    this.listeners.set(topic, listeners);
  }

  /** Within a transaction the notice goes out when, and only when, it commits. */
  async publish(db: Queryable, topic: ChangeTopic, id = ''): Promise<void> {
    await db.query(NOTIFY, [`${topic}:${id}`]);
  }

  private async connect(): Promise<void> {
    const { url } = this.dataSource.options as { url: string };
    const client = new pg.Client({ connectionString: url, application_name: 'exeunt-changes', keepAlive: true });
    client.on('notification', ({ payload }) => this.dispatch(payload ?? ''));
    client.on('error', (error) => this.lost(client, error));
    client.on('end', () => this.lost(client, new Error('Connection terminated')));
    this.client = client;
    try {
      await client.connect();
      await client.query(`LISTEN ${CHANNEL}`);
    } catch (error) {
      this.lost(client, error);
    }
  }

  private lost(client: pg.Client, error: unknown): void {
    if (this.closed || this.client !== client) return;
    this.client = undefined;
    this.logger.warn(`change feed lost: ${codeOf(error)}`);
    client.end().catch(() => undefined); // already broken; nothing more to learn from it
    this.reconnect = setTimeout(() => {
      void this.connect().then(() => this.dropEverything());
    }, RECONNECT_MS);
  }

  private dispatch(payload: string): void {
    const at = payload.indexOf(':');
    const topic = payload.slice(0, at) as ChangeTopic;
    const id = payload.slice(at + 1);
    for (const listener of this.listeners.get(topic) ?? []) listener(id === '' ? undefined : id);
  }

  private dropEverything(): void {
    for (const listeners of this.listeners.values()) for (const listener of listeners) listener(undefined);
  }
}
