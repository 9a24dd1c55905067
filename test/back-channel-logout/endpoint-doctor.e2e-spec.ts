import { createServer, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer } from 'node:net';
import { createRemoteJWKSet, decodeJwt, jwtVerify, type JWTPayload } from 'jose';
import {
  findingsOf,
  FINDING_CODES,
  isHealthy,
  type ProbeAnswer,
} from '../../src/domain/logout/insight/endpoint-findings.js';
import { selfSigned } from '../egress/self-signed.js';
import { TestApp, type Answer } from '../support/app.js';
import { freePort } from '../support/ports.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { clientOf } from './scene.js';

type Item = Readonly<Record<string, unknown>>;

const TIMEOUT_MS = 600;

describe('the endpoint doctor', () => {
  let app: TestApp;
  const open: (Server | TcpServer)[] = [];

  beforeAll(async () => {
    app = await TestApp.start({ deliveryTimeoutMs: TIMEOUT_MS });
  });
  afterEach(async () => {
    for (const server of open.splice(0)) {
      if ('closeAllConnections' in server) server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });
  afterAll(() => app.stop());

  async function listen(server: Server | TcpServer): Promise<number> {
    open.push(server);
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }

  type Handler = (response: ServerResponse, genuine: boolean) => unknown;

  /** An application that looks at the signature, as far as the handler cares. Its URI, and what it received. */
  async function application(handler: Handler): Promise<{ readonly uri: string; readonly tokens: string[] }> {
    const keys = createRemoteJWKSet(new URL(`${app.issuer}/jwks`));
    const tokens: string[] = [];
    const port = await listen(
      createServer((request, response) => {
        let body = '';
        request.on('data', (chunk: Buffer) => (body += String(chunk)));
        request.on('end', () => {
          const token = new URLSearchParams(body).get('logout_token') ?? '';
          tokens.push(token);
          jwtVerify(token, keys, { currentDate: app.clock.now(), typ: 'logout+jwt', issuer: app.issuer }).then(
            () => handler(response, true),
            () => handler(response, false),
          );
        });
      }),
    );
    return { uri: `http://127.0.0.1:${port}/backchannel-logout`, tokens };
  }

  async function check(clientId: string): Promise<Answer> {
    return app.json('POST', `/admin/v1/clients/${clientId}/logout-check`, { token: await app.adminToken() });
  }

  async function checkOf(uri: string): Promise<Item & { readonly codes: string[]; readonly healthy: boolean }> {
    const { clientId } = await app.createClient({ backchannel_logout_uri: uri });
    const { status, body } = await check(clientId);
    expect(status).toBe(200);
    return {
      ...(body as Item & { healthy: boolean }),
      codes: (body.findings as { code: string }[]).map(({ code }) => code),
    };
  }

  const NO_STORE = { 'cache-control': 'no-store' };
  const proper: Handler = (response, genuine) => response.writeHead(genuine ? 200 : 400, NO_STORE).end();

  it('one that does everything right is told so; what was sent is about nobody', async () => {
    const { uri, tokens } = await application(proper);
    const before = await app.rowCounts();
    const report = await checkOf(uri);
    expect(report).toMatchObject({
      healthy: true,
      codes: ['ok'],
      backchannel_logout_uri: uri,
      checked_at: app.clock.now().toISOString(),
      probes: [
        { token: 'genuine', status: 200 },
        { token: 'forged', status: 400 },
      ],
    });
    expect(tokens).toHaveLength(2);
    const [genuine, forged] = tokens.map((token): JWTPayload & { sid?: string } => decodeJwt(token));
    expect(genuine).toMatchObject({ iss: app.issuer, aud: report.client_id, events: expect.anything() as unknown });
    expect(genuine!.jti).not.toBe(forged!.jti);
    const known = await app.db.query(
      'SELECT 1 FROM accounts WHERE id::text = ANY($1) UNION ALL SELECT 1 FROM session_clients WHERE sid = ANY($2)',
      [
        [genuine!.sub, forged!.sub],
        [genuine!.sid, forged!.sid],
      ],
    );
    expect(known).toEqual([]);
    // Nothing in the ledger: a client, its secret's token and an audit event came to be, and counters of the limits.
    const changed = Object.entries(await app.rowCounts()).filter(([table, n]) => n !== before[table]);
    expect(
      changed
        .map(([table]) => table)
        .filter((table) => !/^(clients|access_tokens|audit_events|rate_limits?)$/.test(table)),
    ).toEqual([]);
  });

  it.each<[string, string[], boolean, Handler]>([
    ['accepts everything', ['accepts_forged_token'], false, (response) => response.writeHead(200, NO_STORE).end()],
    [
      'is a page that answers 200 to anything',
      ['accepts_forged_token', 'cacheable'],
      false,
      (response) => response.end('<p>Hi'),
    ],
    [
      'redirects to its sign-in page',
      ['redirect'],
      false,
      (response) => response.writeHead(302, { location: '/login' }).end(),
    ],
    [
      'refuses a session that it does not know',
      ['refuses_genuine_token'],
      false,
      (response) => response.writeHead(400, NO_STORE).end(),
    ],
    ['wants somebody to sign in', ['unauthorized'], false, (response) => response.writeHead(401).end()],
    ['has a CSRF filter in front', ['forbidden'], false, (response) => response.writeHead(403).end()],
    ['has nothing there', ['not_found'], false, (response) => response.writeHead(404).end()],
    ['takes no POST', ['method_not_allowed'], false, (response) => response.writeHead(405).end()],
    ['takes JSON only', ['unsupported_media_type'], false, (response) => response.writeHead(415).end()],
    ['limits how often it is told', ['too_many_requests'], false, (response) => response.writeHead(429).end()],
    ['falls over', ['server_error'], false, (response) => response.writeHead(500).end()],
    ['answers by something unheard of', ['unexpected_status'], false, (response) => response.writeHead(299).end()],
    [
      'answers 204',
      ['ok', 'answers_204'],
      true,
      (response, genuine) => response.writeHead(genuine ? 204 : 400, NO_STORE).end(),
    ],
    [
      'says nothing of caches',
      ['cacheable'],
      true,
      (response, genuine) => response.writeHead(genuine ? 200 : 400).end(),
    ],
    [
      'says no-store among other things',
      ['ok'],
      true,
      (response, genuine) => response.writeHead(genuine ? 200 : 400, { 'cache-control': 'private, No-Store' }).end(),
    ],
    [
      'falls over a forged token',
      ['fails_on_forged_token'],
      true,
      (response, genuine) => response.writeHead(genuine ? 200 : 500, NO_STORE).end(),
    ],
    ['breaks off', ['reset'], false, (response) => response.destroy()],
    ['never answers', ['timeout'], false, () => undefined],
    [
      'answers with giant headers',
      ['answer_too_large'],
      false,
      (response) => response.writeHead(200, { 'x-giant': 'x'.repeat(40_000) }).end(),
    ],
  ])('an application that %s: %j', async (_name, codes, healthy, handler) => {
    const { uri } = await application(handler);
    expect(await checkOf(uri)).toMatchObject({ codes, healthy });
  });

  it('one that answered nothing is not sent a forged token', async () => {
    const { uri, tokens } = await application(() => undefined);
    expect((await checkOf(uri)).probes).toMatchObject([{ token: 'genuine', error_code: 'timeout' }]);
    expect(tokens).toHaveLength(1);
  });

  it('nobody listens: unreachable', async () => {
    expect(await checkOf(`http://127.0.0.1:${await freePort()}/x`)).toMatchObject({
      codes: ['unreachable'],
      healthy: false,
    });
  });

  it('a name that does not exist: dns', async () => {
    expect((await checkOf('https://nowhere.invalid/x')).codes).toEqual(['dns']);
  });

  it('a certificate that nobody vouches for: tls, and the token was not sent', async () => {
    const requests: unknown[] = [];
    const port = await listen(
      createTlsServer(selfSigned('localhost'), (request, response) => response.end(requests.push(request.url))),
    );
    expect((await checkOf(`https://localhost:${port}/x`)).codes).toEqual(['tls']);
    expect(requests).toEqual([]);
  });

  it('something that speaks no HTTP: failed', async () => {
    const port = await listen(
      createTcpServer(
        (socket) =>
          void socket
            .on('error', () => undefined)
            .resume()
            .end('220 smtp.example.com ESMTP\r\n'),
      ),
    );
    expect((await checkOf(`http://127.0.0.1:${port}/x`)).codes).toEqual(['failed']);
  });

  it('an address inside: refused before anything is sent, and the report does not say which', async () => {
    const strict = await TestApp.start({ issuer: 'https://login.example.com' }, { db: app.db, clock: app.clock });
    const { uri, tokens } = await application(proper);
    const { clientId } = await app.createClient({
      backchannel_logout_uri: uri.replace('http:', 'https:').replace('127.0.0.1', 'localhost'),
    });
    const report = await fetch(`http://localhost:${strict.settings.port}/admin/v1/clients/${clientId}/logout-check`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await tokenOf(strict)}` },
    });
    const text = await report.text();
    expect([report.status, text]).toEqual([200, expect.stringContaining('"address_refused"')]);
    expect(text).not.toContain('127.0.0.1');
    expect(tokens).toEqual([]);
    await strict.stop();
  });

  it('nothing registered: said, and nothing sent', async () => {
    const { clientId } = await app.createClient();
    expect((await check(clientId)).body).toMatchObject({
      healthy: false,
      findings: [{ code: 'no_backchannel_logout_uri', severity: 'error' }],
      probes: [],
    });
  });

  it('no answer of the application, and no token, comes out by the report or the log', async () => {
    const { uri, tokens } = await application((response) =>
      response.writeHead(500, { 'x-inside': 'needle-a' }).end('needle-b'),
    );
    const { clientId } = await app.createClient({ backchannel_logout_uri: uri });
    const { text } = await check(clientId);
    const said = `${text}\n${app.logger.lines.join('\n')}`;
    for (const secret of ['needle-a', 'needle-b', ...tokens]) expect(said).not.toContain(secret);
  });

  describe('is for one at a time', () => {
    it('409 while another check of the client is under way, on whatever node; then it may run again', async () => {
      const second = await TestApp.start({ deliveryTimeoutMs: TIMEOUT_MS }, { db: app.db, clock: app.clock });
      const party = await StubRelyingParty.start();
      const { clientId } = await clientOf(app, party);
      let answer = (): unknown => undefined;
      party.answerNext((_request, response) => (answer = () => response.writeHead(400).end()));
      const running = check(clientId);
      await party.waitFor(1);
      const path = `/admin/v1/clients/${clientId}/logout-check`;
      expect((await second.json('POST', path, { token: await second.adminToken() })).status).toBe(409);
      expect(party.received).toHaveLength(1);
      answer();
      expect((await running).status).toBe(200);
      expect((await check(clientId)).status).toBe(200);
      await second.stop();
      await party.stop();
    });

    it('429 with Retry-After after six in a minute, and nothing is sent', async () => {
      const { uri, tokens } = await application(proper);
      const { clientId } = await app.createClient({ backchannel_logout_uri: uri });
      for (let n = 0; n < 6; n += 1) expect((await check(clientId)).status).toBe(200);
      const refused = await check(clientId);
      expect([refused.status, Number(refused.headers.get('retry-after')) > 0]).toEqual([429, true]);
      expect(tokens).toHaveLength(12);
    });

    it('404 for a client that there is not', async () => {
      expect((await check('nobody')).status).toBe(404);
    });
  });

  describe('when a client is created', () => {
    const create = async (body: unknown): Promise<Answer> =>
      app.json('POST', '/admin/v1/clients', { token: await app.adminToken(), body });
    const metadata = (uri: string): Item => ({
      client_name: 'Ledger',
      redirect_uris: ['https://rp.example.com/cb'],
      backchannel_logout_uri: uri,
    });

    it('its endpoint is tried when that is asked for', async () => {
      const { uri, tokens } = await application((response) => response.writeHead(403).end());
      const { status, body } = await create({ ...metadata(uri), logout_check: true });
      expect([status, body]).toEqual([
        201,
        expect.objectContaining({
          client_secret: expect.any(String) as unknown,
          logout_check: expect.objectContaining({ healthy: false, client_id: body.client_id }) as unknown,
        }),
      ]);
      expect((body.logout_check as { findings: Item[] }).findings).toMatchObject([{ code: 'forbidden' }]);
      expect(tokens).toHaveLength(2);
      const { body: read } = await app.json('GET', `/admin/v1/clients/${String(body.client_id)}`, {
        token: await app.adminToken(),
      });
      expect(read.logout_check).toBeUndefined();
    });

    it.each([false, undefined])('and not otherwise (%s)', async (wanted) => {
      const { uri, tokens } = await application(proper);
      const { status, body } = await create({ ...metadata(uri), logout_check: wanted });
      expect([status, body.logout_check, tokens.length]).toEqual([201, undefined, 0]);
    });

    it('400 for what is neither, and there is no client', async () => {
      const { uri, tokens } = await application(proper);
      const clients = (await app.rowCounts()).clients;
      expect((await create({ ...metadata(uri), logout_check: 'yes' })).status).toBe(400);
      expect([(await app.rowCounts()).clients, tokens.length]).toEqual([clients, 0]);
    });
  });

  it('each check stands in the audit log, with what was found', async () => {
    const { uri } = await application((response) => response.writeHead(403).end());
    const { clientId } = await app.createClient({ backchannel_logout_uri: uri });
    await check(clientId);
    const events = await app.db.query<{ details: Item }>(
      `SELECT details FROM audit_events WHERE event = 'logout_checked' AND details ->> 'client_id' = $1`,
      [clientId],
    );
    expect(events.map(({ details }) => details)).toMatchObject([{ operator: 'test-admin', findings: 'forbidden' }]);
  });

  async function tokenOf(node: TestApp): Promise<string> {
    const response = await fetch(`http://localhost:${node.settings.port}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from('test-admin:test-admin-secret').toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    });
    return String(((await response.json()) as Item).access_token);
  }
});

describe('what answers mean', () => {
  const answer = (status: number, durationMs = 10): ProbeAnswer => ({
    status,
    errorCode: undefined,
    durationMs,
    cacheControl: 'no-store',
  });
  const codes = (genuine: ProbeAnswer, forged?: ProbeAnswer): string[] =>
    findingsOf(genuine, forged).map(({ code }) => code);

  it('slow is more than two seconds, of either answer', () => {
    expect(codes(answer(200, 2000), answer(400, 2000))).toEqual(['ok']);
    expect(codes(answer(200, 2001), answer(400))).toEqual(['slow']);
    expect(codes(answer(200), answer(400, 2001))).toEqual(['slow']);
    expect(isHealthy(findingsOf(answer(200, 9000), answer(400)))).toBe(true);
  });

  it('a time limit that was reached is not slow as well', () => {
    expect(codes({ status: undefined, errorCode: 'timeout', durationMs: 5000, cacheControl: undefined })).toEqual([
      'timeout',
    ]);
  });

  it('a wall that refuses the genuine and lets the forged one through is both', () => {
    expect(codes(answer(403), answer(200))).toEqual(['forbidden', 'accepts_forged_token']);
  });

  it('a forged token that is answered by 401 or 403 is refused as well', () => {
    for (const status of [400, 401, 403]) expect(codes(answer(200), answer(status))).toEqual(['ok']);
  });

  it('codes are words that stay', () => {
    for (const code of FINDING_CODES) expect(code).toMatch(/^[a-z0-9]+(_[a-z0-9]+)*$/);
  });
});
