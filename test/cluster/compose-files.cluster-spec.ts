import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { WAIT } from '../faults/scene.js';
import { aDataDirectory, ADMIN_ENV, buildOnce, Operator, Service } from '../start/service.js';
import { freePort } from '../support/ports.js';
import { Daemon, giveToPostgres, signalPostgres } from './rig/daemon.js';
import { missing, tools } from './rig/tools.js';

const FILES = join(process.cwd(), 'deploy', 'compose');
const MEMBERS = ['one', 'two', 'three'] as const;
/** A quote in it would show where one is forgotten. */
const PASSWORD = 'it"is-only-here';

interface Place {
  readonly postgres: number;
  readonly api: number;
}

/**
 * The configuration files of deploy/compose, started as its images start them: with Debian's programs, and on ports of this machine
 * instead of names. The only thing that is replaced in them is where an image has them.
 */
describe.skipIf(missing.length > 0)('the files of deploy/compose', () => {
  const daemons: Daemon[] = [];
  const patroni = new Map<string, Daemon>();
  const nodes: Service[] = [];
  let directory: string;
  let places: Readonly<Record<(typeof MEMBERS)[number], Place>>;
  let ports: { readonly primary: number; readonly replica: number; readonly http: number; readonly pooler: number };
  let front: string;

  beforeAll(async () => {
    buildOnce();
    directory = aDataDirectory();
    giveToPostgres(directory);
    const place = async (): Promise<Place> => ({ postgres: await freePort(), api: await freePort() });
    places = { one: await place(), two: await place(), three: await place() };
    ports = { primary: await freePort(), replica: await freePort(), http: await freePort(), pooler: await freePort() };
    front = `http://localhost:${ports.http}`;
    const nodePorts = [await freePort(), await freePort()];
    startPostgres(await startEtcd());
    startBalancer(nodePorts);
    startPooler();
    await vi.waitUntil(() => asked(ports.primary), WAIT);
    for (const port of nodePorts)
      nodes.push(
        await Service.start({
          ...ADMIN_ENV,
          PORT: String(port),
          ISSUER: front,
          DATABASE_URL: urlBy(ports.pooler),
          DATABASE_DIRECT_URL: urlBy(ports.primary),
          LOGOUT_DURABILITY: 'replicated',
        }),
      );
  });

  afterAll(async () => {
    for (const node of nodes) node.signal('SIGKILL');
    for (const daemon of [...patroni.values(), ...daemons]) await daemon.stop('SIGKILL');
    for (const name of MEMBERS) signalPostgres(dataOf(name), 'SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });

  const urlBy = (port: number): string => `postgres://exeunt:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/exeunt`;
  const dataOf = (name: string): string => join(directory, `data-${name}`);

  async function startEtcd(): Promise<number> {
    const [port, peer] = [await freePort(), await freePort()];
    const [client, other] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${peer}`];
    const env = {
      ETCD_NAME: 'etcd',
      ETCD_DATA_DIR: join(directory, 'etcd'),
      ETCD_LISTEN_CLIENT_URLS: client,
      ETCD_ADVERTISE_CLIENT_URLS: client,
      ETCD_LISTEN_PEER_URLS: other,
      ETCD_INITIAL_ADVERTISE_PEER_URLS: other,
      ETCD_INITIAL_CLUSTER: `etcd=${other}`,
    };
    daemons.push(Daemon.start('etcd', directory, tools().etcd, [], { env }));
    return port;
  }

  function startPostgres(etcd: number): void {
    const script = join(directory, 'post-bootstrap.sh');
    copyFileSync(join(FILES, 'patroni', 'post-bootstrap.sh'), script);
    const configuration = join(directory, 'patroni.yml');
    const text = readFileSync(join(FILES, 'patroni', 'patroni.yml'), 'utf8');
    writeFileSync(configuration, text.replaceAll('/etc/patroni/post-bootstrap.sh', script));
    for (const name of MEMBERS) {
      const { postgres, api } = places[name];
      const env = {
        PATRONI_NAME: name,
        PATRONI_ETCD3_HOSTS: `'127.0.0.1:${etcd}'`,
        PATRONI_RESTAPI_LISTEN: `127.0.0.1:${api}`,
        PATRONI_RESTAPI_CONNECT_ADDRESS: `127.0.0.1:${api}`,
        PATRONI_POSTGRESQL_LISTEN: `127.0.0.1:${postgres}`,
        PATRONI_POSTGRESQL_CONNECT_ADDRESS: `127.0.0.1:${postgres}`,
        PATRONI_POSTGRESQL_DATA_DIR: dataOf(name),
        PATRONI_POSTGRESQL_PGPASS: join(directory, `pgpass-${name}`),
        PATRONI_POSTGRESQL_BIN_DIR: tools().postgres,
        PATRONI_SUPERUSER_USERNAME: 'postgres',
        PATRONI_SUPERUSER_PASSWORD: 'superuser',
        PATRONI_REPLICATION_USERNAME: 'replicator',
        PATRONI_REPLICATION_PASSWORD: 'replicator',
        PATRONI_REWIND_USERNAME: 'rewinder',
        PATRONI_REWIND_PASSWORD: 'replicator',
        EXEUNT_DATABASE_PASSWORD: PASSWORD,
      };
      const daemon = Daemon.start(`patroni-${name}`, directory, tools().patroni, [configuration], {
        asPostgres: true,
        env,
      });
      patroni.set(name, daemon);
    }
  }

  function startBalancer([one, two]: readonly number[]): void {
    const env = {
      PRIMARY_BIND: `127.0.0.1:${ports.primary}`,
      REPLICA_BIND: `127.0.0.1:${ports.replica}`,
      HTTP_BIND: `127.0.0.1:${ports.http}`,
      ...Object.fromEntries(
        MEMBERS.flatMap((name) => [
          [`POSTGRES_${name.toUpperCase()}`, `127.0.0.1:${places[name].postgres}`],
          [`PATRONI_${name.toUpperCase()}_PORT`, String(places[name].api)],
        ]),
      ),
      NODE_ONE: `127.0.0.1:${one}`,
      NODE_TWO: `127.0.0.1:${two}`,
    };
    const args = ['-db', '-f', join(FILES, 'haproxy.cfg')];
    daemons.push(Daemon.start('haproxy', directory, tools().haproxy, args, { env }));
  }

  function startPooler(): void {
    const program = join(directory, 'pgbouncer');
    const built = execFileSync(process.execPath, ['test/cluster/tools/pgbouncer.mjs'], { encoding: 'utf8' }).trim();
    for (const [from, to] of [
      [built, program],
      [join(FILES, 'pgbouncer', 'pgbouncer.ini'), join(directory, 'common.ini')],
      [join(FILES, 'pgbouncer', 'entrypoint.sh'), join(directory, 'entrypoint.sh')],
    ] as const)
      copyFileSync(from, to);
    const env = {
      EXEUNT_DATABASE_PASSWORD: PASSWORD,
      POSTGRES_HOST: '127.0.0.1',
      POSTGRES_PORT: String(ports.primary),
      PGBOUNCER: program,
      PGBOUNCER_RUN_DIRECTORY: directory,
      PGBOUNCER_CONFIG: join(directory, 'common.ini'),
      PGBOUNCER_HOST: '127.0.0.1',
      PGBOUNCER_PORT: String(ports.pooler),
    };
    const args = [join(directory, 'entrypoint.sh')];
    daemons.push(Daemon.start('pgbouncer', directory, '/bin/sh', args, { asPostgres: true, env }));
  }

  /** The rows that a statement finds as the service's role, or undefined while it cannot be asked. */
  async function asked(port: number, sql = 'SELECT 1', name?: string): Promise<unknown[] | undefined> {
    const client = new pg.Client({
      host: '127.0.0.1',
      port,
      user: 'exeunt',
      password: PASSWORD,
      database: 'exeunt',
      connectionTimeoutMillis: 3000,
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return (await client.query({ text: sql, ...(name === undefined ? {} : { name }) })).rows;
    } catch {
      return undefined;
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  async function leader(): Promise<(typeof MEMBERS)[number]> {
    for (const name of MEMBERS) {
      const response = await fetch(`http://127.0.0.1:${places[name].api}/primary`).catch(() => undefined);
      if (response?.ok === true) return name;
    }
    throw new Error('there is no primary');
  }

  async function hasSynchronousStandby(): Promise<boolean> {
    const response = await fetch(`http://127.0.0.1:${places[await leader()].api}/cluster`);
    const { members } = (await response.json()) as { members: { role: string }[] };
    return members.some(({ role }) => role === 'sync_standby');
  }

  it('lead to the primary, to a replica, and to both nodes', async () => {
    expect(await asked(ports.primary, 'SELECT pg_is_in_recovery() AS standby')).toEqual([{ standby: false }]);
    const replica = 'SELECT pg_is_in_recovery() AS standby';
    await vi.waitUntil(async () => JSON.stringify(await asked(ports.replica, replica)) === '[{"standby":true}]', WAIT);
    await vi.waitUntil(async () => (await fetch(`${front}/health/ready`).catch(() => undefined))?.ok === true, WAIT);
  });

  it('give the role its limits, and no more rights than it needs', async () => {
    const settings = `SELECT current_setting('statement_timeout') AS statement, current_setting('lock_timeout') AS lock,
      current_setting('synchronous_commit') AS commit, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS super`;
    const expected = [{ statement: '15s', lock: '5s', commit: 'local', super: false }];
    expect(await asked(ports.primary, settings)).toEqual(expected);
    expect(await asked(ports.pooler, settings)).toEqual(expected);
  });

  it('keep named statements in the pooler, by transaction', async () => {
    for (let i = 0; i < 5; i += 1)
      expect(await asked(ports.pooler, 'SELECT 7 AS seven', 'a-named-statement')).toEqual([{ seven: 7 }]);
  });

  it('keep what was answered when the primary is gone', async () => {
    // Else nothing is waited for, and a failover may lose even the schema.
    await vi.waitUntil(hasSynchronousStandby, WAIT);
    const operator = await Operator.at(front);
    const account = await operator.call<{ id: string }>('POST', '/accounts', { login: 'mia' });
    expect((await operator.request('POST', `/accounts/${account.id}/disable`)).status).toBeLessThan(300);
    const gone = await leader();
    await patroni.get(gone)?.stop('SIGKILL');
    signalPostgres(dataOf(gone), 'SIGKILL');
    const answer = await vi.waitUntil(
      async () => {
        const response = await operator.request('GET', `/accounts/${account.id}`).catch(() => undefined);
        return response?.status === 200 ? ((await response.json()) as { disabled?: boolean }) : undefined;
      },
      { timeout: 90_000, interval: 500 },
    );
    expect(JSON.stringify(answer)).toMatch(/"disabled(?:_at)?":(?:true|")/);
    expect(await leader()).not.toBe(gone);
  });
});
