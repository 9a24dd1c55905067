import { TestApp, type TestClient } from '../support/app.js';
import type { Browser, Page } from '../support/http.js';
import { StubUpstream, type UpstreamSubject } from '../support/stub-upstream.js';
import { leave, operator } from './scene.js';

interface AccountRow {
  readonly id: string;
  readonly login: string;
  readonly claims: Record<string, unknown>;
}

describe('what another provider says of a person', () => {
  let app: TestApp;
  let upstream: StubUpstream;
  let client: TestClient;
  let name: string;

  beforeAll(async () => {
    app = await TestApp.start();
    upstream = await StubUpstream.start(app.clock);
    // Before its metadata are read: then there is one.
    upstream.userinfo = {};
    client = await app.createClient({ scope: 'openid email profile phone' });
    name = await upstream.register(app);
  });
  afterAll(() => Promise.all([app.stop(), upstream.stop()]));
  afterEach(async () => {
    upstream.idTokenClaims = {};
    upstream.userinfo = {};
    await change({ trust_email: false, trusted_email_domains: null, trust_phone_number: false, claim_mapping: {} });
  });

  async function change(body: object): Promise<Record<string, unknown>> {
    const answer = await operator(app, await app.adminToken())('PATCH', `/upstreams/${name}`, body);
    expect(answer.status).toBe(200);
    return answer.body;
  }

  async function attempt(subject: UpstreamSubject, browser: Browser = app.browser()): Promise<Page> {
    const left = await leave(app, client, name, browser);
    return browser.follow(await browser.get(upstream.authorize(left.location ?? '', subject)));
  }

  async function accountOf(sub: string): Promise<AccountRow | undefined> {
    const [row] = await app.db.query<AccountRow>(
      `SELECT a.id, a.login, a.claims FROM accounts a JOIN upstream_identities i ON i.account_id = a.id
        WHERE i.issuer = $1 AND i.sub = $2`,
      [upstream.issuer, sub],
    );
    return row;
  }

  /** Signs in, and says what our userinfo says then. */
  async function userinfoOf(subject: UpstreamSubject): Promise<Record<string, unknown>> {
    const page = await attempt(subject);
    const { body } = await app.form(
      '/token',
      { grant_type: 'authorization_code', code: page.query.get('code') ?? '', redirect_uri: client.redirectUri },
      client,
    );
    const { body: claims } = await app.json('GET', '/userinfo', { token: String(body.access_token) });
    return { ...claims, ...(await accountOf(subject.sub))?.claims };
  }

  describe('that an address is verified (OpenID Connect Core 1.0 §5.7)', () => {
    const boss = (claims: Record<string, unknown> = {}): UpstreamSubject =>
      upstream.subject({ email: 'boss@example.org', email_verified: true, ...claims });

    it('is not ours, unless the operator trusts it for that', async () => {
      const subject = boss();
      expect(await userinfoOf(subject)).toMatchObject({ email: 'boss@example.org', email_verified: false });
      expect(await change({ trust_email: true })).toMatchObject({ trust_email: true });
      expect(await userinfoOf(subject)).toMatchObject({ email: 'boss@example.org', email_verified: true });
      await change({ trust_email: false });
      // At once, and not when the person comes again.
      expect((await accountOf(subject.sub))?.claims).toMatchObject({ email_verified: false });
      expect(await userinfoOf(subject)).toMatchObject({ email_verified: false });
    });

    it('is ours for the domains that it is trusted for, and none below or above them', async () => {
      const body = { trust_email: true, trusted_email_domains: ['Example.ORG', 'bücher.example'] };
      expect((await change(body)).trusted_email_domains).toEqual(['example.org', 'xn--bcher-kva.example']);
      const verified = async (email: string): Promise<unknown> => (await userinfoOf(boss({ email }))).email_verified;
      expect(await verified('one@example.org')).toBe(true);
      expect(await verified('two@EXAMPLE.org')).toBe(true);
      expect(await verified('three@bücher.example')).toBe(true);
      for (const email of ['a@sub.example.org', 'a@org', 'a@evil.example', 'a@example.org.evil.example'])
        expect([email, await verified(email)]).toEqual([email, false]);
      expect(await verified('a@evil.example@example.org')).not.toBe(true);
      expect(await verified('b@example.org ')).not.toBe(true);
    });

    it('is taken back where a domain is trusted no more', async () => {
      await change({ trust_email: true });
      const [kept, lost] = [boss({ email: 'kept@example.org' }), boss({ email: 'lost@example.net' })];
      await Promise.all([attempt(kept), attempt(lost)]);
      await change({ trusted_email_domains: ['example.org'] });
      expect((await accountOf(kept.sub))?.claims.email_verified).toBe(true);
      expect((await accountOf(lost.sub))?.claims.email_verified).toBe(false);
    });

    it.each([
      [{ trusted_email_domains: ['a@example.org'] }],
      [{ trusted_email_domains: ['*.example.org'] }],
      [{ trusted_email_domains: [''] }],
      [{ trusted_email_domains: ['exa mple.org'] }],
      [{ trust_email: null }],
      [{ trust_email: 'yes' }],
    ])('cannot be trusted by %j', async (body) => {
      const { status } = await operator(app, await app.adminToken())('PATCH', `/upstreams/${name}`, body);
      expect(status).toBe(400);
    });

    it.each<[string, Record<string, unknown>, Record<string, unknown>, Record<string, unknown>]>([
      [
        'the ID token names the address, userinfo vouches for another',
        { email: 'ceo@example.org' },
        { email: 'mallory@example.net', email_verified: true },
        { email: 'ceo@example.org' },
      ],
      [
        'the ID token vouches and names none',
        { email: undefined, email_verified: true },
        { email: 'mallory@example.net' },
        { email: 'mallory@example.net' },
      ],
      [
        'the ID token names nothing',
        { email: '' },
        { email: 'user@example.net', email_verified: true },
        { email: 'user@example.net', email_verified: true },
      ],
      [
        'the ID token says both',
        { email: 'token@example.org', email_verified: true, name: undefined },
        { email: 'info@example.net', email_verified: false },
        { email: 'token@example.org', email_verified: true },
      ],
    ])('is taken from where the address is: %s', async (_what, idToken, userinfo, expected) => {
      await change({ trust_email: true });
      const subject = upstream.subject({ name: undefined, email: undefined, ...idToken });
      upstream.userinfo = { sub: subject.sub, ...userinfo };
      await attempt(subject);
      const { email, email_verified } = (await accountOf(subject.sub))?.claims ?? {};
      expect({ email, email_verified }).toEqual({ email_verified: undefined, ...expected });
    });

    it('is taken from where the address is under other names too', async () => {
      await change({ trust_email: true, claim_mapping: { email: 'mail', email_verified: 'mail_ok' } });
      const subject = upstream.subject({ mail: 'ceo@example.org' });
      upstream.userinfo = { sub: subject.sub, mail: 'mallory@example.net', mail_ok: true };
      await attempt(subject);
      const claims = (await accountOf(subject.sub))?.claims;
      expect(claims?.email).toBe('ceo@example.org');
      expect(claims).not.toHaveProperty('email_verified');
    });

    it('says nothing without an address', async () => {
      await change({ trust_email: true });
      const subject = upstream.subject({ email: undefined, email_verified: true });
      upstream.userinfo = { sub: subject.sub };
      await attempt(subject);
      expect((await accountOf(subject.sub))?.claims).not.toHaveProperty('email_verified');
    });

    it('holds for telephone numbers alike', async () => {
      const subject = upstream.subject({ phone_number: '+41790000000', phone_number_verified: true });
      await attempt(subject);
      expect((await accountOf(subject.sub))?.claims.phone_number_verified).toBe(false);
      await change({ trust_phone_number: true });
      await attempt(subject);
      expect((await accountOf(subject.sub))?.claims.phone_number_verified).toBe(true);
      await change({ trust_phone_number: false });
      expect((await accountOf(subject.sub))?.claims.phone_number_verified).toBe(false);
    });

    it.each([false, true])(
      'is not repeated where somebody here has verified the address (trusted: %s)',
      async (trusted) => {
        await change({ trust_email: trusted });
        const email = `owner-${trusted}@example.org`;
        await app.createAccount(email, { email, email_verified: true });
        const subject = boss({ email: email.toUpperCase() });
        const claims = await userinfoOf(subject);
        expect(claims).not.toHaveProperty('email');
        expect(claims).not.toHaveProperty('email_verified');
      },
    );

    it('is not repeated once somebody here has verified it after the first sign-in', async () => {
      const subject = boss({ email: 'late@example.org' });
      expect(await userinfoOf(subject)).toMatchObject({ email: 'late@example.org' });
      await app.createAccount('late@example.org', { email: 'late@example.org', email_verified: true });
      expect(await userinfoOf(subject)).not.toHaveProperty('email');
    });

    it('is one person’s when two first sign-ins claim it at once', async () => {
      await change({ trust_email: true });
      const people = Array.from({ length: 4 }, () => boss({ email: 'race@example.org' }));
      await Promise.all(people.map((person) => attempt(person)));
      const rows = await Promise.all(people.map(({ sub }) => accountOf(sub)));
      expect(rows.filter((row) => row?.claims.email_verified === true)).toHaveLength(1);
      expect(rows.filter((row) => row?.claims.email !== undefined)).toHaveLength(1);
    });
  });

  describe('to be called keeps nobody out', () => {
    async function expectIn(subject: UpstreamSubject): Promise<AccountRow | undefined> {
      const page = await attempt(subject);
      expect([page.status, page.query.has('code')]).toEqual([303, true]);
      const again = await attempt(subject);
      expect(again.query.has('code')).toBe(true);
      return accountOf(subject.sub);
    }

    const person = (sub: string, claims: Record<string, unknown> = {}): UpstreamSubject => ({
      sub,
      sid: undefined,
      claims: { name: 'Ada', email: 'ada@example.com', preferred_username: sub, ...claims },
    });

    it('subs that differ in case, in spaces, or in how a letter is composed are different people', async () => {
      const subs = ['Kim', 'kim', 'KIM', 'kim ', ' kim', 'kim\u00e9', 'kime\u0301', '#kim', '# kim', 'k'.repeat(255)];
      const ids = new Set<string | undefined>();
      for (const sub of subs) ids.add((await expectIn(person(sub)))?.id);
      expect(ids.size).toBe(subs.length);
    });

    it('whoever takes the names that somebody would get, on purpose, keeps nobody out', async () => {
      const victim = person('victim-1', { preferred_username: 'boss' });
      await expectIn(person('thief-1', { preferred_username: 'boss' }));
      await expectIn(person('thief-2', { preferred_username: 'victim-1' }));
      const row = await expectIn(victim);
      expect(row?.login).toMatch(new RegExp(`^${name}:#[0-9a-f]{64}$`));
      // The last resort is nobody's to choose.
      const made = row?.login.slice(name.length + 1) ?? '';
      const copy = await expectIn(person('thief-3', { preferred_username: made }));
      expect(copy?.login).toBe(`${name}:thief-3`);
    });

    it('two who come at once with one name both get in', async () => {
      const people = Array.from({ length: 4 }, (_, index) => person(`twin-${index}`, { preferred_username: 'twin' }));
      const pages = await Promise.all(people.map((somebody) => attempt(somebody)));
      expect(pages.map((page) => page.query.has('code'))).toEqual([true, true, true, true]);
      const logins = await Promise.all(people.map(async ({ sub }) => (await accountOf(sub))?.login));
      expect(new Set(logins).size).toBe(4);
    });

    it.each<[string, Record<string, unknown>]>([
      ['a name that was cut in the middle of a character', { name: 'a\ud800', given_name: '\udc00b' }],
      ['a preferred name with half a character', { preferred_username: 'a\ud83d' }],
      ['a preferred name with NUL', { preferred_username: 'a\0b' }],
      ['a name with NUL', { name: 'a\0b' }],
      ['an address with half a character', { email: 'a\ud800@example.org', email_verified: true }],
      ['an address of odd members', { address: { formatted: 'x', 'a\0': 'b', '\ud800': 'c' } }],
      ['claims of wrong types', { name: 7, email: {}, email_verified: 'yes', preferred_username: [], birthdate: 1 }],
      ['amr of anything', { amr: ['pwd', 7, null, 'a\0', '\ud800', { a: 1 }, 'x'.repeat(5000)] }],
      ['amr that is no list', { amr: 'pwd' }],
      ['sid that is a number', { sid: 7 }],
      ['an empty sid', { sid: '' }],
      ['a very long name', { preferred_username: 'n'.repeat(20_000), name: 'n'.repeat(20_000) }],
    ])('%s', async (what, claims) => {
      const row = await expectIn(person(`odd ${what}`, claims));
      expect(JSON.stringify(row?.claims)).not.toMatch(/\\ud[89a-f]|\\u0000/i);
    });

    it('a cut name is kept without the half', async () => {
      expect((await expectIn(person('cut-1', { name: 'Ada \ud83d' })))?.claims.name).toBe('Ada \ufffd');
    });
  });

  it.each<[string, Record<string, unknown>]>([
    ['an empty sub', { sub: '' }],
    ['a sub with NUL', { sub: 'a\0b' }],
    ['a sub with half a character', { sub: 'a\ud800' }],
    ['a sub of 256 characters', { sub: 's'.repeat(256) }],
    ['a sub that is a number', { sub: 7 }],
    ['a sid with NUL', { sid: 'a\0b' }],
    ['a sid with half a character', { sid: '\udfff' }],
    ['a sid that fits no index', { sid: 's'.repeat(10_000) }],
    ['iat beyond all calendars', { iat: 1e300 }],
    ['iat before all of them', { iat: -1e300 }],
    ['auth_time that is a text', { auth_time: 'yesterday' }],
    ['auth_time before all calendars', { auth_time: -1 }],
  ])('%s is refused, said to the person, and on record; never an outage of ours', async (_what, claims) => {
    const browser = app.browser();
    const left = await leave(app, client, name, browser);
    const before = await app.rowCounts();
    upstream.idTokenClaims = claims;
    const page = await browser.get(upstream.authorize(left.location ?? '', upstream.subject()));
    expect(page.status).toBe(400);
    expect(page.body).toContain('Corporate SSO did not sign you in');
    expect(page.has('login-submit')).toBe(true);
    expect(browser.cookie('exeunt_session')).toBeUndefined();
    const after = await app.rowCounts();
    for (const table of ['accounts', 'sessions', 'session_upstreams', 'upstream_identities'])
      expect([table, after[table]]).toEqual([table, before[table]]);
    const { body } = await app.json('GET', '/admin/v1/audit-events?event=upstream_sign_in&limit=1', {
      token: await app.adminToken(),
    });
    expect((body.items as unknown[])[0]).toMatchObject({ outcome: 'refused', details: { upstream: name } });
  });

  it('an error that it answers is quoted in one line and without what a terminal obeys', async () => {
    const browser = app.browser();
    const left = new URL((await leave(app, client, name, browser)).location ?? '');
    const query = new URLSearchParams({
      error: 'x\n[Nest] 1 - ERROR \u001b[31m\ud83d\ude00',
      state: left.searchParams.get('state') ?? '',
      iss: upstream.issuer,
    });
    const lines = app.logger.lines.length;
    expect((await browser.get(`/upstreams/${name}/callback?${query}`)).status).toBe(400);
    const logged = app.logger.lines.slice(lines).join('');
    expect(logged).toContain('x?[Nest]');
    // oxlint-disable-next-line no-control-regex -- these are what must not be there
    expect(logged).not.toMatch(/[\n\u001b]/);
  });
});
