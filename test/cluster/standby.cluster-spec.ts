import pg from 'pg';
import { ADMIN_ENV, buildOnce, Operator, type Service } from '../start/service.js';
import { PostgresProxy } from '../support/postgres-proxy.js';
import { Application, isActive, refresh, signedIn, startNode, WAIT, type SignedIn } from '../faults/scene.js';
import { DATABASE, PatroniCluster, type Member } from './rig/patroni.js';
import { PgBouncer } from './rig/pgbouncer.js';
import { missing } from './rig/tools.js';

const CREDENTIALS = { user: 'exeunt', password: 'exeunt', database: DATABASE };

describe.skipIf(missing.length > 0)('a node whose connections end at a replica that lags behind', () => {
  let cluster: PatroniCluster;
  let pool: pg.Pool;
  let elsewhere: Service;
  let operator: Operator;
  let application: Application;
  let replica: Member;
  let people: SignedIn[];
  const environment = { ...ADMIN_ENV, ISSUER: 'http://localhost:3000' };

  beforeAll(async () => {
    buildOnce();
    cluster = await PatroniCluster.start({ synchronous: true });
    pool = new pg.Pool({ connectionString: cluster.url, max: 2 });
    elsewhere = await startNode(cluster.url, environment);
    operator = await Operator.at(elsewhere.base);
    application = await Application.register(operator, 'Ledger');
    const db = { query: async (sql: string, values: unknown[] = []) => (await pool.query(sql, values)).rows as never };
    people = await signedIn(db, 'person', 4, [application]);
    [replica] = (await cluster.replicas()) as [Member];
  });
  afterAll(async () => {
    await elsewhere?.stop();
    await pool?.end();
    await application?.stop();
    await cluster?.stop();
  });

  async function atReplica(sql: string): Promise<void> {
    const client = new pg.Client({ connectionString: replica.url });
    await client.connect();
    await client.query(sql);
    await client.end();
  }

  it.each([
    { name: 'by itself', pooled: false },
    { name: 'behind a pooler that keeps the connections of the node', pooled: true },
  ])('is not ready and calls nothing active that was ended at another, $name', async ({ pooled }) => {
    const primary = (await cluster.leader()).url;
    const proxy = await PostgresProxy.start(primary);
    const pooler = pooled ? await PgBouncer.start({ ...CREDENTIALS, port: proxy.port }) : undefined;
    const itself = `postgres://${CREDENTIALS.user}:${CREDENTIALS.password}@127.0.0.1:${proxy.port}/${DATABASE}`;
    const node = await startNode(pooler?.url ?? itself, {
      ...environment,
      ...(pooled ? { DATABASE_DIRECT_URL: itself } : {}),
    });
    const [person, other] = people.splice(0, 2) as [SignedIn, SignedIn];
    try {
      expect(await isActive(node.base, application, person.refreshToken)).toBe(true);
      await atReplica('SELECT pg_wal_replay_pause()');
      await operator.call('DELETE', `/sessions/${person.sessionId}`);
      proxy.leadTo(replica.url);

      const answers = new Set<string>();
      await vi.waitUntil(async () => {
        const { status, body } = await introspect(node.base, person.refreshToken);
        answers.add(`${status} ${status === 200 ? body : ''}`);
        const ready = await fetch(`${node.base}/health/ready`);
        return ready.status === 503;
      }, WAIT);
      for (let i = 0; i < 20; i += 1) {
        const { status, body } = await introspect(node.base, person.refreshToken);
        answers.add(`${status} ${status === 200 ? body : ''}`);
      }
      expect([...answers].filter((answer) => answer.includes('true'))).toEqual([]);
      expect((await refresh(node.base, application, other.refreshToken)).status).toBe(503);

      proxy.leadTo(primary);
      await vi.waitUntil(async () => (await fetch(`${node.base}/health/ready`)).ok, WAIT);
      expect(await isActive(node.base, application, person.refreshToken)).toBe(false);
      expect((await refresh(node.base, application, other.refreshToken)).status).toBe(200);
    } finally {
      await atReplica('SELECT pg_wal_replay_resume()');
      await node.stop();
      await pooler?.stop();
      await proxy.stop();
    }
  });

  it('does not start at a replica, and says why', async () => {
    const proxy = await PostgresProxy.start(replica.url);
    const url = `postgres://${CREDENTIALS.user}:${CREDENTIALS.password}@127.0.0.1:${proxy.port}/${DATABASE}`;
    await expect(startNode(url, { ...environment, DATABASE_WAIT_SECONDS: '1' })).rejects.toThrow(/standby|replica/);
    await proxy.stop();
  });

  async function introspect(base: string, token: string): Promise<{ status: number; body: string }> {
    const { clientId, clientSecret } = application;
    const response = await fetch(`${base}/introspect`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` },
      body: new URLSearchParams({ token }),
    });
    return { status: response.status, body: await response.text() };
  }
});
