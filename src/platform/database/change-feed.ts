import { Inject, Injectable, Logger, Optional, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import pg, { type Pool } from 'pg';
import { DataSource } from 'typeorm';
import { SETTINGS, type Settings } from '../config/settings.js';
import { statement, type Queryable } from './statement.js';
import { within } from './time-limit.js';
import { codeOf } from './storage-errors.js';

export type ChangeTopic = 'client' | 'keys' | 'deliveries' | 'upstream';
type Listener = (id: string | undefined) => void;

const CHANNEL = 'exeunt_changes';
const HEARTBEAT = 'heartbeat';
const RECONNECT_MS = 1000;
const CONNECT_MS = 5000;
const GOODBYE_MS = 1000;
const NOTIFY = statement({
  name: 'change_feed_notify',
  parameters: { payload: 'text' },
  row: { pg_notify: 'void' },
  text: `SELECT pg_notify('${CHANNEL}', :payload)`,
});

/** Nest's injection token: how often the feed is put to the test, and how long a heartbeat may take. */
export const HEARTBEAT_MS = Symbol('HEARTBEAT_MS');
const DEFAULT_HEARTBEAT_MS = 5000;

/**
 * Tells every node that something cached has changed. A hint, not the truth: messages can be lost, so each cache also
 * has a maximum age, and after a lost connection every listener is called with `undefined` ("drop everything").
 *
 * A connection may be lost without a word, such as when a firewall forgets it: it would listen for ever and receive
 * nothing. So a heartbeat is sent by another connection (the pool's) at an interval; when it does not arrive, the
 * connection is given up and replaced.
 */
@Injectable()
export class ChangeFeed implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(ChangeFeed.name);
  private readonly listeners = new Map<ChangeTopic, Set<Listener>>();
  private readonly backListeners: (() => void)[] = [];
  private readonly heartbeatMs: number;
  private client: pg.Client | undefined;
  private listening = false;
  private readonly beats = new Map<string, () => void>();
  private reconnect: NodeJS.Timeout | undefined;
  private heartbeat: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(
    private readonly dataSource: DataSource,
    @Optional() @Inject(HEARTBEAT_MS) heartbeatMs?: number,
    @Optional() @Inject(SETTINGS) private readonly settings?: Pick<Settings, 'databaseDirectUrl'>,
  ) {
    this.heartbeatMs = heartbeatMs ?? DEFAULT_HEARTBEAT_MS;
  }

  async onModuleInit(): Promise<void> {
    await this.connect();
    this.beatLater();
  }

  async onApplicationShutdown(): Promise<void> {
    this.closed = true;
    clearTimeout(this.reconnect);
    clearTimeout(this.heartbeat);
    const { client } = this;
    // A connection that has fallen silent does not say goodbye.
    if (client !== undefined) await within(GOODBYE_MS, client.end()).catch(() => destroy(client));
  }

  /** Whether the last heartbeat arrived. While it is false, caches change when their time is up and no sooner. */
  get hears(): boolean {
    return this.listening;
  }

  subscribe(topic: ChangeTopic, listener: Listener): void {
    const listeners = this.listeners.get(topic) ?? new Set();
    listeners.add(listener);
    this.listeners.set(topic, listeners);
  }

  /** @param listener is called each time the feed is there again: another machine may be the primary by then */
  whenBack(listener: () => void): void {
    this.backListeners.push(listener);
  }

  /** Within a transaction the notice goes out when, and only when, it commits. */
  async publish(db: Queryable, topic: ChangeTopic, id = ''): Promise<void> {
    await db.query(NOTIFY, { payload: `${topic}:${id}` });
  }

  private async connect(): Promise<void> {
    const { url } = this.dataSource.options as { url: string };
    // A pooler has no connection to hand a notification to.
    const connectionString = this.settings?.databaseDirectUrl ?? url;
    const client = new pg.Client({
      connectionString,
      application_name: 'exeunt-changes',
      keepAlive: true,
      connectionTimeoutMillis: CONNECT_MS,
      query_timeout: CONNECT_MS,
    });
    client.on('notification', ({ payload }) => this.dispatch(payload ?? ''));
    client.on('error', (error) => this.lost(client, codeOf(error)));
    client.on('end', () => this.lost(client, 'closed'));
    this.client = client;
    try {
      await client.connect();
      // A standby refuses this.
      await client.query(`LISTEN ${CHANNEL}`);
      this.listening = true;
    } catch (error) {
      this.lost(client, codeOf(error));
    }
  }

  private lost(client: pg.Client, why: string): void {
    if (this.closed || this.client !== client) return;
    this.client = undefined;
    this.listening = false;
    this.logger.warn(`change feed lost: ${why}`);
    destroy(client);
    this.reconnect = setTimeout(() => {
      void this.connect().then(() => this.dropEverything());
    }, RECONNECT_MS);
  }

  private beatLater(): void {
    if (this.closed) return;
    this.heartbeat = setTimeout(() => {
      void this.beat().finally(() => this.beatLater());
    }, this.heartbeatMs);
    this.heartbeat.unref();
  }

  private async beat(): Promise<void> {
    const { client } = this;
    if (client === undefined || !this.listening) return;
    const id = randomUUID();
    const heard = new Promise<void>((resolve) => this.beats.set(id, resolve));
    try {
      // Not by the listening connection itself: a pooler hands on what comes while it is asked something, and nothing else.
      if (await this.send(id)) await within(this.heartbeatMs, heard);
    } catch {
      this.lost(client, 'no heartbeat');
    } finally {
      this.beats.delete(id);
    }
  }

  /** False when storage does not answer: that says nothing of the feed. */
  private async send(id: string): Promise<boolean> {
    const pool = (this.dataSource.driver as unknown as { master: Pool }).master;
    try {
      await pool.query({
        name: NOTIFY.name,
        text: NOTIFY.text,
        values: NOTIFY.bind({ payload: `${HEARTBEAT}:${id}` }),
      });
      return true;
    } catch {
      return false;
    }
  }

  private dispatch(payload: string): void {
    const at = payload.indexOf(':');
    const topic = payload.slice(0, at);
    const id = payload.slice(at + 1);
    if (topic === HEARTBEAT) this.beats.get(id)?.();
    else for (const listener of this.listeners.get(topic as ChangeTopic) ?? []) listener(id === '' ? undefined : id);
  }

  private dropEverything(): void {
    for (const listeners of this.listeners.values()) for (const listener of listeners) listener(undefined);
    for (const listener of this.backListeners) listener();
  }
}

/** Without a goodbye, which would wait for an answer. */
function destroy(client: pg.Client): void {
  (client as unknown as { readonly connection: { readonly stream: Socket } }).connection.stream.destroy();
}
