import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TestApp, type TestClient } from '../support/app.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { StubUpstream } from '../support/stub-upstream.js';
import { leave } from './scene.js';

describe('what another provider publishes (OpenID Connect Discovery 1.0 §4)', () => {
  let db: TestDatabase;
  let app: TestApp;
  let upstream: StubUpstream;
  let client: TestClient;
  const open: Server[] = [];

  beforeEach(async () => {
    db = await createTestDatabase();
    app = await TestApp.start({}, { db });
    upstream = await StubUpstream.start(app.clock);
    client = await app.createClient();
  });
  afterEach(async () => {
    for (const server of open.splice(0)) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
    await Promise.all([app.stop(), upstream.stop()]);
    await db.drop();
  });

  const discoveries = (): number => upstream.requests.filter((path) => path.startsWith('/.well-known/')).length;

  /** A provider that publishes these metadata, whatever they are. */
  async function publishing(metadata: (origin: string) => object): Promise<string> {
    const server = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(metadata(origin)));
    });
    open.push(server);
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return origin;
  }

  const good = (origin: string) => ({
    issuer: origin,
    authorization_endpoint: `${origin}/authorize`,
    token_endpoint: `${origin}/token`,
    jwks_uri: `${origin}/jwks`,
    end_session_endpoint: `${origin}/end`,
  });

  async function stored(name: string): Promise<unknown> {
    return (await db.query('SELECT metadata FROM upstreams WHERE name = $1', [name]))[0]?.metadata;
  }

  it('is not asked for at registration, a change, or a start', async () => {
    const name = await upstream.register(app);
    await app.json('PATCH', `/admin/v1/upstreams/${name}`, {
      token: await app.adminToken(),
      body: { display_name: 'Renamed' },
    });
    const restarted = await TestApp.start({}, { db, clock: app.clock });
    expect((await restarted.json('GET', '/.well-known/openid-configuration')).status).toBe(200);
    await restarted.stop();
    expect(upstream.requests).toEqual([]);
  });

  it('of a provider that is down does not matter for its registration', async () => {
    await upstream.stop();
    const name = await upstream.register(app);
    expect((await leave(app, client, name)).status).toBe(503);
  });

  it('is read when it is first needed, and once', async () => {
    const name = await upstream.register(app);
    const pages = [await leave(app, client, name)];
    pages.push(...(await Promise.all(Array.from({ length: 5 }, () => leave(app, client, name)))));
    for (const { location } of pages) expect(location).toContain(`${upstream.origin}/authorize`);
    expect(discoveries()).toBe(1);
  });

  it('is kept over a restart, also while the provider is down', async () => {
    const name = await upstream.register(app);
    await leave(app, client, name);
    upstream.down.add('/.well-known/openid-configuration');
    const restarted = await TestApp.start({}, { db, clock: app.clock });
    const { location } = await leave(restarted, client, name);
    expect(location).toContain(`${upstream.origin}/authorize`);
    await restarted.stop();
  });

  it('is asked for again soon after a failure, and not by everybody at once', async () => {
    const name = await upstream.register(app);
    upstream.down.add('/.well-known/openid-configuration');
    const pages = await Promise.all(Array.from({ length: 5 }, () => leave(app, client, name)));
    for (const { status } of pages) expect(status).toBe(503);
    expect((await leave(app, client, name)).status).toBe(503);
    expect(discoveries()).toBe(1);
    expect(await stored(name)).toBeNull();
  });

  it.each<[string, (origin: string) => object]>([
    ['names another issuer', (origin) => ({ ...good(origin), issuer: 'https://login.example.org' })],
    ['names the issuer with a slash more', (origin) => ({ ...good(origin), issuer: `${origin}/` })],
    [
      'has a javascript: endpoint (threat-model#script-as-redirect)',
      (origin) => ({ ...good(origin), end_session_endpoint: 'javascript:alert(1)' }),
    ],
    [
      'has a data: endpoint (threat-model#script-as-redirect)',
      (origin) => ({ ...good(origin), authorization_endpoint: 'data:text/html,x' }),
    ],
    [
      'has an endpoint by http elsewhere',
      (origin) => ({ ...good(origin), token_endpoint: 'http://login.example.org/t' }),
    ],
    ['has an endpoint that is no text', (origin) => ({ ...good(origin), jwks_uri: ['https://login.example.org'] })],
    ['has no authorization endpoint', (origin) => ({ ...good(origin), authorization_endpoint: undefined })],
    ['is a list', () => []],
  ])('is refused when it %s', async (_what, metadata) => {
    const name = await upstream.register(app, { issuer: await publishing(metadata) });
    const before = await app.rowCounts();
    const page = await leave(app, client, name);
    expect([page.status, page.location]).toEqual([503, undefined]);
    const after = await app.rowCounts();
    for (const table of ['accounts', 'sessions', 'upstream_identities'])
      expect([table, after[table]]).toEqual([table, before[table]]);
  });

  it('is taken when it is good, by the same way', async () => {
    const issuer = await publishing(good);
    const name = await upstream.register(app, { issuer });
    expect((await leave(app, client, name)).location).toContain(`${issuer}/authorize`);
    expect(await stored(name)).toMatchObject({ issuer });
  });

  describe('on an address that is not public (threat-model#inner-addresses)', () => {
    // Our issuer is not on loopback here, so loopback is as private as any other network.
    const elsewhere = { issuer: 'https://op.example.com' };

    it('is not asked for: nothing connects', async () => {
      const guarded = await TestApp.start(elsewhere, { db, clock: app.clock });
      let connections = 0;
      const server = createServer().on('connection', () => (connections += 1));
      open.push(server);
      await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
      const name = await upstream.register(guarded, {
        issuer: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      });
      expect((await leave(guarded, client, name)).status).toBe(503);
      expect(connections).toBe(0);
      await guarded.stop();
    });

    it('is asked for when the operator allows the network', async () => {
      const egressAllow = [{ kind: 'network', address: '127.0.0.0', bits: 8 }] as const;
      const allowing = await TestApp.start({ ...elsewhere, egressAllow }, { db, clock: app.clock });
      const name = await upstream.register(allowing);
      expect((await leave(allowing, client, name)).location).toContain(`${upstream.origin}/authorize`);
      await allowing.stop();
    });
  });
});
