import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { NOTICES } from '../support/ledger.js';
import { ADMIN_ENV, buildOnce, Operator, type Service } from '../start/service.js';
import { Application, count, signedIn, startNode, verifiedReceipts, WAIT, type Database } from '../faults/scene.js';
import { Load } from './rig/load.js';
import { DATABASE, PatroniCluster } from './rig/patroni.js';
import { PgBouncer } from './rig/pgbouncer.js';
import { missing } from './rig/tools.js';

const SECONDS = 1000;
/** Enough that the load never runs out of people in the longest of the faults. */
const PEOPLE = 900;
const BEFORE = 4 * SECONDS;
const AFTER = 4 * SECONDS;

interface Scene {
  readonly cluster: PatroniCluster;
  readonly nodes: Service[];
  readonly startNodeAgain: (i: number) => Promise<void>;
}

/** What is done to the cluster while it works. Each returns when the hand that did it is off again. */
const FAULTS: readonly { readonly name: string; readonly happens: (scene: Scene) => Promise<void> }[] = [
  { name: 'nothing happens', happens: async () => undefined },
  {
    name: 'Postgres is killed, and Patroni starts it again',
    happens: async ({ cluster }) => (await cluster.leader()).signal('SIGKILL', 'postgres'),
  },
  {
    name: 'the machine of the primary is gone: Postgres and Patroni are killed',
    happens: async ({ cluster }) => {
      const leader = await cluster.leader();
      leader.signal('SIGKILL', 'patroni');
      leader.signal('SIGKILL', 'postgres');
      await pause(30 * SECONDS);
      await leader.restart();
    },
  },
  { name: 'an operator changes the primary', happens: ({ cluster }) => cluster.switchover() },
  {
    name: 'the primary is frozen for 12 seconds',
    happens: async ({ cluster }) => {
      const leader = await cluster.leader();
      leader.signal('SIGSTOP');
      await pause(12 * SECONDS);
      leader.signal('SIGCONT');
    },
  },
  {
    name: 'the primary is frozen for 50 seconds, loses its place, and wakes',
    happens: async ({ cluster }) => {
      const leader = await cluster.leader();
      leader.signal('SIGSTOP');
      await pause(50 * SECONDS);
      leader.signal('SIGCONT');
    },
  },
  {
    name: 'Patroni hangs for 30 seconds beside a primary that goes on',
    happens: async ({ cluster }) => {
      const leader = await cluster.leader();
      leader.signal('SIGSTOP', 'patroni');
      await pause(30 * SECONDS);
      leader.signal('SIGCONT', 'patroni');
    },
  },
  {
    name: 'replication stalls for 4 seconds, then the primary is gone',
    happens: async ({ cluster }) => {
      const [leader, replicas] = [await cluster.leader(), await cluster.replicas()];
      for (const replica of replicas) replica.signalReceiver('SIGSTOP');
      await pause(4 * SECONDS);
      leader.signal('SIGKILL', 'patroni');
      leader.signal('SIGKILL', 'postgres');
      for (const replica of replicas) replica.signalReceiver('SIGCONT');
      await pause(30 * SECONDS);
      await leader.restart();
    },
  },
  {
    name: 'a node of the service is killed in the midst of it',
    happens: async ({ nodes, startNodeAgain }) => {
      await nodes[0]?.stop('SIGKILL');
      await startNodeAgain(0);
    },
  },
];

