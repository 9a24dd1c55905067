import { hash } from '@node-rs/argon2';
import { PasswordHasher } from '../../src/domain/accounts/password-hasher.js';
import { PASSWORD, TestApp, type Answer, type TestClient } from '../support/app.js';
import type { Page } from '../support/http.js';

const COMPOSED = 'L\u00f6wenz\u00e4hnchen am Morgen';
const DECOMPOSED = 'Lo\u0308wenza\u0308hnchen am Morgen';
const WIDE = '\uff2c\u00f6wenz\u00e4hnchen\u3000am\u00a0Morgen';

describe('names and passwords that people type', () => {
  let app: TestApp;
  let client: TestClient;
  let unique = 0;

  beforeAll(async () => {
    app = await TestApp.start({ signInAccountFailures: 3 });
    client = await app.createClient();
  });
  afterAll(() => app.stop());

  const admin = async (method: string, path: string, body?: unknown): Promise<Answer> =>
    app.json(method, `/admin/v1/accounts${path}`, { token: await app.adminToken(), body });
  const name = (): string => `person-${(unique += 1)}`;

  async function account(body: Record<string, unknown>): Promise<string> {
    const { status, body: created } = await admin('POST', '', { password: PASSWORD, ...body });
    expect(status).toBe(201);
    return String(created.id);
  }

  async function attempt(login: string, password = PASSWORD): Promise<Page> {
    const browser = app.browser();
    const page = await browser.follow(await browser.get(app.authorizeUrl(client)));
    return browser.follow(await browser.submit(page, 'login-submit', { login, password }));
  }

  const alertOf = (page: Page): string | undefined => /role="alert"[^>]*>([^<]*)/.exec(page.body)?.[1];

  /** The login of whoever was signed in, by whichever name. */
  async function signsInAs(typed: string, password = PASSWORD): Promise<string | undefined> {
    const browser = app.browser();
    const page = await browser.follow(await browser.get('/account/sessions'));
    const done = await browser.follow(await browser.submit(page, 'login-submit', { login: typed, password }));
    expect(done.status).toBeLessThan(500);
    const [row] = await app.db.query<{ login: string }>(
      `SELECT a.login FROM sessions s JOIN accounts a ON a.id = s.account_id ORDER BY s.created_at DESC, s.id DESC LIMIT 1`,
    );
    return done.has('login-submit') ? undefined : row?.login;
  }

  describe('an e-mail address', () => {
    it('signs in, however it is capitalised and wherever it is kept', async () => {
      const [first, second] = [name(), name()];
      await account({ login: first, email: `${first}@Example.com` });
      await account({ login: second, claims: { email: `${second}@example.com` } });
      expect(await signsInAs(`${first}@example.com`)).toBe(first);
      expect(await signsInAs(` ${first.toUpperCase()}@EXAMPLE.COM `)).toBe(first);
      expect(await signsInAs(`${second}@example.com`)).toBe(second);
      expect(await signsInAs(second)).toBe(second);
    });

    it('that two accounts have signs nobody in, with the words and the work of an unknown one', async () => {
      const [first, second] = [name(), name()];
      await account({ login: first, email: `${first}@example.com` });
      await account({ login: second, email: `${first}@EXAMPLE.com` });
      const verify = vi.spyOn(app.app.get(PasswordHasher), 'verify');
      const sessions = (await app.rowCounts()).sessions;
      const several = await attempt(`${first}@example.com`);
      const none = await attempt('nobody-at-all@example.com');
      expect([several.status, none.status]).toEqual([400, 400]);
      expect(alertOf(several)).toBe(alertOf(none));
      expect(verify.mock.calls).toEqual([
        [null, PASSWORD],
        [null, PASSWORD],
      ]);
      verify.mockRestore();
      expect((await app.rowCounts()).sessions).toBe(sessions);
      expect(await signsInAs(first)).toBe(first);
      expect(await signsInAs(second)).toBe(second);
    });

    it('that is the login of another account means that one, and takes nobody’s way in', async () => {
      const victim = `${name()}@example.com`;
      const other = name();
      await account({ login: victim });
      await account({ login: other, email: victim, password: 'quite another passphrase' });
      expect(await signsInAs(victim)).toBe(victim);
      expect(await signsInAs(victim, 'quite another passphrase')).toBeUndefined();
    });

    it('of an account without a password, as other providers make them, does not stand in the way', async () => {
      const login = name();
      await account({ login, email: `${login}@example.com` });
      await account({ login: `${login}@example.com`, password: undefined });
      await account({ login: name(), email: `${login}@example.com`, password: undefined });
      expect(await signsInAs(`${login}@example.com`)).toBe(login);
    });

    it('of a disabled account signs nobody in, nor does one that was taken away', async () => {
      const login = name();
      const id = await account({ login, email: `${login}@example.com` });
      await admin('PATCH', `/${id}`, { claims: {} });
      expect(await signsInAs(`${login}@example.com`)).toBeUndefined();
      await admin('PATCH', `/${id}`, { email: `${login}@example.com` });
      expect(await signsInAs(`${login}@example.com`)).toBe(login);
      await admin('POST', `/${id}/disable`);
      expect(await signsInAs(`${login}@example.com`)).toBeUndefined();
    });

    it('counts guesses together with those at the login', async () => {
      const login = name();
      await account({ login, email: `${login}@example.com` });
      for (const typed of [login, `${login}@example.com`, login.toUpperCase()])
        expect((await attempt(typed, 'wrong')).status).toBe(400);
      expect((await attempt(login)).status).toBe(429);
      expect((await attempt(`${login}@example.com`)).status).toBe(429);
    });

    it('signs in by the Elasticsearch API too, and names the person by the login there', async () => {
      const facilitator = await app.createClient({ permissions: ['manage_token'] });
      const login = name();
      await account({ login, email: `${login}@example.com` });
      const response = await fetch(`${app.issuer}/_security/oauth2/token`, {
        method: 'POST',
        headers: {
          authorization: `Basic ${Buffer.from(`${facilitator.clientId}:${facilitator.clientSecret}`).toString('base64')}`,
          'content-type': 'application/json',
        },
        body: JSON.stringify({ grant_type: 'password', username: `${login}@example.com`, password: PASSWORD }),
      });
      expect(await response.json()).toMatchObject({ authentication: { username: login } });
    });

    it('is found by search', async () => {
      const login = name();
      const id = await account({ login, email: `Searched-${login}@example.com` });
      const { body } = await admin('GET', `?search=searched-${login}`);
      expect((body.items as { id: string }[]).map((item) => item.id)).toEqual([id]);
    });

    it.each([
      'ops@localhost',
      'ops@files',
      'a.b+c@sub.example.com',
      '"two words"@example.com',
      'ops@[192.0.2.1]',
      'jörg@bücher.example',
      "o'neill@example.ie",
    ])('%s is taken as `email` and as a claim', async (email) => {
      const [first, second] = [name(), name()];
      expect((await admin('GET', `/${await account({ login: first, email })}`)).body.email).toBe(email);
      const id = await account({ login: second, claims: { email } });
      expect((await admin('GET', `/${id}`)).body.claims).toMatchObject({ email });
      for (const body of [{ email }, { claims: { email } }])
        expect((await admin('PATCH', `/${id}`, body)).status).toBe(200);
      // Several of these accounts have it now.
      expect(await signsInAs(email)).toBeUndefined();
    });

    it.each([
      'no-address',
      '@example.com',
      'ops@',
      'a b@example.com',
      'a@b@',
      'a@-b',
      'a@b..c',
      'a@b c',
      `${'a'.repeat(320)}@b.c`,
      'a\n@b.c',
    ])('%j is refused in both places, and nothing changes', async (email) => {
      const before = await app.rowCounts();
      for (const body of [{ email }, { claims: { email } }]) {
        const answer = await admin('POST', '', { login: name(), password: PASSWORD, ...body });
        expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request']);
        expect(answer.text).toContain('email');
      }
      expect(await app.rowCounts()).toEqual(before);
    });
  });

  describe('a login', () => {
    it('can be changed: the old one is free, the person is who they were', async () => {
      const [before, after] = [name(), name()];
      const id = await account({ login: before });
      const { status, body } = await admin('PATCH', `/${id}`, { login: after.toUpperCase() });
      expect([status, body.login, body.id]).toEqual([200, after, id]);
      expect(await signsInAs(before)).toBeUndefined();
      expect(await signsInAs(after)).toBe(after);
      await account({ login: before });
    });

    it('that is taken is 409, and nothing else of the request is done', async () => {
      const [taken, login] = [name(), name()];
      await account({ login: taken });
      const id = await account({ login, claims: { name: 'Before' } });
      const answer = await admin('PATCH', `/${id}`, { login: taken.toUpperCase(), claims: { name: 'After' } });
      expect(answer.status).toBe(409);
      expect((await admin('GET', `/${id}`)).body).toMatchObject({ login, claims: { name: 'Before' } });
    });
  });

  describe('a password', () => {
    it.each([
      ['composed', COMPOSED],
      ['decomposed', DECOMPOSED],
      ['in full width, with other spaces', WIDE],
    ])('set %s is one password on every device', async (_how, password) => {
      const login = name();
      await account({ login, password });
      for (const typed of [COMPOSED, DECOMPOSED, WIDE]) expect(await signsInAs(login, typed)).toBe(login);
      expect(await signsInAs(login, 'Lowenzahnchen am Morgen')).toBeUndefined();
    });

    it.each([
      ['composed', COMPOSED, [COMPOSED, DECOMPOSED]],
      ['decomposed', DECOMPOSED, [COMPOSED, DECOMPOSED]],
      ['in full width', WIDE, [WIDE]],
    ])('whose hash is from before, of the text as it came %s, goes on working', async (_how, password, typed) => {
      const login = name();
      const id = await account({ login });
      await app.db.query('UPDATE accounts SET password_hash = $2 WHERE id = $1', [id, await hash(password)]);
      for (const one of typed) expect(await signsInAs(login, one)).toBe(login);
      expect(await signsInAs(login)).toBeUndefined();
    });

    it.each([
      'password',
      '12345678',
      'PASSWORD',
      'Password123',
      'iloveyou',
      'qwertyuiop',
      '\uff50assword',
      'P@ssw0rd',
      '00000000',
      '12341234',
      'abcdefghij',
      '987654321',
      'hahahahaha',
    ])('%j is refused, at both places where one is set', async (password) => {
      const login = name();
      const id = await account({ login });
      const before = await app.rowCounts();
      const created = await admin('POST', '', { login: name(), password });
      const changed = await admin('PUT', `/${id}/password`, { password });
      for (const { status, body } of [created, changed]) {
        expect([status, body.error]).toEqual([400, 'invalid_request']);
        expect(body.error_description).toMatch(/guess/);
      }
      expect(await app.rowCounts()).toEqual(before);
      expect(await signsInAs(login)).toBe(login);
    });

    it('that is the account’s own name or address is refused', async () => {
      const login = 'seldom-seen-login';
      for (const password of [login, 'Seldom-Seen@example.com'])
        expect((await admin('POST', '', { login, email: 'seldom-seen@example.com', password })).status).toBe(400);
      const id = await account({ login, email: 'seldom-seen@example.com' });
      expect((await admin('PUT', `/${id}/password`, { password: login })).status).toBe(400);
    });

    it('that is common and was set before still signs in', async () => {
      const login = name();
      const id = await account({ login });
      await app.db.query('UPDATE accounts SET password_hash = $2 WHERE id = $1', [id, await hash('password')]);
      expect(await signsInAs(login, 'password')).toBe(login);
    });

    it.each([PASSWORD, 'correcthorsebatterystaple', 'x7!kQ2#p', 'demo-password'])('%j is taken', async (password) => {
      await account({ login: name(), password });
    });
  });
});
