import { request } from 'node:http';
import { ADMIN, TestApp } from '../support/app.js';

/** The series of a metric whose name begins so, with their values. */
async function seriesOf(app: TestApp, name: string): Promise<Map<string, number>> {
  const { text } = await app.json('GET', '/metrics');
  const lines = text.split('\n').filter((line) => line.startsWith(name));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

describe('what comes in, and what waits', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.stop());

  it('requests are counted by the route as declared, the method and the class of the status', async () => {
    const name = 'exeunt_http_request_duration_seconds';
    const count = (route: string, method: string, status: string): string =>
      `${name}_count{route="${route}",method="${method}",status="${status}"}`;
    await app.form('/token', { grant_type: 'client_credentials' }, ADMIN);
    await app.form('/token', { grant_type: 'client_credentials' });
    await fetch(`${app.issuer}/admin/v1/clients/one`);
    await fetch(`${app.issuer}/admin/v1/clients/two`);
    for (const path of ['/.env', '/a/b', '/token/x']) await fetch(app.issuer + path);
    await fetch(`${app.issuer}/jwks`, { method: 'PROPFIND' });
    const series = await seriesOf(app, name);
    expect(series.get(count('/token', 'POST', '2xx'))).toBe(1);
    expect(series.get(count('/token', 'POST', '4xx'))).toBe(1);
    expect(series.get(count('/admin/v1/clients/:client_id', 'GET', '4xx'))).toBe(2);
    expect(series.get(count('none', 'GET', '4xx'))).toBe(3);
    expect(series.get(count('none', 'other', '4xx'))).toBe(1);
    expect([...series.keys()].join('\n')).not.toMatch(/\.env|\/one|PROPFIND/);
  });

  it('a request whose sender leaves is counted, too', async () => {
    const sent = request({ port: app.settings.port, host: 'localhost', path: '/userinfo', method: 'POST' });
    sent.on('error', () => undefined);
    sent.setHeader('content-type', 'application/x-www-form-urlencoded');
    sent.setHeader('content-length', '100');
    sent.write('half');
    await new Promise((resolve) => sent.on('socket', (socket) => socket.on('connect', () => setImmediate(resolve))));
    sent.destroy();
    const left = 'exeunt_http_request_duration_seconds_count{route="/userinfo",method="POST",status="4xx"}';
    await vi.waitFor(async () => expect((await seriesOf(app, left)).get(left)).toBe(1));
  });

  it('token responses are counted by grant type and outcome', async () => {
    const name = 'exeunt_token_responses_total';
    const before = await seriesOf(app, name);
    await app.form('/token', { grant_type: 'client_credentials' }, ADMIN);
    await app.form('/token', { grant_type: 'client_credentials' }, { ...ADMIN, clientSecret: 'wrong' });
    await app.form('/token', { grant_type: 'refresh_token', refresh_token: 'x' }, ADMIN);
    await app.form('/token', { grant_type: 'made-up' }, ADMIN);
    const after = await seriesOf(app, name);
    const grown = [...after].map(([series, value]) => [series, value - (before.get(series) ?? 0)]);
    expect(Object.fromEntries(grown)).toEqual({
      [`${name}{grant_type="client_credentials",outcome="issued"}`]: 1,
      [`${name}{grant_type="client_credentials",outcome="refused"}`]: 1,
      [`${name}{grant_type="refresh_token",outcome="refused"}`]: 1,
      [`${name}{grant_type="other",outcome="refused"}`]: 1,
    });
  });

  it('connections, batches and passwords show how they stand', async () => {
    const client = await app.createClient();
    const account = await app.createAccount();
    const { access_token: token } = await app.signInTo(app.browser(), client, account.login);
    await Promise.all(Array.from({ length: 20 }, () => app.isActive(client, token)));
    const connections = await seriesOf(app, 'exeunt_database_connection');
    expect(connections.get('exeunt_database_connections{state="idle"}')).toBeGreaterThan(0);
    expect(connections.get('exeunt_database_connections{state="in_use"}')).toBeGreaterThanOrEqual(0);
    expect(connections.get('exeunt_database_connection_waiters')).toBe(0);
    // Each connection was waited for while it was opened.
    expect(connections.get('exeunt_database_connection_wait_seconds_total')).toBeGreaterThan(0);
    const batches = await seriesOf(app, 'exeunt_statement_batch');
    // All of them went, in fewer statements than calls or as many.
    expect(batches.get('exeunt_statement_batch_size_sum{statement="access_tokens_live_grant"}')).toBe(20);
    expect(
      batches.get('exeunt_statement_batch_wait_seconds_count{statement="access_tokens_live_grant"}'),
    ).toBeLessThanOrEqual(20);
    for (const [series, value] of batches)
      if (/under_way|waiters/.test(series)) expect([series, value]).toEqual([series, 0]);
    const hashes = await seriesOf(app, 'exeunt_password_hashes');
    expect([...hashes.values()]).toEqual([0, 0]);
  });
});
