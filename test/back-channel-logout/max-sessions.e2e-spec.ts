import { PASSWORD, TestApp, type TestClient } from '../support/app.js';
import { SessionActivity } from '../../src/domain/sessions/session-activity.js';
import { SessionSignIns } from '../../src/domain/sessions/session-sign-ins.service.js';
import { MINUTE } from '../support/clock.js';
import type { Browser } from '../support/http.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { StubUpstream } from '../support/stub-upstream.js';
import { promptNone } from '../rp-initiated-logout/end-session.js';
import { clientOf, deliveriesTo, terminationsOf } from './scene.js';

const LIMIT = 2;

describe('at most so many sessions of one person (MAX_SESSIONS_PER_ACCOUNT)', () => {
  let app: TestApp;
  let other: TestApp;
  let party: StubRelyingParty;
  let client: TestClient;

  beforeAll(async () => {
    [app, party] = await Promise.all([TestApp.start({ maxSessionsPerAccount: LIMIT }), StubRelyingParty.start()]);
    other = await TestApp.start({ maxSessionsPerAccount: LIMIT }, { db: app.db, clock: app.clock });
    client = await clientOf(app, party);
  });
  afterAll(async () => {
    await other.stop();
    await Promise.all([app.stop(), party.stop()]);
  });

  async function live(accountId: string): Promise<number> {
    const rows = await app.db.query('SELECT 1 FROM sessions WHERE account_id = $1 AND terminated_at IS NULL', [
      accountId,
    ]);
    return rows.length;
  }

  async function device(login: string): Promise<Browser> {
    app.clock.advance(MINUTE);
    const browser = app.browser();
    await app.signInTo(browser, client, login);
    // Written as the fifteen seconds would: seen when they signed in, not when somebody else came.
    await app.app.get(SessionActivity).flush();
    return browser;
  }

  it('one too many ends the one that was seen least recently, and tells its applications', async () => {
    const { id, login } = await app.createAccount();
    const [first, second] = [await device(login), await device(login)];
    // The older one is the one that is used.
    app.clock.advance(MINUTE);
    await promptNone(app, first, client);
    await app.app.get(SessionActivity).flush();
    expect(await terminationsOf(app, id)).toEqual([]);

    const third = await device(login);
    await app.sendDue();
    expect(await Promise.all([first, second, third].map((browser) => promptNone(app, browser, client)))).toEqual([
      'code',
      'login_required',
      'code',
    ]);
    const [termination, ...more] = await terminationsOf(app, id);
    expect(more).toEqual([]);
    expect(termination).toMatchObject({
      cause: 'max_sessions',
      initiator: { kind: 'system' },
      sessions: 1,
      grants_revoked: 1,
      deliveries: 1,
    });
    expect((await deliveriesTo(app, client.clientId)).filter(({ sub }) => sub === id)).toMatchObject([
      { state: 'delivered', attempts: 1, termination_id: termination?.id },
    ]);
    expect(party.received.filter(({ claims }) => claims.sub === id)).toHaveLength(1);
  });

  it('keeps offline grants, and another person’s sessions', async () => {
    const [mine, theirs] = [await app.createAccount(), await app.createAccount()];
    const bystander = await device(theirs.login);
    const browser = app.browser();
    const offline = await app.signInTo(browser, client, mine.login, { scope: 'openid offline_access' });
    await device(mine.login);
    await device(mine.login);
    expect(await promptNone(app, browser, client)).toBe('login_required');
    expect((await app.refresh(client, offline.refresh_token)).status).toBe(200);
    expect(await promptNone(app, bystander, client)).toBe('code');
  });

  it('the same person again in the same browser is no session more', async () => {
    const { id, login } = await app.createAccount();
    const browser = await device(login);
    const second = await device(login);
    const page = await browser.follow(await browser.get(app.authorizeUrl(client, { prompt: 'login' })));
    await app.signIn(browser, page, login);
    expect(await live(id)).toBe(LIMIT);
    expect(await promptNone(app, second, client)).toBe('code');
    expect(await terminationsOf(app, id)).toEqual([]);
  });

  it('sessions that have expired take up no room, and end by their own cause', async () => {
    const { id, login } = await app.createAccount();
    await device(login);
    app.clock.advance(app.settings.sessionIdleMs + MINUTE);
    const [second, third] = [await device(login), await device(login)];
    expect(await terminationsOf(app, id)).toEqual([]);
    await app.sweepExpired();
    expect(await terminationsOf(app, id)).toMatchObject([{ cause: 'session_idle' }]);
    for (const browser of [second, third]) expect(await promptNone(app, browser, client)).toBe('code');
  });

  it('many sign-ins at once, on two nodes, end within the limit, and each surplus session is on record once', async () => {
    const { id, login } = await app.createAccount();
    const n = 10;
    const begin = async (node: TestApp) => {
      const browser = node.browser();
      const page = await browser.follow(await browser.get('/account/sessions'));
      return (await browser.submit(page, 'login-submit', { login, password: PASSWORD })).status;
    };
    const statuses = await Promise.all(Array.from({ length: n }, (_, i) => begin(i % 2 === 0 ? app : other)));
    // A busy password hasher may turn somebody away; whoever came in counts.
    const signedIn = statuses.filter((status) => status === 303).length;
    expect(signedIn).toBeGreaterThan(LIMIT);
    expect(await live(id)).toBe(LIMIT);
    const ended = (await terminationsOf(app, id)).reduce((sum, { sessions }) => sum + sessions, 0);
    const [all] = await app.db.query<{ n: number }>('SELECT count(*)::int AS n FROM sessions WHERE account_id = $1', [
      id,
    ]);
    expect(ended).toBe((all?.n ?? 0) - LIMIT);
  });

  it('with a limit of one, the newest of parallel sign-ins stays: nobody is left without any', async () => {
    const node = await TestApp.start({ maxSessionsPerAccount: 1 }, { db: app.db, clock: app.clock });
    const account = await app.createAccount();
    const sessions = node.app.get(SessionSignIns);
    const [row] = await app.db.query<{ password_changed_at: Date }>('SELECT * FROM accounts WHERE id = $1', [
      account.id,
    ]);
    const proved = { id: account.id, passwordChangedAt: row?.password_changed_at ?? null };
    await Promise.all(
      Array.from({ length: 12 }, () => sessions.begin(proved, ['pwd'], { address: null, userAgent: undefined })),
    );
    expect(await live(account.id)).toBe(1);
    await node.stop();
  });

  it('counts a sign-in by another provider', async () => {
    const upstream = await StubUpstream.start(app.clock);
    await upstream.register(app);
    const subject = upstream.subject();
    const browsers = [app.browser(), app.browser(), app.browser()];
    for (const browser of browsers) {
      app.clock.advance(MINUTE);
      const page = await browser.follow(await browser.get(app.authorizeUrl(client)));
      const done = await browser.follow(await upstream.signIn(browser, page, subject));
      expect(done.query.get('code')).not.toBeNull();
    }
    expect(await Promise.all(browsers.map((browser) => promptNone(app, browser, client)))).toEqual([
      'login_required',
      'code',
      'code',
    ]);
    const rows = await app.db.query(
      `SELECT sessions FROM session_terminations WHERE cause = 'max_sessions'
      AND account_id = (SELECT account_id FROM upstream_identities WHERE sub = $1)`,
      [subject.sub],
    );
    expect(rows).toEqual([{ sessions: 1 }]);
    await upstream.stop();
  });

  it('counts a sign-in by a facilitator', async () => {
    const { id, login } = await app.createAccount();
    const browser = await device(login);
    await device(login);
    app.clock.advance(MINUTE);
    const facilitator = await app.createClient({ permissions: ['manage_oidc', 'manage_token'] });
    const response = await fetch(`${app.issuer}/_security/oauth2/token`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${facilitator.clientId}:${facilitator.clientSecret}`).toString('base64')}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ grant_type: 'password', username: login, password: PASSWORD }),
    });
    expect(response.status).toBe(200);
    expect(await live(id)).toBe(LIMIT);
    expect(await promptNone(app, browser, client)).toBe('login_required');
    expect(await terminationsOf(app, id)).toMatchObject([{ cause: 'max_sessions', sessions: 1 }]);
  });

  it('ends nothing when the sign-in itself fails', async () => {
    const { id, login } = await app.createAccount();
    await device(login);
    await device(login);
    const before = await app.rowCounts();
    const sessions = app.app.get(SessionSignIns);
    // The password was changed between the proof and the session.
    const stale = { id, passwordChangedAt: new Date(0) };
    expect(await sessions.begin(stale, ['pwd'], { address: null, userAgent: undefined })).toBeUndefined();
    expect(await app.rowCounts()).toEqual(before);
    expect(await live(id)).toBe(LIMIT);
  });

  it('there is no limit unless one is set', async () => {
    const unlimited = await TestApp.start();
    const open = await unlimited.createClient();
    const { id, login } = await unlimited.createAccount();
    for (let n = 0; n < 5; n += 1) await unlimited.signInTo(unlimited.browser(), open, login);
    expect(await terminationsOf(unlimited, id)).toEqual([]);
    await unlimited.stop();
  });
});
