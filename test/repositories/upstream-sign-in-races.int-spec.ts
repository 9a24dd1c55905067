import pg from 'pg';
import { sha256 } from '../../src/platform/oidc/secret.js';
import { TestApp, type Answer, type TestClient } from '../support/app.js';
import { untilWaiting } from '../support/locks.js';
import type { Browser, Page } from '../support/http.js';
import { StubUpstream, type UpstreamSubject } from '../support/stub-upstream.js';

const ROUNDS = 20;
const LOGOUT = '/api/v1/auth/oidc/backchannel-logout';
/** The second number of the locks that a person or session at an upstream has (upstream-logout-tokens.service.ts). */
const LOCK_SEED = 7355608;
const PATIENCE = { timeout: 10_000, interval: 2 };

describe('sign-in with another provider under races', () => {
  let app: TestApp;
  let other: TestApp;
  let upstream: StubUpstream;
  let client: TestClient;
  let name: string;
  let gate: pg.Client;

  beforeAll(async () => {
    app = await TestApp.start();
    other = await TestApp.start({ issuer: app.issuer }, { db: app.db, clock: app.clock });
    upstream = await StubUpstream.start(app.clock);
    client = await app.createClient();
    gate = new pg.Client({ connectionString: app.db.url });
    await gate.connect();
  });
  beforeEach(async () => {
    name = await upstream.register(app);
    const offered = async (): Promise<boolean> => {
      const { body } = await other.json('GET', `/admin/v1/upstreams/${name}`, { token: await app.adminToken() });
      return body.name === name;
    };
    await vi.waitUntil(offered, PATIENCE);
  });
  afterEach(async () => {
    await app.json('DELETE', `/admin/v1/upstreams/${name}`, { token: await app.adminToken() });
  });
  afterAll(async () => {
    await gate.end();
    await other.stop();
    await Promise.all([app.stop(), upstream.stop()]);
  });

  const nodeOf = (round: number): TestApp => (round % 2 === 0 ? app : other);

  /** Goes to the provider, signs in there, and has the way back in hand. */
  async function onTheWayBack(subject: UpstreamSubject): Promise<{ readonly browser: Browser; readonly url: string }> {
    const browser = app.browser();
    const page = await browser.follow(await browser.get(app.authorizeUrl(client)));
    const [, href = ''] = new RegExp(`href="([^"]+/upstream/${name})"`).exec(page.body) ?? [];
    const left = await browser.get(href);
    return { browser, url: upstream.authorize(left.location ?? '', subject) };
  }

  function arrive(node: TestApp, { browser, url }: { readonly browser: Browser; readonly url: string }): Promise<Page> {
    return browser.get(url.replace(app.issuer, node.issuer));
  }

  async function logOut(node: TestApp, claims: Record<string, unknown>): Promise<Answer> {
    return node.form(LOGOUT, { logout_token: await upstream.logoutToken(claims) });
  }

  async function sessionsOf(subject: UpstreamSubject): Promise<{ account_id: string; live: boolean }[]> {
    return app.db.query(
      `SELECT s.account_id, s.terminated_at IS NULL AS live FROM sessions s JOIN session_upstreams u ON u.session_id = s.id WHERE u.sub = $1`,
      [subject.sub],
    );
  }

  async function isSignedIn(browser: Browser): Promise<boolean> {
    const cookie = browser.cookie('exeunt_session');
    if (cookie === undefined) return false;
    const rows = await app.db.query('SELECT 1 FROM sessions WHERE cookie_hash = $1 AND terminated_at IS NULL', [
      sha256(cookie),
    ]);
    return rows.length > 0;
  }

  it('two first sign-ins of one new person at once make one account', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const subject = upstream.subject();
      const ways = await Promise.all([onTheWayBack(subject), onTheWayBack(subject)]);
      const pages = await Promise.all(ways.map((way, n) => arrive(nodeOf(n), way)));
      expect(pages.map(({ status }) => status)).toEqual([303, 303]);
      const sessions = await sessionsOf(subject);
      expect(sessions).toHaveLength(2);
      expect(new Set(sessions.map(({ account_id: account }) => account)).size).toBe(1);
      const linked = await app.db.query('SELECT account_id FROM upstream_identities WHERE sub = $1', [subject.sub]);
      expect(linked).toEqual([{ account_id: sessions[0]?.account_id }]);
      const made = await app.db.query('SELECT 1 FROM accounts WHERE login LIKE $1', [`%${subject.sub}`]);
      expect(made).toHaveLength(1);
    }
  });

  it('two callbacks with one state, on two nodes: one session (threat-model#callback-used-twice)', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const subject = upstream.subject();
      const way = await onTheWayBack(subject);
      const exchanges = upstream.tokenRequests.length;
      const pages = await Promise.all([arrive(nodeOf(round), way), arrive(nodeOf(round + 1), way)]);
      expect(pages.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([303, 400]);
      expect(await sessionsOf(subject)).toMatchObject([{ live: true }]);
      expect(upstream.tokenRequests).toHaveLength(exchanges + 1);
    }
  });

  describe('a logout token against the callback of the very session that it ends (Back-Channel Logout 1.0 §2.7)', () => {
    const claims: [string, (subject: UpstreamSubject) => Record<string, unknown>][] = [
      ['sid', ({ sid }) => ({ sid })],
      ['sub', ({ sub }) => ({ sub })],
      ['sid and sub', ({ sid, sub }) => ({ sid, sub })],
    ];

    it.each(claims)('at the same instant, by %s: nobody is signed in once both are answered', async (_what, of) => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const subject = upstream.subject();
        const way = await onTheWayBack(subject);
        const callback = (): Promise<Page> => arrive(nodeOf(round), way);
        const logout = (): Promise<Answer> => logOut(nodeOf(round + 1), of(subject));
        // The callback has two requests to make before it gets there; half of the rounds wait for them.
        const exchanges = upstream.tokenRequests.length;
        const arriving = callback();
        if (round % 2 === 0) await vi.waitUntil(() => upstream.tokenRequests.length > exchanges, PATIENCE);
        const [page, answer] = await Promise.all([arriving, logout()]);
        expect(answer.status).toBe(200);
        expect([303, 400]).toContain(page.status);
        expect((await sessionsOf(subject)).filter(({ live }) => live)).toEqual([]);
        expect(await isSignedIn(way.browser)).toBe(false);
      }
    });

    /** Both stand before the lock of the session at the upstream, in this order, before either may go on. */
    async function inOrder<A, B>(subject: UpstreamSubject, first: () => Promise<A>, second: () => Promise<B>) {
      await gate.query('SELECT pg_advisory_lock(hashtextextended($1, $2))', [
        `${upstream.issuer} sid ${subject.sid}`,
        LOCK_SEED,
      ]);
      const one = first();
      await untilWaiting(app.db, 1);
      const two = second();
      await untilWaiting(app.db, 2);
      await gate.query('SELECT pg_advisory_unlock_all()');
      return Promise.all([one, two]);
    }

    it('the callback a step ahead: the session begins, and is ended', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const subject = upstream.subject();
        const way = await onTheWayBack(subject);
        const [page, answer] = await inOrder(
          subject,
          () => arrive(nodeOf(round), way),
          () => logOut(nodeOf(round + 1), { sid: subject.sid }),
        );
        expect([page.status, answer.status]).toEqual([303, 200]);
        expect(await sessionsOf(subject)).toMatchObject([{ live: false }]);
        expect(await isSignedIn(way.browser)).toBe(false);
      }
    });

    it('the logout token a step ahead: the session does not begin, nor does an account', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const subject = upstream.subject();
        const way = await onTheWayBack(subject);
        const [answer, page] = await inOrder(
          subject,
          () => logOut(nodeOf(round), { sid: subject.sid }),
          () => arrive(nodeOf(round + 1), way),
        );
        expect([page.status, answer.status]).toEqual([400, 200]);
        expect(page.has('login-submit')).toBe(true);
        expect(await sessionsOf(subject)).toEqual([]);
        expect(await app.db.query('SELECT 1 FROM upstream_identities WHERE sub = $1', [subject.sub])).toEqual([]);
        expect(way.browser.cookie('exeunt_session')).toBeUndefined();
      }
    });
  });

  describe('an operator against a callback that has looked the person up already', () => {
    /** The callback is held where it writes down whom it signed in; `act` comes while it is. */
    async function whileHeld(subject: UpstreamSubject, act: () => Promise<Answer>) {
      const way = await onTheWayBack(subject);
      await gate.query('BEGIN');
      await gate.query('LOCK TABLE session_upstreams IN SHARE MODE');
      const arriving = arrive(app, way);
      await untilWaiting(app.db, 1);
      let answered = false;
      const acting = act().finally(() => (answered = true));
      await Promise.race([untilWaiting(app.db, 2), vi.waitUntil(() => answered, PATIENCE)]);
      await gate.query('COMMIT');
      const [page, answer] = await Promise.all([arriving, acting]);
      return { page, answer, browser: way.browser };
    }

    it.each(['on the same node', 'on another node'])(
      'who unlinks the person, %s: the session that began is ended',
      async (where) => {
        const token = await app.adminToken();
        const subject = upstream.subject();
        const account = await app.createAccount();
        const identity = { issuer: upstream.issuer, sub: subject.sub };
        const path = `/admin/v1/accounts/${account.id}/identities`;
        expect((await app.json('POST', path, { token, body: identity })).status).toBe(201);
        const node = where === 'on the same node' ? app : other;
        const { answer, browser } = await whileHeld(subject, () =>
          node.json('DELETE', `${path}?${new URLSearchParams(identity)}`, { token }),
        );
        expect(answer.status).toBe(204);
        expect((await sessionsOf(subject)).filter(({ live }) => live)).toEqual([]);
        expect(await isSignedIn(browser)).toBe(false);
      },
    );

    it.each(['on the same node', 'on another node'])(
      'who deletes the provider, %s: the session that began is ended',
      async (where) => {
        const token = await app.adminToken();
        const subject = upstream.subject();
        const node = where === 'on the same node' ? app : other;
        const { answer, browser } = await whileHeld(subject, () =>
          node.json('DELETE', `/admin/v1/upstreams/${name}`, { token }),
        );
        expect(answer.status).toBe(204);
        expect((await sessionsOf(subject)).filter(({ live }) => live)).toEqual([]);
        expect(await isSignedIn(browser)).toBe(false);
      },
    );
  });

  it('a provider that is deleted while somebody is there signs nobody in', async () => {
    const subject = upstream.subject();
    const way = await onTheWayBack(subject);
    await other.json('DELETE', `/admin/v1/upstreams/${name}`, { token: await app.adminToken() });
    expect((await arrive(app, way)).status).toBe(400);
    expect(await sessionsOf(subject)).toEqual([]);
  });
});
