import { randomUUID } from 'node:crypto';
import { ADMIN, TestApp, type TestClient, type Tokens } from '../support/app.js';
import { SECOND, TestClock } from '../support/clock.js';
import type { Browser } from '../support/http.js';
import { StubUpstream } from '../support/stub-upstream.js';
import { OFFLINE } from '../back-channel-logout/scene.js';
import { promptNone } from '../rp-initiated-logout/end-session.js';
import { redeem } from '../tokens/token-requests.js';
import { order, placed, progressOf } from './scene.js';

/**
 * What an order ends at the moment that it is answered, before any job has run, on the node that took it and on
 * another. The clock stands still: whatever happens does so in the same millisecond.
 */
describe('an order ends what began before it, by one row', () => {
  let app: TestApp;
  let other: TestApp;
  let ledger: TestClient;
  let wiki: TestClient;
  let upstream: StubUpstream;
  let upstreamName: string;

  beforeAll(async () => {
    app = await TestApp.start();
    other = await TestApp.start({ issuer: app.issuer }, { db: app.db, clock: app.clock });
    ledger = await app.createClient();
    wiki = await app.createClient({ access_token_format: 'opaque' });
    upstream = await StubUpstream.start(app.clock);
    upstreamName = await upstream.register(app);
  });
  afterAll(async () => {
    await other.stop();
    await Promise.all([app.stop(), upstream.stop()]);
  });

  interface Person {
    readonly id: string;
    readonly login: string;
    readonly browser: Browser;
    readonly at: ReadonlyMap<TestClient, Tokens>;
    readonly offline: Tokens;
  }

  /** Signed in to both clients, and with an offline grant at the first one from a session that has ended. */
  async function somebody(): Promise<Person> {
    const { id, login } = await app.createAccount();
    const gone = app.browser();
    const offline = await app.signInTo(gone, ledger, login, OFFLINE);
    await app.db.query('DELETE FROM sessions WHERE account_id = $1', [id]);
    const browser = app.browser();
    const at = new Map<TestClient, Tokens>();
    for (const client of [ledger, wiki]) at.set(client, await app.signInTo(browser, client, login));
    const person = { id, login, browser, at, offline };
    await expectAlive(person);
    return person;
  }

  async function alive(node: TestApp, client: TestClient, tokens: Tokens): Promise<readonly boolean[]> {
    return [
      await node.isActive(client, tokens.access_token),
      await node.isActive(client, tokens.refresh_token),
      (await node.json('GET', '/userinfo', { token: tokens.access_token })).status === 200,
    ];
  }
  const YES = [true, true, true];
  const NO = [false, false, false];

  async function expectAlive(person: Person): Promise<void> {
    for (const node of [app, other]) {
      for (const [client, tokens] of person.at) expect(await alive(node, client, tokens)).toEqual(YES);
      expect(await alive(node, ledger, person.offline)).toEqual(YES);
    }
    expect(await promptNone(app, person.browser, ledger)).toBe('code');
  }

  async function expectTokensDead(client: TestClient, tokens: Tokens): Promise<void> {
    for (const node of [app, other]) {
      expect(await alive(node, client, tokens)).toEqual(NO);
      expect((await node.refresh(client, tokens.refresh_token)).body.error).toBe('invalid_grant');
    }
  }

  async function expectDead(person: Person): Promise<void> {
    for (const [client, tokens] of person.at) await expectTokensDead(client, tokens);
    await expectTokensDead(ledger, person.offline);
    for (const node of [app, other]) {
      const cookie = `exeunt_session=${person.browser.cookie('exeunt_session')}`;
      const page = await node.browser({ cookie }).get(app.authorizeUrl(ledger, { prompt: 'none' }));
      expect(page.query.get('error')).toBe('login_required');
    }
    const { body } = await app.json('GET', `/admin/v1/sessions?account_id=${person.id}`, {
      token: await app.adminToken(),
    });
    expect(body.items).toEqual([]);
  }

  /** Signs in again, in the same browser, within the same millisecond. */
  async function expectSignsInAgain({ browser, login }: Person): Promise<void> {
    const tokens = await app.signInTo(browser, ledger, login, OFFLINE);
    for (const node of [app, other]) expect(await alive(node, ledger, tokens)).toEqual(YES);
    expect((await other.refresh(ledger, tokens.refresh_token)).status).toBe(200);
    expect(await promptNone(app, browser, ledger)).toBe('code');
  }

  it('of a person: every session, every grant, offline ones too, a code on its way; others go on', async () => {
    const mia = await somebody();
    const bob = await somebody();
    const second = app.browser();
    const elsewhere = await app.signInTo(second, ledger, mia.login);
    const code = await app.codeFor(second, wiki, mia.login);
    const before = await app.rowCounts();
    const [rows] = await app.db.query(`SELECT xmin FROM sessions WHERE account_id = $1`, [mia.id]);

    const answer = await order(app, { account_id: mia.id, reason: 'Incident 7' });
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({ account_id: mia.id, reason: 'Incident 7', state: 'queued', done: 0 });
    // One row, and one event that says so; nothing of what it ends was touched.
    const after = await app.rowCounts();
    expect(after).toEqual({
      ...before,
      logout_orders: (before.logout_orders ?? 0) + 1,
      audit_events: (before.audit_events ?? 0) + 1,
    });
    expect((await app.db.query(`SELECT xmin FROM sessions WHERE account_id = $1`, [mia.id]))[0]).toEqual(rows);

    await expectDead(mia);
    await expectTokensDead(ledger, elsewhere);
    for (const node of [app, other])
      expect((await redeem(node, wiki, code)).body).toMatchObject({ error: 'invalid_grant' });
    await expectAlive(bob);
    await expectSignsInAgain(mia);
    // Nothing that was presented dead was taken for reuse.
    expect(await app.db.query('SELECT 1 FROM session_terminations WHERE account_id = $1', [mia.id])).toEqual([]);
  });

  it('of a client: its grants, offline ones too, and a code; sessions and other clients go on', async () => {
    const mia = await somebody();
    const code = await app.codeFor(mia.browser, ledger, mia.login);
    await placed(app, { client_id: ledger.clientId });
    await expectTokensDead(ledger, mia.at.get(ledger)!);
    await expectTokensDead(ledger, mia.offline);
    expect((await redeem(other, ledger, code)).body).toMatchObject({ error: 'invalid_grant' });
    for (const node of [app, other]) expect(await alive(node, wiki, mia.at.get(wiki)!)).toEqual(YES);
    expect(await promptNone(app, mia.browser, ledger)).toBe('code');
    await expectSignsInAgain(mia);
  });

  it('of everyone: all people; tokens that clients got for themselves go on', async () => {
    const mia = await somebody();
    const bob = await somebody();
    const machine = await app.createClient({
      grant_types: ['client_credentials'],
      redirect_uris: [],
      scope: 'reports',
    });
    const { body } = await app.form('/token', { grant_type: 'client_credentials' }, machine);
    const operator = await app.adminToken();
    await placed(app, { everyone: true });
    await expectDead(mia);
    await expectDead(bob);
    for (const node of [app, other]) {
      expect(await node.isActive(machine, String(body.access_token))).toBe(true);
      expect((await node.json('GET', '/admin/v1/accounts', { token: operator })).status).toBe(200);
    }
    await expectSignsInAgain(mia);
  });

  it('of an upstream: sessions that began by it and their grants; a second sign-in by it lives', async () => {
    const local = await somebody();
    const browser = app.browser();
    const subject = upstream.subject();
    async function byUpstream(overrides: Record<string, string> = {}): Promise<Tokens> {
      const page = await browser.follow(await browser.get(app.authorizeUrl(ledger, overrides)));
      const back = page.location === undefined ? await upstream.signIn(browser, page, subject) : page;
      let answer = await browser.follow(back);
      if (answer.has('consent-submit')) answer = await browser.follow(await browser.submit(answer, 'consent-submit'));
      const { body } = await redeem(app, ledger, answer.query.get('code') ?? '');
      return body as unknown as Tokens;
    }
    const plain = await byUpstream();
    const offline = await byUpstream(OFFLINE);
    for (const tokens of [plain, offline]) expect(await alive(other, ledger, tokens)).toEqual(YES);

    await placed(app, { upstream: upstreamName });
    for (const tokens of [plain, offline]) await expectTokensDead(ledger, tokens);
    expect(await promptNone(app, browser, ledger)).toBe('login_required');
    await expectAlive(local);
    const again = await byUpstream();
    for (const node of [app, other]) expect(await alive(node, ledger, again)).toEqual(YES);
  });

  it('an offline grant of an upstream falls also when its session is long gone from the tables', async () => {
    const browser = app.browser();
    const page = await browser.follow(await browser.get(app.authorizeUrl(ledger, OFFLINE)));
    let answer = await browser.follow(await upstream.signIn(browser, page, upstream.subject()));
    if (answer.has('consent-submit')) answer = await browser.follow(await browser.submit(answer, 'consent-submit'));
    const tokens = (await redeem(app, ledger, answer.query.get('code') ?? '')).body as unknown as Tokens;
    await app.db.query('DELETE FROM sessions s USING session_upstreams u WHERE u.session_id = s.id AND u.issuer = $1', [
      upstream.issuer,
    ]);
    expect(await alive(app, ledger, tokens)).toEqual(YES);
    await placed(app, { upstream: upstreamName });
    await expectTokensDead(ledger, tokens);
  });

  it('by a node whose clock is slow also ends what a fast node began, and spares what begins on the slow one', async () => {
    const slow = new TestClock();
    app.clock.advance(5 * SECOND);
    const late = await TestApp.start({ issuer: app.issuer }, { db: app.db, clock: slow });
    const mia = await somebody();
    await placed(late, { account_id: mia.id });
    await expectDead(mia);
    const browser = late.browser();
    // The slow node's sign-in is, by the clocks, older than everything above.
    const code = await late.codeFor(browser, ledger, mia.login);
    const { status, body } = await redeem(late, ledger, code);
    expect(status).toBe(200);
    expect(await alive(late, ledger, body as unknown as Tokens)).toEqual(YES);
    await late.stop();
  });

  it('orders placed at the same moment are all in force, whichever commits first', async () => {
    const people = await Promise.all([1, 2, 3, 4].map(() => somebody()));
    await Promise.all(people.map((person, n) => placed(n % 2 === 0 ? app : other, { account_id: person.id })));
    for (const person of people) await expectDead(person);
    const numbers = await app.db.query<{ n: string }>('SELECT number AS n FROM logout_orders ORDER BY number');
    expect(numbers.map(({ n }) => Number(n))).toEqual(numbers.map((_, i) => i + 1));
  });

  describe('refuses, and changes nothing:', () => {
    it.each([
      ['no target', {}],
      ['two targets', { everyone: true, client_id: 'x' }],
      ['everyone by another word than true', { everyone: 'yes' }],
      ['everyone: false', { everyone: false }],
      ['a misspelt target', { acount_id: randomUUID() }],
      ['an account id that is none', { account_id: 'mia' }],
      ['no notices at all', { everyone: true, notify_per_second: 0 }],
    ])('%s: 400', async (_what, body) => {
      const before = await app.rowCounts();
      expect(await order(app, body)).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
      expect(await app.rowCounts()).toEqual(before);
    });

    it.each([{ account_id: randomUUID() }, { client_id: 'nobody' }, { upstream: 'nobody' }])(
      'what does not exist: 404 (%o)',
      async (body) => {
        const before = await app.rowCounts();
        expect(await order(app, body)).toMatchObject({ status: 404, body: { error: 'not_found' } });
        expect(await app.rowCounts()).toEqual(before);
      },
    );

    it('whoever is no operator: 401, 403', async () => {
      const { tokens } = { tokens: await app.signInTo(app.browser(), ledger, (await app.createAccount()).login) };
      const before = await app.rowCounts();
      const body = { everyone: true };
      expect((await app.json('POST', '/admin/v1/logout-orders', { body })).status).toBe(401);
      const asPerson = await app.json('POST', '/admin/v1/logout-orders', { body, token: tokens.access_token });
      expect(asPerson.status).toBe(403);
      expect(await app.rowCounts()).toEqual(before);
    });
  });

  describe('Idempotency-Key', () => {
    it('the same key is the same order: repeated, also at once, it ends nothing that began since', async () => {
      const mia = await somebody();
      const key = { 'idempotency-key': randomUUID() };
      const [first, twin] = await Promise.all([
        order(app, { account_id: mia.id }, key),
        order(other, { account_id: mia.id }, key),
      ]);
      expect([first?.status, twin?.status]).toEqual([201, 201]);
      expect(twin?.body.id).toBe(first?.body.id);
      const tokens = await app.signInTo(app.browser(), ledger, mia.login);
      const before = await app.rowCounts();
      expect((await order(other, { account_id: mia.id }, key)).body.id).toBe(first?.body.id);
      expect(await app.rowCounts()).toEqual(before);
      expect(await alive(other, ledger, tokens)).toEqual(YES);
      expect(await progressOf(app, String(first?.body.id))).toMatchObject({ state: 'queued' });
    });

    it('the same key for another order is a conflict, and that one is not placed', async () => {
      const mia = await somebody();
      const key = { 'idempotency-key': randomUUID() };
      await order(app, { client_id: wiki.clientId }, key);
      const before = await app.rowCounts();
      expect(await order(app, { account_id: mia.id }, key)).toMatchObject({ status: 409, body: { error: 'conflict' } });
      expect(await app.rowCounts()).toEqual(before);
      expect(await alive(app, ledger, mia.at.get(ledger)!)).toEqual(YES);
    });

    it('one that is no header value of ours is refused', async () => {
      expect((await order(app, { everyone: true }, { 'idempotency-key': 'a b' })).status).toBe(400);
    });
  });

  it('is on record: who ordered what', async () => {
    const id = await placed(app, { client_id: wiki.clientId });
    const { body } = await app.json('GET', '/admin/v1/audit-events?event=logout_order&limit=1', {
      token: await app.adminToken(),
    });
    expect(body.items).toMatchObject([
      { outcome: 'done', details: { order_id: id, change: 'placed', target: 'client', operator: ADMIN.clientId } },
    ]);
  });
});
