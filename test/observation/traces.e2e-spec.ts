import { loadSettings, type Settings } from '../../src/platform/config/settings.js';
import { Tracing } from '../../src/platform/tracing/tracing.js';
import { clientOf } from '../back-channel-logout/scene.js';
import { signOut } from '../rp-initiated-logout/end-session.js';
import { ADMIN, basic, TestApp } from '../support/app.js';
import { MINUTE } from '../support/clock.js';
import { attributeOf, StubCollector, type ReceivedSpan } from '../support/stub-collector.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';

const SERVER = 2;
const PRODUCER = 4;
const STRANGERS_TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

function tracing(collector: StubCollector, more: Record<string, string> = {}): Partial<Settings> {
  return { tracing: loadSettings({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: collector.url, ...more }).tracing };
}

function flush(...apps: readonly TestApp[]): Promise<unknown> {
  return Promise.all(apps.map(({ app }) => app.get(Tracing).flush()));
}

describe('traces', () => {
  let collector: StubCollector;
  beforeEach(async () => {
    collector = await StubCollector.start();
  });
  afterEach(() => collector.stop());

  it('a logout with three applications, one of which fails twice, is one trace over two nodes', async () => {
    const parties = await Promise.all([StubRelyingParty.start(), StubRelyingParty.start(), StubRelyingParty.start()]);
    const first = await TestApp.start(tracing(collector));
    const second = await TestApp.start(tracing(collector), { db: first.db, clock: first.clock });
    const [failing] = parties;
    failing.answerNext(503, 503);
    const clients = await Promise.all(parties.map((party) => clientOf(first, party)));
    const account = await first.createAccount();
    const browser = first.browser();
    const tokens = [];
    for (const client of clients) tokens.push(await first.signInTo(browser, client, account.login));
    await flush(first, second);
    collector.bodies.length = 0;

    const hint = tokens[0]?.id_token ?? '';
    await signOut(browser, { id_token_hint: hint });
    for (const party of parties) await party.waitFor(1);
    // The others' breakers and pauses are not what this is about: the second node finds it due, twice.
    await first.sendDue();
    for (const attempts of [2, 3]) {
      first.clock.advance(10 * MINUTE);
      await second.sendDue();
      await failing.waitFor(attempts);
    }
    await flush(first, second);

    const attempts = collector.spans.filter(({ name }) => name === 'send logout notice');
    expect(attempts).toHaveLength(5);
    const [logout] = collector.spans.filter(({ name }) => name === 'logout');
    const [request] = collector.spans.filter(({ name }) => name === 'POST /session/end_session');
    expect(request).toMatchObject({ kind: SERVER });
    expect(logout).toMatchObject({ parentSpanId: request?.spanId, traceId: request?.traceId });
    for (const attempt of attempts)
      expect(attempt).toMatchObject({ kind: PRODUCER, traceId: logout?.traceId, parentSpanId: logout?.spanId });
    const [failed] = clients;
    const ofFailing = attempts.filter((span) => attributeOf(span, 'exeunt.client_id') === failed?.clientId);
    const number = (span: ReceivedSpan): number => Number(attributeOf(span, 'exeunt.delivery.attempt'));
    expect(
      ofFailing
        .toSorted((a, b) => number(a) - number(b))
        .map((span) => [number(span), attributeOf(span, 'exeunt.delivery.state'), attributeOf(span, 'error.type')]),
    ).toEqual([
      [1, 'pending', 'http_503'],
      [2, 'pending', 'http_503'],
      [3, 'delivered', undefined],
    ]);
    // Each attempt has its request to the application, which was sent the way on.
    const ids = new Set(attempts.map(({ spanId }) => spanId));
    const sent = collector.spans.filter(({ name, parentSpanId }) => name === 'POST' && ids.has(parentSpanId ?? ''));
    expect(sent).toHaveLength(5);
    const received = parties.flatMap((party) => party.headers.map((headers) => String(headers.traceparent)));
    expect(received.toSorted()).toEqual(sent.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`).toSorted());
    const statements = collector.spans.filter((span) => attributeOf(span, 'db.system.name') === 'postgresql');
    expect(statements.find(({ parentSpanId }) => parentSpanId === logout?.spanId)?.name).toMatch(/^logout_terminate_/);

    await second.stop();
    await first.stop();
    for (const party of parties) await party.stop();
  });

  it('no secret is in what is exported, whatever was sent', async () => {
    const party = await StubRelyingParty.start();
    const app = await TestApp.start(tracing(collector));
    const client = await clientOf(app, party);
    const account = await app.createAccount('marked-login@example.com');
    const browser = app.browser();
    const tokens = await app.signInTo(browser, client, account.login, { state: 'marked-state' });
    await app.refresh(client, tokens.refresh_token);
    await app.isActive(client, tokens.access_token);
    await app.form(
      '/token',
      { grant_type: 'authorization_code', code: 'marked-code', code_verifier: 'marked-verifier' },
      client,
    );
    await fetch(`${app.issuer}/marked-path?token=marked-query`, {
      headers: { authorization: 'Bearer marked-bearer', cookie: 'a=marked-cookie' },
    });
    await fetch(`${app.issuer}/userinfo`, { headers: { authorization: `Bearer ${tokens.access_token}` } });
    await signOut(browser, { id_token_hint: tokens.id_token, state: 'marked-state' });
    const [notice] = await party.waitFor(1);
    await app.sendDue();
    // A request's own span ends when its connection is done with the answer, which the client may have before.
    await vi.waitUntil(async () => {
      await flush(app);
      return collector.spans.length > 30;
    });
    const exported = collector.bodies.join('\n');
    expect(collector.spans.length).toBeGreaterThan(30);
    expect(exported).not.toMatch(/marked-/);
    const secrets = [
      tokens.access_token,
      tokens.refresh_token,
      tokens.id_token,
      notice?.token ?? '',
      client.clientSecret,
      basic(client),
    ];
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThan(20);
      expect(exported).not.toContain(secret);
      expect(exported).not.toContain(secret.slice(-30));
    }
    expect(exported).not.toMatch(/eyJ|exeunt_session|correct horse/);
    await app.stop();
    await party.stop();
  });

  it('a span has what it is about: route, status, request id, resource', async () => {
    const app = await TestApp.start(
      tracing(collector, { OTEL_SERVICE_NAME: 'id', OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=a%20test' }),
    );
    await app.form('/token', { grant_type: 'client_credentials' }, ADMIN);
    const answer = await fetch(`${app.issuer}/nothing-here`);
    await flush(app);
    const [token, nothing] = collector.spans.filter(({ kind }) => kind === SERVER);
    expect(token?.name).toBe('POST /token');
    expect(
      ['http.request.method', 'http.route', 'http.response.status_code'].map((name) => attributeOf(token!, name)),
    ).toEqual(['POST', '/token', 200]);
    expect(nothing?.name).toBe('GET');
    expect(attributeOf(nothing!, 'exeunt.request_id')).toBe(answer.headers.get('x-request-id'));
    const { resource } = collector.exports[0]!.resourceSpans[0]!;
    expect(['service.name', 'deployment.environment.name'].map((name) => attributeOf(resource, name))).toEqual([
      'id',
      'a test',
    ]);
    await app.stop();
  });

  it.each([
    ['a stranger is linked to', undefined, 'link'],
    ['a trusted proxy is the parent', '127.0.0.1, ::1', 'parent'],
  ])('the trace of %s', async (_, trustProxy, becomes) => {
    const app = await TestApp.start({ ...tracing(collector), trustProxy });
    const traceparent = `00-${STRANGERS_TRACE}-00f067aa0ba902b7-01`;
    await fetch(`${app.issuer}/jwks`, { headers: { traceparent } });
    await flush(app);
    const [span] = collector.spans;
    if (becomes === 'parent')
      expect(span).toMatchObject({ traceId: STRANGERS_TRACE, parentSpanId: '00f067aa0ba902b7' });
    else {
      expect(span?.traceId).not.toBe(STRANGERS_TRACE);
      expect(span?.links).toMatchObject([{ traceId: STRANGERS_TRACE, spanId: '00f067aa0ba902b7' }]);
    }
    await app.stop();
  });

  it('a trusted proxy that does not record is followed, and a stranger cannot have anything recorded', async () => {
    const app = await TestApp.start({ ...tracing(collector), trustProxy: '127.0.0.1, ::1' });
    const off = await TestApp.start(tracing(collector, { OTEL_TRACES_SAMPLER: 'parentbased_always_off' }), {
      db: app.db,
    });
    await fetch(`${app.issuer}/jwks`, { headers: { traceparent: `00-${STRANGERS_TRACE}-00f067aa0ba902b7-00` } });
    await fetch(`${off.issuer}/jwks`, { headers: { traceparent: `00-${STRANGERS_TRACE}-00f067aa0ba902b7-01` } });
    await flush(app, off);
    expect(collector.spans).toEqual([]);
    await off.stop();
    await app.stop();
  });

  it('a collector that is away costs no answer, and the log has one line', async () => {
    const app = await TestApp.start(tracing(collector));
    collector.status = 400;
    for (let round = 0; round < 3; round += 1) {
      expect((await app.form('/token', { grant_type: 'client_credentials' }, ADMIN)).status).toBe(200);
      await flush(app);
    }
    expect(collector.bodies.length).toBeGreaterThanOrEqual(3);
    expect(app.logger.lines.filter((line) => line.includes('were not exported'))).toHaveLength(1);
    await app.stop();
  });

  it('what is left is sent when it stops', async () => {
    const app = await TestApp.start(tracing(collector));
    await fetch(`${app.issuer}/jwks`);
    expect(collector.spans).toEqual([]);
    await app.stop();
    expect(collector.spans.map(({ name }) => name)).toContain('GET /jwks');
  });
});
