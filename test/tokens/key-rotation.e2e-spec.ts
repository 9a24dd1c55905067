import { decodeProtectedHeader } from 'jose';
import { TestApp, type TestClient } from '../support/app.js';
import { DAY, HOUR } from '../support/clock.js';

const POST_LOGOUT = 'http://127.0.0.1:9/signed-out';

describe('signing keys: published, then used, then retired', () => {
  let app: TestApp;
  let client: TestClient;

  beforeEach(async () => {
    app = await TestApp.start();
    client = await app.createClient({ post_logout_redirect_uris: [POST_LOGOUT] });
  });
  afterEach(() => app.stop());

  const jwks = async () => (await app.json('GET', '/jwks')).body.keys as Record<string, string>[];
  const kids = async () => (await jwks()).map(({ kid }) => kid);
  const kidOf = (jwt: string) => String(decodeProtectedHeader(jwt).kid);

  async function signedIn() {
    const { login } = await app.createAccount();
    const browser = app.browser();
    return { browser, tokens: await app.signInTo(browser, client, login) };
  }

  async function rotate(body: Record<string, unknown> = {}) {
    const answer = await app.json('POST', '/admin/v1/keys/rotate', { token: await app.adminToken(), body });
    expect(answer.status).toBe(200);
  }

  /** Another node starts, which looks after the keys, and tells this one. */
  async function maintain() {
    const node = await TestApp.start({ issuer: app.issuer }, { db: app.db, clock: app.clock });
    await node.stop();
  }

  it('publishes one public key for each algorithm, each with a kid, and nothing private (RFC 7517 §5)', async () => {
    const answer = await app.json('GET', '/jwks');
    const keys = answer.body.keys as Record<string, string>[];
    expect(answer.headers.get('cache-control')).toBe('public, max-age=300');
    expect(keys.map(({ alg }) => String(alg)).sort()).toEqual(['ES256', 'EdDSA', 'RS256']);
    expect(new Set(keys.map(({ kid }) => kid)).size).toBe(3);
    for (const key of keys) {
      expect(key).toMatchObject({ use: 'sig', kid: expect.stringMatching(/^[\w-]{43}$/) });
      expect(
        Object.keys(key).filter((member) => !['kty', 'crv', 'x', 'y', 'n', 'e', 'kid', 'alg', 'use'].includes(member)),
      ).toEqual([]);
    }
  });

  it('a rotation publishes the new keys at once and signs with them after the lead time', async () => {
    const before = kidOf((await signedIn()).tokens.id_token);
    await rotate();
    const published = await kids();
    expect(published).toHaveLength(6);
    expect(kidOf((await signedIn()).tokens.id_token)).toBe(before);
    app.clock.advance(app.settings.keyPublishLeadMs - HOUR);
    expect(kidOf((await signedIn()).tokens.id_token)).toBe(before);
    app.clock.advance(HOUR);
    const after = kidOf((await signedIn()).tokens.id_token);
    expect(after).not.toBe(before);
    expect(published).toContain(after);
  });

  it('an immediate rotation signs with the new keys now, and forgets the private halves of the old ones', async () => {
    const { tokens } = await signedIn();
    await rotate({ immediately: true });
    expect(kidOf((await signedIn()).tokens.id_token)).not.toBe(kidOf(tokens.id_token));
    const [old] = await app.db.query<{ private_jwk: unknown; retired_at: unknown }>(
      'SELECT * FROM signing_keys WHERE kid = $1',
      [kidOf(tokens.id_token)],
    );
    expect(old).toMatchObject({ private_jwk: null, retired_at: expect.any(Date) });
  });

  it('leaked keys: after an immediate rotation they are published no more, and no access token of theirs is good', async () => {
    const { tokens } = await signedIn();
    await rotate({ immediately: true });
    expect(await kids()).not.toContain(kidOf(tokens.id_token));
    expect(await app.isActive(client, tokens.access_token)).toBe(false);
    expect((await app.refresh(client, tokens.refresh_token)).status).toBe(200);
  });

  it('an ordinary rotation leaves access tokens good until they expire', async () => {
    await rotate();
    app.clock.advance(app.settings.keyPublishLeadMs - 1000);
    const { tokens } = await signedIn();
    app.clock.advance(2000);
    await maintain();
    expect(kidOf((await signedIn()).tokens.id_token)).not.toBe(kidOf(tokens.id_token));
    expect(await app.isActive(client, tokens.access_token)).toBe(true);
  });

  it('leaked keys: an immediate rotation also retires the ones that wait to sign, and they never do', async () => {
    await rotate();
    const leaked = await kids();
    await rotate({ immediately: true });
    const signing = kidOf((await signedIn()).tokens.id_token);
    expect(leaked).not.toContain(signing);
    app.clock.advance(app.settings.keyPublishLeadMs);
    await maintain();
    expect(kidOf((await signedIn()).tokens.id_token)).toBe(signing);
    const rows = await app.db.query('SELECT 1 FROM signing_keys WHERE private_jwk IS NOT NULL AND kid = ANY($1)', [
      leaked,
    ]);
    expect(rows).toEqual([]);
  });

  it.each([
    ['still published', HOUR, true],
    ['no longer published', 8 * DAY, false],
  ])('a retired key that is %s verifies an ID token hint', async (_what, age, published) => {
    const { browser, tokens } = await signedIn();
    await rotate();
    app.clock.advance(app.settings.keyPublishLeadMs);
    await maintain();
    app.clock.advance(age);
    expect((await kids()).includes(kidOf(tokens.id_token))).toBe(published);
    const query = new URLSearchParams({
      id_token_hint: tokens.id_token,
      post_logout_redirect_uri: POST_LOGOUT,
      state: 's',
    });
    const page = await browser.get(`/session/end_session?${query}`);
    // Whose session has expired by then is not asked; what the hint is good for is the way back.
    const done = page.has('logout-yes') ? await browser.submit(page, 'logout-yes') : page;
    expect(done.location).toBe(`${POST_LOGOUT}?state=s`);
  });

  it('keys rotate by age: the successor is published first, and the old key retires when it signs', async () => {
    const first = kidOf((await signedIn()).tokens.id_token);
    app.clock.advance(app.settings.keyRotationDays * DAY);
    await maintain();
    await vi.waitFor(async () => expect(await kids()).toHaveLength(6));
    expect(kidOf((await signedIn()).tokens.id_token)).toBe(first);
    app.clock.advance(app.settings.keyPublishLeadMs);
    await maintain();
    const states = async () => {
      const { items } = (await app.json('GET', '/admin/v1/keys', { token: await app.adminToken() })).body;
      return Object.fromEntries((items as { kid: string; state: string }[]).map(({ kid, state }) => [kid, state]));
    };
    await vi.waitFor(async () => expect((await states())[first]).toBe('retired'));
    const second = kidOf((await signedIn()).tokens.id_token);
    expect(second).not.toBe(first);
    expect((await states())[second]).toBe('active');
  });

  it('two nodes that start at once make one set of keys', async () => {
    app.clock.advance(app.settings.keyRotationDays * DAY);
    const nodes = await Promise.all(
      [1, 2, 3].map(() => TestApp.start({ issuer: app.issuer }, { db: app.db, clock: app.clock })),
    );
    await Promise.all(nodes.map((node) => node.stop()));
    const rows = await app.db.query<{ alg: string; n: number }>(
      'SELECT alg, count(*)::int AS n FROM signing_keys GROUP BY alg ORDER BY alg',
    );
    expect(rows).toEqual([
      { alg: 'A256GCM', n: 1 },
      { alg: 'ES256', n: 2 },
      { alg: 'EdDSA', n: 2 },
      // Each stays for ever, so age makes no other.
      { alg: 'HS256', n: 1 },
      { alg: 'RS256', n: 2 },
    ]);
  });

  it('another node learns of new keys and verifies what they sign', async () => {
    const node = await TestApp.start({ issuer: app.issuer }, { db: app.db, clock: app.clock });
    try {
      await rotate({ immediately: true });
      const { tokens } = await signedIn();
      await vi.waitFor(async () => expect(await node.isActive(client, tokens.access_token)).toBe(true));
    } finally {
      await node.stop();
    }
  });
});
