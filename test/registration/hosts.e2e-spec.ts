import { TestApp, type TestClient } from '../support/app.js';

const CALLBACK = 'https://app.example.com/callback';
const LISTS = ['redirect_uris', 'post_logout_redirect_uris'];
const SINGLE = [
  'backchannel_logout_uri',
  'frontchannel_logout_uri',
  'initiate_login_uri',
  'client_uri',
  'logo_uri',
  'policy_uri',
  'tos_uri',
  'jwks_uri',
];
const HOSTS = [
  'a;frame-ancestors',
  'evil.invalid,frame-src',
  "a'b",
  'a"b',
  'a b',
  'a\tb',
  'a\nb',
  'a%3bb',
  'user@a.example',
  'a..example',
  'a.example.',
  'x'.repeat(2000),
  `${'x.'.repeat(500)}example`,
];

describe('hosts of registered addresses are names or addresses and nothing else', () => {
  let app: TestApp;
  let token: string;

  beforeAll(async () => {
    app = await TestApp.start({ registration: 'open' });
    token = await app.adminToken();
  });
  afterAll(() => app.stop());

  function metadataWith(member: string, host: string): Record<string, unknown> {
    const uri = `https://${host}/x`;
    if (member === 'redirect_uris') return { redirect_uris: [CALLBACK, uri] };
    // A frame must have the origin of a redirect URI, so that is what would have to be registered first.
    if (member === 'frontchannel_logout_uri') return { redirect_uris: [CALLBACK], [member]: uri };
    return { redirect_uris: [CALLBACK], [member]: LISTS.includes(member) ? [uri] : uri };
  }

  it.each([...LISTS, ...SINGLE])('%s: none of them is taken, from anybody', async (member) => {
    const before = await rows(app);
    for (const host of HOSTS) {
      const body = metadataWith(member, host);
      for (const [path, bearer] of [
        ['/register', undefined],
        ['/admin/v1/clients', token],
      ] as const) {
        const answer = await app.json('POST', path, { token: bearer, body });
        expect([host, answer.status]).toEqual([host, 400]);
        expect(answer.body.error).toMatch(/^invalid_(redirect_uri|client_metadata)$/);
      }
    }
    expect(await rows(app)).toEqual(before);
  });

  it.each(['issuer', 'redirect_uri', 'post_logout_redirect_uri'])('%s of an upstream: none either', async (member) => {
    const upstream = { name: 'corp', issuer: 'https://corp.example', client_id: 'us', client_secret: 's'.repeat(20) };
    for (const host of HOSTS) {
      const answer = await app.json('POST', '/admin/v1/upstreams', {
        token,
        body: { ...upstream, [member]: `https://${host}/x` },
      });
      expect([host, answer.status]).toEqual([host, 400]);
    }
    expect((await app.json('GET', '/admin/v1/upstreams', { token })).body.items).toEqual([]);
  });

  it('other hosts are taken as ever', async () => {
    for (const host of ['intranet', 'app-1.example.com:8443', '[2001:db8::1]', '203.0.113.7', 'xn--bcher-kva.example'])
      expect((await app.json('POST', '/register', { body: metadataWith('redirect_uris', host) })).status).toBe(201);
  });
});

describe('what was registered before hosts were looked at', () => {
  let app: TestApp;
  let client: TestClient;

  beforeAll(async () => {
    app = await TestApp.start();
    client = await app.createClient({
      skip_consent: false,
      redirect_uris: ['http://localhost:5101/callback'],
      frontchannel_logout_uri: 'http://localhost:5101/out',
    });
  });
  afterAll(() => app.stop());

  async function store(metadata: Record<string, unknown>): Promise<void> {
    await app.db.query('UPDATE clients SET metadata = metadata || $2::jsonb WHERE client_id = $1', [
      client.clientId,
      JSON.stringify(metadata),
    ]);
    // The registry reads again what it is told has changed.
    await app.json('POST', `/admin/v1/clients/${client.clientId}/disable`, { token: await app.adminToken() });
    await app.json('POST', `/admin/v1/clients/${client.clientId}/enable`, { token: await app.adminToken() });
  }

  function directives(policy: string): string[] {
    return policy.split(/[;,]/).map((directive) => directive.trim().split(' ', 1)[0] ?? '');
  }

  it('writes no policy: every directive is there once, and nobody may frame a page', async () => {
    await store({
      redirect_uris: ['http://localhost:5101/callback', 'https://a;frame-ancestors/', 'https://b,frame-src/'],
      post_logout_redirect_uris: ['https://c;sandbox/', 'http://localhost:5102/x'],
      logo_uri: 'https://d;script-src/logo.png',
      frontchannel_logout_uri: 'https://b,frame-src/out',
    });
    const { login } = await app.createAccount();
    const browser = app.browser();
    const signIn = await browser.follow(await browser.get(app.authorizeUrl(client)));
    const consent = await browser.follow(await app.signIn(browser, signIn, login));
    expect(consent.has('consent-submit')).toBe(true);
    await browser.submit(consent, 'consent-submit');
    const dialog = await browser.get(`/session/end_session?client_id=${client.clientId}`);
    const signedOut = await browser.follow(await browser.submit(dialog, 'logout-yes'));
    for (const page of [signIn, consent, dialog, signedOut]) {
      expect([200, 400]).toContain(page.status);
      const policy = page.headers.get('content-security-policy') ?? '';
      const names = directives(policy);
      expect(new Set(names).size).toBe(names.length);
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/sandbox|https:\/\/[a-d]\b/);
    }
  });

  it('makes no header that a proxy would not take', async () => {
    const uris = Array.from({ length: 200 }, (_, n) => `https://${n}.${'a'.repeat(60)}.example/${'x'.repeat(900)}`);
    await store({
      redirect_uris: ['http://localhost:5101/callback', ...uris],
      post_logout_redirect_uris: uris,
      logo_uri: 'https://cdn.example/logo.png',
    });
    const browser = app.browser();
    const page = await browser.follow(await browser.get(app.authorizeUrl(client)));
    expect(page.status).toBe(200);
    for (const [name, value] of page.headers) expect([name, value.length < 8000]).toEqual([name, true]);
  });
});

/** But for the counters of who asks how often. */
async function rows(app: TestApp): Promise<Record<string, number>> {
  return { ...(await app.rowCounts()), rate_limits: 0 };
}
