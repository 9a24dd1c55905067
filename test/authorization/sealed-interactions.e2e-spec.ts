import { SessionsService } from '../../src/domain/sessions/sessions.service.js';
import { GrantsService } from '../../src/domain/tokens/grants.service.js';
import { Sealer } from '../../src/platform/keys/sealer.js';
import { newSecret, sha256 } from '../../src/platform/oidc/secret.js';
import { PASSWORD, TestApp, type TestClient } from '../support/app.js';
import { DAY, HOUR, MINUTE } from '../support/clock.js';
import { createTestDatabase } from '../support/database.js';
import type { Browser, Page } from '../support/http.js';

/** What a grant is made of besides the client. */
const REQUEST = {
  scope: ['openid'],
  claims: undefined,
  nonce: undefined,
  codeChallenge: undefined,
  offline: false,
  registeredUri: undefined,
};
/** What is too long for an address. */
const LONG = 'x'.repeat(3000);

describe('an interaction that is sealed in its address (docs/decisions/0056-a-sealed-interaction.md)', () => {
  let app: TestApp;
  let client: TestClient;
  let other: TestClient;

  beforeAll(async () => {
    app = await TestApp.start();
    client = await app.createClient({ client_uri: 'https://ledger.example.com/' });
    other = await app.createClient({ client_uri: 'https://other.example.com/' });
  });
  afterAll(() => app.stop());

  async function begun(parameters: Record<string, string> = {}, browser = app.browser(), at = app) {
    const { location = '' } = await browser.get(at.authorizeUrl(client, parameters));
    const path = location.replace(at.issuer, '');
    const { login, id: accountId } = await at.createAccount();
    const submit = (form: Page): Promise<Page> => browser.submit(form, 'login-submit', { login, password: PASSWORD });
    return { browser, path, id: path.slice('/interaction/'.length), login, accountId, submit };
  }

  const rows = async (table: 'grants' | 'interactions' | 'sessions'): Promise<number> =>
    (await app.rowCounts())[table] ?? 0;
  const codeOf = (page: Page): string | null => (page.location === undefined ? null : page.query.get('code'));

  it('leaves no row and tells nothing of the request, before a person has signed in', async () => {
    const before = await app.rowCounts();
    const { browser, path, id } = await begun({ login_hint: 'mia@example.com', state: 'a-state-of-its-own' });
    expect((await browser.get(path)).has('login-submit')).toBe(true);
    expect(await app.rowCounts()).toEqual({ ...before, accounts: (before.accounts ?? 0) + 1 });
    const [sealed = '', clientId = ''] = id.split('.');
    expect(Buffer.from(sealed, 'base64url').toString('latin1')).not.toMatch(/mia|a-state|redirect|ledger/);
    expect(Buffer.from(clientId, 'base64url').toString()).toBe(client.clientId);
    expect(id.length).toBeLessThan(1000);
  });

  it('is answered once, however many answer at the same time', async () => {
    const { browser, path, login } = await begun();
    await app.signInTo(browser, other, login);
    const grants = await rows('grants');
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => browser.get(path)));
    expect(answers.filter((page) => codeOf(page) !== null)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(4);
    expect(await rows('grants')).toBe(grants + 1);
    // Nor later, by the same address or by another spelling of it.
    const [sealed = '', suffix = ''] = path.split('.');
    for (const spelling of [path, sealed, `${sealed}==.${suffix}`, `${sealed}%0A.${suffix}`, `${sealed}.`]) {
      const replayed = await browser.get(spelling);
      expect([replayed.status, replayed.body.includes('This sign-in is finished')]).toEqual([400, true]);
    }
    expect(await rows('grants')).toBe(grants + 1);
  });

  it('is another browser’s to nobody: no page, no session, and no login by a link that a stranger sends', async () => {
    const { browser, path, login } = await begun();
    const form = await browser.get(path);
    const sessions = await rows('sessions');
    const victim = app.browser();
    const own = await victim.follow(await victim.get(app.authorizeUrl(client)));
    const { fields } = own.formWith('login-submit');
    expect((await victim.get(path)).has('login-submit')).toBe(false);
    // With the right password and a form token of its own.
    const refused = await victim.post(`${path}/sign-in`, { ...fields, login, password: PASSWORD });
    expect([refused.status, victim.cookie('exeunt_session')]).toEqual([400, undefined]);
    // With the token that the stranger got.
    const { fields: theirs } = form.formWith('login-submit');
    expect((await victim.post(`${path}/sign-in`, { ...theirs, login, password: PASSWORD })).status).toBe(403);
    for (const what of ['consent', 'cancel'])
      expect((await victim.post(`${path}/${what}`, { ...fields, decision: 'allow' })).status).toBe(400);
    expect(await rows('sessions')).toBe(sessions);
  });

  it('does not open when any part of it was changed, nor what was sealed for something else', async () => {
    const { browser, id, login } = await begun();
    const form = await browser.get(`/interaction/${id}`);
    const { fields } = form.formWith('login-submit');
    const [sealed = '', suffix = ''] = id.split('.');
    const bytes = Buffer.from(sealed, 'base64url');
    const before = await app.rowCounts();
    const changed = [0, 6, 20, Math.floor(bytes.length / 2), bytes.length - 1].map((at) => {
      const copy = Buffer.from(bytes);
      copy[at] = (copy[at] ?? 0) ^ 1;
      return copy.toString('base64url');
    });
    const foreign = app.app.get(Sealer).seal('logout', { i: newSecret(), b: '', t: 0 }, HOUR);
    for (const forged of [...changed, sealed.slice(0, -4), foreign, '']) {
      const path = `/interaction/${forged}.${suffix}`;
      expect((await browser.get(path)).has('login-submit')).toBe(false);
      const refused = await browser.post(`${path}/sign-in`, { ...fields, login, password: PASSWORD });
      expect(refused.status).toBe(400);
    }
    expect(await app.rowCounts()).toEqual(before);
  });

  it('goes to the application that asked, whatever client stands behind it', async () => {
    const { browser, id, submit } = await begun();
    const swapped = `${id.split('.')[0]}.${Buffer.from(other.clientId).toString('base64url')}`;
    const answer = await submit(await browser.get(`/interaction/${swapped}`));
    expect(answer.location?.startsWith(`${client.redirectUri}?code=`)).toBe(true);
  });

  it('gives a new session, whatever cookie the browser was given before', async () => {
    const { browser, path, submit, accountId } = await begun();
    const planted = newSecret();
    browser.setCookie('exeunt_session', planted);
    expect(codeOf(await submit(await browser.get(path)))).not.toBeNull();
    expect(browser.cookie('exeunt_session')).not.toBe(planted);
    const sessions = await app.db.query<{ cookie_hash: Buffer }>(
      'SELECT cookie_hash FROM sessions WHERE account_id = $1',
      [accountId],
    );
    expect(sessions.map(({ cookie_hash: hash }) => hash)).toEqual([sha256(browser.cookie('exeunt_session') ?? '')]);
  });

  it('is open for an hour and leads on for a day', async () => {
    const { browser, path } = await begun();
    app.clock.advance(HOUR - MINUTE);
    expect((await browser.get(path)).has('login-submit')).toBe(true);
    app.clock.advance(2 * MINUTE);
    const late = await browser.get(path);
    expect([late.status, late.body.includes('This sign-in has lapsed')]).toEqual([400, true]);
    app.clock.advance(DAY - 2 * MINUTE);
    expect((await browser.get(path)).body).toContain('This sign-in has lapsed');
    app.clock.advance(2 * MINUTE);
    const gone = await browser.get(path);
    expect([gone.status, gone.headers.get('refresh')]).toEqual([400, null]);
    expect(gone.body).toContain('https://ledger.example.com/');
  });

  it('that is too long for an address is stored, and is answered once as well', async () => {
    const before = await rows('interactions');
    const { browser, path, id, submit } = await begun({ state: LONG });
    expect(await rows('interactions')).toBe(before + 1);
    expect(id.length).toBeLessThan(100);
    const form = await browser.get(path);
    const answer = await submit(form);
    expect(answer.query.get('state')).toBe(LONG);
    expect(codeOf(answer)).not.toBeNull();
    const again = await submit(form);
    expect([again.status, codeOf(again)]).toEqual([400, null]);
    // The one that was begun in its place, which is as long.
    expect(await rows('interactions')).toBe(before + 2);
  });

  it('of a version that stored each of them goes on', async () => {
    const browser: Browser = app.browser();
    await browser.get(app.authorizeUrl(client));
    const secret = newSecret();
    const request = {
      clientId: client.clientId,
      redirectUri: client.redirectUri,
      redirectUriSent: true,
      responseMode: 'query',
      scope: ['openid'],
      prompt: [],
      state: 'from-before',
    };
    await app.db.query(
      `INSERT INTO interactions (id_hash, browser_hash, client_id, request, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)`,
      [
        sha256(secret),
        sha256(browser.cookie('exeunt_browser') ?? ''),
        client.clientId,
        JSON.stringify(request),
        app.clock.now(),
        app.clock.in(HOUR),
      ],
    );
    const { login } = await app.createAccount();
    const path = `/interaction/${secret}${Buffer.from(client.clientId).toString('base64url')}`;
    expect((await app.browser().get(path)).has('login-submit')).toBe(false);
    const form = await browser.get(path);
    const answer = await browser.submit(form, 'login-submit', { login, password: PASSWORD });
    expect([answer.query.get('state'), codeOf(answer) === null]).toEqual(['from-before', false]);
    expect(codeOf(await browser.submit(form, 'login-submit', { login, password: PASSWORD }))).toBeNull();
  });

  it('is not answered by a session that a second click has given another cookie, nor by one that has ended', async () => {
    const { browser, login } = await begun();
    await app.signInTo(browser, client, login);
    const { grantor, session, row } = await inTheDatabase(browser);
    const request = { ...REQUEST, clientId: client.clientId, redirectUri: client.redirectUri };
    const before = await app.rowCounts();
    const replaced = await grantor.authorize(request, session, { ...row, cookieHash: sha256(newSecret()) });
    expect(replaced).toEqual({ kind: 'session_over' });
    expect(await app.rowCounts()).toEqual(before);
    const cookieHash = sha256(browser.cookie('exeunt_session') ?? '');
    await browser.submit(await browser.get('/session/end_session'), 'logout-yes');
    expect(await grantor.authorize(request, session, { ...row, cookieHash })).toEqual({ kind: 'session_over' });
    expect(await rows('interactions')).toBe(before.interactions);
  });

  /** A signed-in browser's session, and an interaction that has no row. */
  async function inTheDatabase(browser: Browser) {
    const session = await app.app.get(SessionsService).findByCookie(browser.cookie('exeunt_session'));
    if (session === undefined) throw new Error('no session');
    const row = {
      interactionHash: sha256(newSecret()),
      interactionBrowser: sha256(browser.cookie('exeunt_browser') ?? ''),
      interactionBegan: app.clock.now(),
      interactionExpires: app.clock.in(HOUR),
    };
    return { grantor: app.app.get(GrantsService), session, row };
  }

  describe('when the sealing key is rotated', () => {
    let own: TestApp;

    beforeEach(async () => {
      own = await TestApp.start({}, { db: await createTestDatabase() });
      client = await own.createClient({ client_uri: 'https://ledger.example.com/' });
    });
    afterEach(() => own.stop());

    const rotate = async (body: Record<string, unknown> = {}): Promise<void> => {
      const answer = await own.json('POST', '/admin/v1/keys/rotate', { token: await own.adminToken(), body });
      expect(answer.status).toBe(200);
    };

    it('goes on under the next one, and leads on for as long as under the same', async () => {
      const { browser, path } = await begun({}, own.browser(), own);
      await rotate();
      own.clock.advance(2 * MINUTE);
      expect((await browser.get(path)).has('login-submit')).toBe(true);
      own.clock.advance(DAY + 50 * MINUTE);
      const late = await browser.get(path);
      expect([late.status, late.body.includes('This sign-in has lapsed')]).toEqual([400, true]);
    });

    it('is nothing any more once its key was withdrawn: its page leads to the application, and no password is taken', async () => {
      const { browser, path, login } = await begun({}, own.browser(), own);
      const { fields } = (await browser.get(path)).formWith('login-submit');
      await rotate({ immediately: true });
      const lost = await browser.get(path);
      expect([lost.status, lost.has('login-submit')]).toEqual([400, false]);
      expect(lost.body).toContain('https://ledger.example.com/');
      const again = (await browser.follow(await browser.get(own.authorizeUrl(client)))).formWith('login-submit');
      const refused = await browser.post(`${path}/sign-in`, { ...fields, ...again.fields, login, password: PASSWORD });
      expect(refused.status).toBe(400);
      expect((await own.rowCounts()).sessions).toBe(0);
    });
  });
});
