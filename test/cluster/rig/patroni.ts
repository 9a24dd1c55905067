import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { aDataDirectory } from '../../start/service.js';
import { freePort } from '../../support/ports.js';
import { WAIT } from '../../faults/scene.js';
import { Daemon, giveToPostgres, signalPostgres } from './daemon.js';
import { tools } from './tools.js';

const MEMBERS = ['one', 'two', 'three'];
export const DATABASE = 'exeunt';

/** One of the three: a Postgres and the Patroni that looks after it. */
export class Member {
  private daemon: Daemon | undefined;

  constructor(
    readonly name: string,
    readonly port: number,
    readonly apiPort: number,
    readonly dataDirectory: string,
    private readonly directory: string,
    private readonly configuration: string,
  ) {}

  start(): void {
    this.daemon = Daemon.start(`patroni-${this.name}`, this.directory, tools().patroni, [this.configuration], {
      asPostgres: true,
    });
  }

  /** A signal for Patroni, and for Postgres, too, unless only one is named. */
  signal(name: NodeJS.Signals, which: 'both' | 'patroni' | 'postgres' = 'both'): void {
    if (which !== 'postgres') this.daemon?.signal(name);
    if (which !== 'patroni') signalPostgres(this.dataDirectory, name);
  }

  /** A signal for the process that receives what the primary writes. */
  signalReceiver(name: NodeJS.Signals): void {
    signalPostgres(this.dataDirectory, name, /walreceiver/);
  }

  /** Starts Patroni again after it was killed. */
  async restart(): Promise<void> {
    await this.daemon?.stop('SIGKILL');
    this.start();
  }

  /** What Patroni says of it: `master`, `replica`, or nothing. */
  async role(): Promise<string | undefined> {
    try {
      const response = await fetch(`http://127.0.0.1:${this.apiPort}/patroni`, { signal: AbortSignal.timeout(2000) });
      const { role, state } = (await response.json()) as { role: string; state: string };
      return state === 'running' ? role : undefined;
    } catch {
      return undefined;
    }
  }

  async isLeader(): Promise<boolean> {
    try {
      return (await fetch(`http://127.0.0.1:${this.apiPort}/primary`, { signal: AbortSignal.timeout(2000) })).ok;
    } catch {
      return false;
    }
  }

  /** Postgres itself, at this member, whatever it is at the moment. */
  get url(): string {
    return `postgres://postgres:postgres@127.0.0.1:${this.port}/${DATABASE}`;
  }

  async stop(): Promise<void> {
    this.signal('SIGCONT');
    await this.daemon?.stop('SIGKILL');
    signalPostgres(this.dataDirectory, 'SIGKILL');
  }
}

/**
 * Three Postgres under Patroni and etcd, and an HAProxy before them that leads to the primary, by Patroni's own template.
 * Programs of Debian, with the timers of a production: a failover takes some twenty seconds.
 */
export class PatroniCluster {
  private constructor(
    private readonly directory: string,
    readonly members: readonly Member[],
    private readonly daemons: readonly Daemon[],
    private readonly primaryPort: number,
    private readonly replicaPort: number,
    private readonly synchronous: boolean,
  ) {}

  /** Starts it and waits for a primary that both others follow. */
  static async start({ synchronous }: { readonly synchronous: boolean }): Promise<PatroniCluster> {
    const directory = aDataDirectory();
    giveToPostgres(directory);
    const [etcdPort, etcdPeerPort, primaryPort, replicaPort] = await Promise.all([
      freePort(),
      freePort(),
      freePort(),
      freePort(),
    ]);
    const etcd = Daemon.start('etcd', directory, tools().etcd, etcdArguments(directory, etcdPort, etcdPeerPort));
    const members: Member[] = [];
    for (const name of MEMBERS) {
      const [port, apiPort] = [await freePort(), await freePort()];
      const dataDirectory = join(directory, `data-${name}`);
      const file = join(directory, `patroni-${name}.yml`);
      writeFileSync(
        file,
        JSON.stringify(patroniConfiguration({ name, directory, port, apiPort, etcdPort, synchronous })),
      );
      members.push(new Member(name, port, apiPort, dataDirectory, directory, file));
    }
    const haproxyFile = join(directory, 'haproxy.cfg');
    writeFileSync(haproxyFile, haproxyConfiguration(members, primaryPort, replicaPort));
    const haproxy = Daemon.start('haproxy', directory, tools().haproxy, ['-db', '-f', haproxyFile]);
    const cluster = new PatroniCluster(directory, members, [etcd, haproxy], primaryPort, replicaPort, synchronous);
    for (const member of members) member.start();
    await cluster.whole();
    await cluster.createDatabase();
    return cluster;
  }

  /** The primary, by way of HAProxy, as the service's own role. */
  get url(): string {
    return `postgres://exeunt:exeunt@127.0.0.1:${this.primaryPort}/${DATABASE}`;
  }

  /** One of the replicas, by way of HAProxy. */
  get replicaUrl(): string {
    return `postgres://exeunt:exeunt@127.0.0.1:${this.replicaPort}/${DATABASE}`;
  }

  get port(): number {
    return this.primaryPort;
  }

  async leader(): Promise<Member> {
    return vi.waitUntil(async () => {
      for (const member of this.members) if (await member.isLeader()) return member;
      return undefined;
    }, WAIT);
  }

  async replicas(): Promise<Member[]> {
    const leader = await this.leader();
    return this.members.filter((member) => member !== leader);
  }

  /** Waits until there is one primary and both others run and follow it, one of them synchronously if they are to. */
  async whole(): Promise<void> {
    await vi.waitUntil(async () => {
      const roles = await Promise.all(this.members.map((member) => member.role()));
      return (
        roles.filter((role) => role === 'master' || role === 'primary').length === 1 &&
        roles.filter((role) => role === 'replica').length === 2 &&
        (await this.follow())
      );
    }, WAIT);
  }

