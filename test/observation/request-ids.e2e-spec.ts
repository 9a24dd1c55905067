import { connect } from 'node:net';
import { ADMIN, TestApp } from '../support/app.js';

const OWN = /^[0-9a-f]{16}$/;

/** The whole answer to bytes that are no request. */
function raw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect({ port, host: 'localhost' }, () => socket.write(bytes));
    socket.on('data', (chunk) => (answer += String(chunk)));
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

describe('the id of a request', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.stop());

  const REQUESTS: ReadonlyArray<readonly [what: string, status: number, path: string, init: RequestInit]> = [
    ['the direct way', 200, '/jwks', {}],
    ['Express', 200, '/jwks?a=ü', {}],
    ['a refused form', 401, '/token', { method: 'POST', body: new URLSearchParams({ grant_type: 'x' }) }],
    ['nothing there', 404, '/nothing', {}],
    ['another method', 405, '/jwks', { method: 'DELETE' }],
    ['a HEAD that would act', 405, '/authorize', { method: 'HEAD' }],
    ['a preflight', 204, '/jwks', { method: 'OPTIONS', headers: { origin: 'https://app.example' } }],
    [
      'a body that is no JSON',
      400,
      '/register',
      { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } },
    ],
    [
      'a body that is too large',
      413,
      '/token',
      { method: 'POST', body: new URLSearchParams({ a: 'x'.repeat(70_000) }) },
    ],
    ['a dialect', 405, '/_security/oidc/prepare', { method: 'GET' }],
    ['an error page', 400, '/authorize?client_id=nobody', { headers: { accept: 'text/html' } }],
    ['the admin API', 401, '/admin/v1/clients', {}],
  ];

  it.each(REQUESTS)('is in the answer: %s', async (_, status, path, init) => {
    const [first, second] = [await fetch(app.issuer + path, init), await fetch(app.issuer + path, init)];
    expect([first.status, second.status]).toEqual([status, status]);
    const ids = [first, second].map(({ headers }) => headers.get('x-request-id') ?? '');
    for (const id of ids) expect(id).toMatch(OWN);
    expect(ids[0]).not.toBe(ids[1]);
  });

  it.each([
    ['no HTTP', 'nonsense\r\n\r\n', '400 Bad Request'],
    ['too many cookies', `GET / HTTP/1.1\r\nHost: x\r\nCookie: ${'a'.repeat(70_000)}\r\n\r\n`, '431 '],
  ])('is in the answer of the HTTP parser: %s', async (_, bytes, status) => {
    const answer = await raw(app.settings.port, bytes);
    expect(answer).toContain(`HTTP/1.1 ${status}`);
    const id = /\r\nX-Request-Id: ([0-9a-f]{16})\r\n/.exec(answer)?.[1] ?? 'none';
    if (answer.includes('<html')) expect(answer).toContain(`<code>${id}</code>`);
  });

  it('is what an error page shows and what the line in the log has', async () => {
    const before = app.logger.lines.length;
    const answer = await fetch(`${app.issuer}/authorize?client_id=nobody`, { headers: { accept: 'text/html' } });
    const id = answer.headers.get('x-request-id') ?? 'none';
    expect(await answer.text()).toContain(`<dt>Reference</dt><dd><code>${id}</code></dd>`);
    const at = app.logger.lines.findIndex((line, index) => index >= before && line.startsWith(`request ${id} refused`));
    expect(at).toBeGreaterThan(-1);
    expect(app.logger.fields[at]).toEqual({ request_id: id });
  });

  it('is ours, whatever a stranger sends', async () => {
    const answer = await fetch(`${app.issuer}/jwks`, { headers: { 'x-request-id': 'of-a-stranger' } });
    expect(answer.headers.get('x-request-id')).toMatch(OWN);
  });

  it('there is no access log unless it is asked for', async () => {
    const before = app.logger.lines.length;
    await fetch(`${app.issuer}/jwks`);
    expect(app.logger.lines.slice(before)).toEqual([]);
  });
});

describe('behind a trusted proxy, with an access log', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start({ trustProxy: '127.0.0.1, ::1', logRequests: true });
  });
  afterAll(() => app.stop());

  it('the id is that of a trusted proxy, when it is well-formed', async () => {
    const sent = 'edge-1.2_3.ABC';
    const answer = await fetch(`${app.issuer}/jwks`, { headers: { 'x-request-id': sent } });
    expect(answer.headers.get('x-request-id')).toBe(sent);
  });

  it.each([['a'.repeat(65)], ['a b'], ['<script>'], ['a, b'], ['é']])(
    'is ours for a malformed one: %s',
    async (sent) => {
      const answer = await fetch(`${app.issuer}/jwks`, { headers: { 'x-request-id': sent } });
      expect(answer.headers.get('x-request-id')).toMatch(OWN);
    },
  );

  it('an access log has method, route, status and id of each request, and nothing that was sent', async () => {
    const before = app.logger.lines.length;
    const { headers } = await app.form('/token?token=in-the-query', { grant_type: 'client_credentials' }, ADMIN);
    const token = await app.adminToken();
    await fetch(`${app.issuer}/admin/v1/clients/secret-path?x=in-the-query`, {
      headers: { authorization: `Bearer ${token}` },
    });
    await fetch(`${app.issuer}/secret-path`);
    const lines = app.logger.lines.slice(before);
    const fields = app.logger.fields.slice(before).filter(({ route }) => route !== undefined);
    expect(fields).toMatchObject([
      { method: 'POST', route: '/token', status: 200, request_id: headers.get('x-request-id') },
      { method: 'POST', route: '/token', status: 200 },
      { method: 'GET', route: '/admin/v1/clients/:client_id', status: 404 },
      { method: 'GET', route: 'none', status: 404 },
    ]);
    for (const { ms } of fields) expect(ms).toBeGreaterThanOrEqual(0);
    expect(lines.join('\n')).not.toMatch(/secret-path|in-the-query/);
  });
});
