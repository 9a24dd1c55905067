import { LOGOUT_TOKEN_RESULTS, Metrics } from '../../src/metrics/metrics.js';
import { TestApp, type Answer } from '../support/app.js';

const TOKEN = 'a-metrics-token-of-length';

describe('metrics', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.stop());

  const read = (node: TestApp, token?: string): Promise<Answer> => node.json('GET', '/metrics', { token });
  const valueOf = ({ text }: Answer, series: string): number | undefined => {
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  };
  const tokens = (result: string): string => `exeunt_upstream_logout_tokens_total{result="${result}"}`;

  it('are in the text format of Prometheus, and nobody keeps them', async () => {
    const answer = await read(app);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain;(?=.*\bversion=0\.0\.4\b)(?=.*\bcharset=utf-8\b)/);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.text).toContain('# TYPE exeunt_upstream_logout_tokens_total counter\n');
    expect(answer.text).toContain('# TYPE exeunt_terminations_total counter\n');
    expect(valueOf(answer, 'process_resident_memory_bytes')).toBeGreaterThan(0);
  });

  it('show each result of a logout token as 0 before the first', async () => {
    const answer = await read(app);
    for (const result of LOGOUT_TOKEN_RESULTS) expect([result, valueOf(answer, tokens(result))]).toEqual([result, 0]);
  });

  it('count logout tokens and terminations, for this application alone', async () => {
    const other = await TestApp.start({}, { db: app.db, clock: app.clock });
    const metrics = other.app.get(Metrics);
    metrics.countLogoutToken('forged');
    metrics.countLogoutToken('forged');
    metrics.countLogoutToken('ended');
    metrics.countTermination('admin');
    const answer = await read(other);
    expect([
      valueOf(answer, tokens('forged')),
      valueOf(answer, tokens('ended')),
      valueOf(answer, tokens('replayed')),
      valueOf(answer, 'exeunt_terminations_total{cause="admin"}'),
    ]).toEqual([2, 1, 0, 1]);
    expect(valueOf(await read(app), tokens('forged'))).toBe(0);
    await other.stop();
  });

  it('hold nothing of a request', async () => {
    await app.json('GET', '/metrics?probe=needle-in-query');
    await app.json('GET', '/needle-in-path', { token: 'needle-in-token' });
    await app.form('/token', { grant_type: 'needle-in-form' });
    expect((await read(app)).text).not.toContain('needle');
  });

  describe('with a metrics token in the settings', () => {
    let closed: TestApp;

    beforeAll(async () => {
      closed = await TestApp.start({ metricsToken: TOKEN }, { db: app.db, clock: app.clock });
    });
    afterAll(() => closed.stop());

    it('are shown to who sends it', async () => {
      const answer = await read(closed, TOKEN);
      expect([answer.status, valueOf(answer, tokens('ended'))]).toEqual([200, 0]);
    });

    it('are refused to who sends none, with a challenge that names no error (RFC 6750 §3.1)', async () => {
      const before = await closed.rowCounts();
      const answer = await read(closed);
      expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="exeunt"']);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.text).not.toContain('exeunt_');
      expect(await closed.rowCounts()).toEqual(before);
    });

    it('are refused to who sends another, an access token of an operator too', async () => {
      const wrong = [`${TOKEN}x`, TOKEN.slice(1), TOKEN.toUpperCase(), await closed.adminToken()];
      const before = await closed.rowCounts();
      for (const token of wrong) {
        const answer = await read(closed, token);
        expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([
          401,
          expect.stringContaining('error="invalid_token"'),
        ]);
        expect(answer.text).not.toContain('exeunt_');
      }
      expect(await closed.rowCounts()).toEqual(before);
      for (const token of [TOKEN, ...wrong]) expect(closed.logger.lines.join('\n')).not.toContain(token);
    });
  });
});