/** One by a pooler in transaction mode, and one as it is. */
describe.skipIf(missing.length > 0)('two nodes on a Patroni cluster that replicates synchronously', () => {
  let cluster: PatroniCluster;
  let pooler: PgBouncer;
  let pool: pg.Pool;
  let db: Database;
  const nodes: Service[] = [];
  const operators = new Map<string, Operator>();
  const applications: Application[] = [];

  const environment = {
    ...ADMIN_ENV,
    ISSUER: 'http://localhost:3000',
    DATABASE_WAIT_SECONDS: '60',
    LOGOUT_DURABILITY: 'replicated',
    REFRESH_GRACE_SECONDS: '120',
  };

  beforeAll(async () => {
    buildOnce();
    cluster = await PatroniCluster.start({ synchronous: true });
    pooler = await PgBouncer.start({ port: cluster.port, database: DATABASE, user: 'exeunt', password: 'exeunt' });
    pool = new pg.Pool({ connectionString: cluster.url, max: 3, connectionTimeoutMillis: 10_000 });
    pool.on('error', () => undefined);
    // The primary may be changing.
    db = {
      query: (sql, values = []) =>
        vi.waitUntil(async () => {
          try {
            return (await pool.query(sql, values)).rows as never;
          } catch {
            return undefined;
          }
        }, WAIT),
    };
    for (let i = 0; i < 2; i += 1) nodes.push(await startNth(i));
    for (const { base } of nodes) operators.set(base, await Operator.at(base));
    for (const name of ['Ledger', 'Wiki', 'Mail'])
      applications.push(await Application.register(operatorAt(nodes[0]?.base ?? ''), name));
  });
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.stop()));
    await pool?.end();
    await Promise.all(applications.map((application) => application.stop()));
    await pooler?.stop();
    await cluster?.stop();
  });

  const startNth = (i: number, env: Readonly<Record<string, string>> = {}): Promise<Service> =>
    i === 0
      ? startNode(cluster.url, { ...environment, ...env })
      : startNode(pooler.url, { ...environment, DATABASE_DIRECT_URL: cluster.url, ...env });

  const operatorAt = (base: string): Operator => {
    const operator = operators.get(base);
    if (operator === undefined) throw new Error(`there is no operator at ${base}`);
    return operator;
  };

  it.each(FAULTS)('keeps its word when $name', async ({ name, happens }) => {
    // Their tokens live for ten minutes.
    for (const { base } of nodes) operators.set(base, await Operator.at(base));
    const prefix = `at-${FAULTS.findIndex((fault) => fault.name === name)}`;
    const load = new Load({
      nodes: nodes.map(({ base }) => base),
      operator: operatorAt,
      applications,
      people: await signedIn(db, prefix, PEOPLE, applications, true),
    });
    load.start();
    await pause(BEFORE);
    await happens({
      cluster,
      nodes,
      startNodeAgain: async (i) => {
        const { base } = nodes[i] as Service;
        nodes[i] = await startNth(i, { PORT: new URL(base).port });
      },
    });
    await answering();
    await pause(AFTER);
    await load.stop();
    await cluster.whole();
    await answering();

    const lost = await notAccepted(load);
    const alive = await aliveAgain(load);
    process.stdout.write(`${name}: ${words(load, applications)}\n`);
    expect(load.ended.size).toBeGreaterThan(0);
    expect(load.wrong).toEqual([]);
    expect(alive).toEqual([]);
    expect(lost).toEqual([]);
    expect([...load.answers.keys()].filter((key) => !/ (2\d\d|30\d|503|no answer)$/.test(key))).toEqual([]);
    // What an application was given last is good, and nobody took it for a theft.
    expect(await Promise.all(load.chains.map((chain) => load.refresh(chain)))).toEqual(load.chains.map(() => 200));
    expect((await verifiedReceipts(operatorAt(nodes[0]?.base ?? ''))).words).toContain('the chain is whole');
  });

  /** Waits until both nodes say that they are ready. */
  async function answering(): Promise<void> {
    await vi.waitUntil(async () => {
      const ready = nodes.map(async ({ base }) => {
        try {
          return (await fetch(`${base}/health/ready`, { signal: AbortSignal.timeout(3000) })).ok;
        } catch {
          return false;
        }
      });
      return (await Promise.all(ready)).every(Boolean);
    }, WAIT);
  }

  /** Notices of sessions that were said to be over, which no application has accepted. */
  async function notAccepted(load: Load): Promise<string[]> {
    const due = [...load.ended].flatMap((id) => load.sidsOf(id));
    const missed = (): string[] => {
      const accepted = new Set(applications.flatMap((application) => application.accepted));
      return due.filter((sid) => !accepted.has(sid));
    };
    await vi.waitUntil(() => missed().length === 0, WAIT).catch(() => undefined);
    const rows = await db.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM ${NOTICES} WHERE state IN ('rejected', 'abandoned')`,
    );
    return [...missed(), ...Array.from({ length: rows[0]?.n ?? 0 }, () => 'given up')];
  }

  /** What was said to be over, and is not. */
  async function aliveAgain(load: Load): Promise<string[]> {
    const rows = await db.query<{ id: string }>(
      'SELECT id FROM sessions WHERE id = ANY($1::uuid[]) AND terminated_at IS NULL',
      [[...load.ended]],
    );
    const alive = rows.map(({ id }) => `session ${id}`);
    const dead = [
      ...[...load.ended]
        .map((id) => load.entryOf(id))
        .map((entry) => ({ application: load.applicationOf(entry), token: entry.refreshToken })),
      ...load.revoked,
    ];
    for (const { base } of nodes)
      for (const { application, token } of dead)
        if ((await load.isActive(base, application, token)) !== false) alive.push(`${token} at ${base}`);
    return alive;
  }
});

function words(load: Load, applications: readonly Application[]): string {
  const mine = new Set([...load.ended].flatMap((id) => load.sidsOf(id)));
  const accepted = count(applications.flatMap((application) => application.accepted).filter((sid) => mine.has(sid)));
  const twice = [...accepted.values()].filter((n) => n > 1).length;
  const answers = [...load.answers].map(([key, n]) => `${key}: ${n}`);
  return `${load.ended.size} signed out, ${load.revoked.length} revoked, ${accepted.size} notices, ${twice} of them twice; ${answers.join(', ')}`;
}