  /** Asks Patroni for an orderly change of the primary. */
  async switchover(): Promise<void> {
    const leader = await this.leader();
    const response = await fetch(`http://127.0.0.1:${leader.apiPort}/switchover`, {
      method: 'POST',
      body: JSON.stringify({ leader: leader.name }),
    });
    if (!response.ok) throw new Error(`switchover: ${response.status} ${await response.text()}`);
  }

  async stop(): Promise<void> {
    await Promise.all(this.members.map((member) => member.stop()));
    await Promise.all(this.daemons.map((daemon) => daemon.stop('SIGKILL')));
    rmSync(this.directory, { recursive: true, force: true });
  }

  private async follow(): Promise<boolean> {
    try {
      const rows = await queryAt<{ sync_state: string }>(
        await this.maintenanceUrl(),
        `SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'`,
      );
      return rows.length === 2 && (!this.synchronous || (await this.hasSynchronousStandby()));
    } catch {
      return false;
    }
  }

  /** By Patroni's word: it notes a standby a moment after Postgres waits for it, and would not change over before. */
  private async hasSynchronousStandby(): Promise<boolean> {
    const response = await fetch(`http://127.0.0.1:${(await this.leader()).apiPort}/cluster`);
    const { members } = (await response.json()) as { members: { role: string }[] };
    return members.some(({ role }) => role === 'sync_standby');
  }

  private async maintenanceUrl(): Promise<string> {
    return (await this.leader()).url.replace(`/${DATABASE}`, '/postgres');
  }

  /** A role like one in production: no superuser. What waits for no ending is committed without a replica's word. */
  private async createDatabase(): Promise<void> {
    const postgres = await this.maintenanceUrl();
    await queryAt(postgres, `CREATE ROLE exeunt LOGIN PASSWORD 'exeunt'`);
    await queryAt(postgres, 'ALTER ROLE exeunt SET synchronous_commit = local');
    await queryAt(postgres, `CREATE DATABASE ${DATABASE} OWNER exeunt`);
  }
}

async function queryAt<Row>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 3000 });
  try {
    await client.connect();
    return (await client.query(sql)).rows as Row[];
  } finally {
    await client.end().catch(() => undefined);
  }
}

function etcdArguments(directory: string, port: number, peerPort: number): string[] {
  const [client, peer] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${peerPort}`];
  return Object.entries({
    name: 'etcd',
    'data-dir': join(directory, 'etcd'),
    logger: 'zap',
    'log-level': 'warn',
    'enable-v2': 'true',
    'listen-client-urls': client,
    'advertise-client-urls': client,
    'listen-peer-urls': peer,
    'initial-advertise-peer-urls': peer,
    'initial-cluster': `etcd=${peer}`,
  }).map(([name, value]) => `--${name}=${value}`);
}

interface MemberPlan {
  readonly name: string;
  readonly directory: string;
  readonly port: number;
  readonly apiPort: number;
  readonly etcdPort: number;
  readonly synchronous: boolean;
}

/** Patroni reads YAML, of which JSON is a part. */
function patroniConfiguration({ name, directory, port, apiPort, etcdPort, synchronous }: MemberPlan): object {
  const password = (username: string): object => ({ username, password: username });
  return {
    scope: 'exeunt',
    name,
    restapi: { listen: `127.0.0.1:${apiPort}`, connect_address: `127.0.0.1:${apiPort}` },
    // By etcd's older interface: by the newer one Patroni 3.0 takes its lock back, without asking, when it wakes after its place was
    // given to another, and what that one committed is lost (docs/operations.md#what-a-failover-can-undo).
    etcd: { hosts: `127.0.0.1:${etcdPort}` },
    bootstrap: {
      dcs: {
        ttl: 20,
        loop_wait: 5,
        retry_timeout: 5,
        maximum_lag_on_failover: 104_857_600,
        synchronous_mode: synchronous,
        postgresql: { use_pg_rewind: true, parameters: { wal_log_hints: 'on', max_connections: 100 } },
      },
      initdb: [{ encoding: 'UTF8' }, { locale: 'C.UTF-8' }, 'data-checksums'],
    },
    postgresql: {
      listen: `127.0.0.1:${port}`,
      connect_address: `127.0.0.1:${port}`,
      data_dir: join(directory, `data-${name}`),
      bin_dir: tools().postgres,
      pgpass: join(directory, `pgpass-${name}`),
      authentication: {
        superuser: password('postgres'),
        replication: password('replicator'),
        rewind: password('rewinder'),
      },
      parameters: { unix_socket_directories: directory, shared_buffers: '64MB' },
      pg_hba: [
        'local all all trust',
        'host all all 127.0.0.1/32 scram-sha-256',
        'host replication replicator 127.0.0.1/32 scram-sha-256',
      ],
    },
  };
}

function haproxyConfiguration(members: readonly Member[], primaryPort: number, replicaPort: number): string {
  const servers = members
    .map(({ name, port, apiPort }) => `  server ${name} 127.0.0.1:${port} maxconn 100 check port ${apiPort}`)
    .join('\n');
  const listen = (name: string, port: number): string => `
listen ${name}
  bind 127.0.0.1:${port}
  option httpchk OPTIONS /${name}
  http-check expect status 200
  default-server inter 3s fall 3 rise 2 on-marked-down shutdown-sessions
${servers}
`;
  return `global
  maxconn 400
defaults
  mode tcp
  retries 2
  timeout client 30m
  timeout connect 4s
  timeout server 30m
  timeout check 5s
${listen('primary', primaryPort)}${listen('replica', replicaPort)}`;
}
