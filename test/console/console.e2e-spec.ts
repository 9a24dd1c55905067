import { randomUUID } from 'node:crypto';
import { AccountsService } from '../../src/domain/accounts/accounts.service.js';
import { ClientRegistrationService } from '../../src/domain/clients/client-registration.service.js';
import { ADMIN_SCOPE } from '../../src/platform/oidc/claims.js';
import { clientOf, deliveriesTo, someoneAt, terminationsOf } from '../back-channel-logout/scene.js';
import { signOut } from '../rp-initiated-logout/end-session.js';
import { ADMIN, TestApp, type TestAccount } from '../support/app.js';
import { HOUR, MINUTE } from '../support/clock.js';
import { EventStream } from '../support/event-stream.js';
import type { Browser, Page } from '../support/http.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { anOperator, enterAs, enterAsClient } from './operator.js';

const OVERVIEW = '/console/logouts';
const SIGN_IN = '/console/sign-in';

describe('the console', () => {
  let app: TestApp;
  let party: StubRelyingParty;
  let operator: TestAccount;

  beforeAll(async () => {
    app = await TestApp.start({ deliveryTimeoutMs: 500 });
    operator = await anOperator(app);
  });
  beforeEach(async () => {
    party = await StubRelyingParty.start();
    await app.db.query('TRUNCATE rate_limits');
  });
  afterEach(() => party.stop());
  afterAll(() => app.stop());

  interface Ended {
    readonly id: string;
    readonly url: string;
    readonly login: string;
    readonly clientId: string;
  }

  /** A logout of somebody at the stub's application, which answers the first notice as `answers` say. */
  async function aLogout(name: string, ...answers: number[]): Promise<Ended> {
    const client = await clientOf(app, party, { client_name: name });
    const { browser, accountId, login } = await someoneAt(app, [client]);
    party.answerNext(...answers);
    await signOut(browser);
    await app.sendDue();
    const [termination] = await terminationsOf(app, accountId);
    return { id: termination!.id, url: `${OVERVIEW}/${termination!.id}`, login, clientId: client.clientId };
  }
  /** Without moving the clock, by which streams end. */
  async function sendAgain(): Promise<void> {
    await app.db.query('UPDATE logout_deliveries SET next_attempt_at = $1', [app.clock.now()]);
    await app.sendDue();
  }
  async function inside(): Promise<Browser> {
    const browser = app.browser();
    await enterAs(browser, operator.login);
    return browser;
  }
  const cookieHeader = (browser: Browser): Record<string, string> => ({
    cookie: ['session', 'browser', 'console']
      .map((name) => `exeunt_${name}=${browser.cookie(`exeunt_${name}`) ?? ''}`)
      .join('; '),
  });
  const follow = (browser: Browser, path: string): Promise<EventStream> =>
    EventStream.open(app.issuer + path, cookieHeader(browser));
  const audited = async (): Promise<unknown[]> =>
    app.db.query<{ outcome: string; details: object }>(
      `SELECT outcome, details FROM audit_events WHERE event = 'console_sign_in' ORDER BY id`,
    );
  const place = (page: Page): readonly [number, string | undefined] => [
    page.status,
    page.location?.slice(app.issuer.length),
  ];

  describe('lets in', () => {
    beforeEach(() => app.db.query('TRUNCATE audit_events'));

    it('an account with the role operator, by its ordinary session, and puts that on record', async () => {
      const browser = app.browser();
      expect(place(await browser.get(OVERVIEW))).toEqual([303, SIGN_IN]);
      expect(place(await enterAs(browser, operator.login))).toEqual([303, OVERVIEW]);
      expect((await browser.get(OVERVIEW)).status).toBe(200);
      expect((await browser.get('/account/sessions')).status).toBe(200);
      expect(await audited()).toEqual([
        { outcome: 'done', details: { by: 'account', account_id: operator.id, address: expect.any(String) } },
      ]);
    });

    it('whoever knows the secret of the admin client, for half an hour', async () => {
      const browser = app.browser();
      expect(place(await enterAsClient(browser))).toEqual([303, OVERVIEW]);
      expect((await browser.get(OVERVIEW)).body).toContain('Exeunt administration');
      expect(await audited()).toEqual([
        { outcome: 'done', details: { by: 'client', client_id: ADMIN.clientId, address: expect.any(String) } },
      ]);
      app.clock.advance(30 * MINUTE);
      expect(place(await browser.get(OVERVIEW))).toEqual([303, SIGN_IN]);
    });

    it('who is there already, without asking', async () => {
      expect(place(await (await inside()).get(SIGN_IN))).toEqual([303, OVERVIEW]);
      expect(place(await (await inside()).get('/console'))).toEqual([303, OVERVIEW]);
    });
  });

  describe('keeps out', () => {
    beforeEach(() => app.db.query('TRUNCATE audit_events'));

    /** Everything behind the door, of a logout that exists. */
    async function expectClosed(browser: Browser): Promise<void> {
      const { url, login, clientId } = await aLogout('Secret Ledger', 503);
      const secrets = [login, clientId, 'Secret Ledger', 'end session'];
      for (const path of [OVERVIEW, url]) {
        const page = await browser.get(path);
        expect(place(page)).toEqual([303, SIGN_IN]);
        for (const secret of secrets) expect(page.body).not.toContain(secret);
      }
      for (const path of [`${OVERVIEW}/events`, `${url}/events`]) {
        const page = await browser.get(path);
        expect([page.status, page.headers.get('content-type')]).toEqual([403, 'text/html; charset=utf-8']);
        for (const secret of secrets) expect(page.body).not.toContain(secret);
      }
    }

    it('who is not signed in', () => expectClosed(app.browser()));

    it('an account without the role: 403, on record, and signed in as itself', async () => {
      const { login, id } = await app.createAccount();
      const browser = app.browser();
      const page = await enterAs(browser, login);
      expect([page.status, page.body.includes('not an operator')]).toEqual([403, true]);
      expect(await audited()).toEqual([
        {
          outcome: 'refused',
          details: { by: 'account', reason: 'not_an_operator', account_id: id, address: expect.any(String) },
        },
      ]);
      expect((await browser.get(SIGN_IN)).status).toBe(403);
      await expectClosed(browser);
    });

    it('a wrong password, on record without what was typed', async () => {
      const browser = app.browser();
      const page = await enterAs(browser, operator.login, 'not-the-password');
      expect([page.status, browser.cookie('exeunt_session')]).toEqual([400, undefined]);
      const record = await audited();
      expect(record).toEqual([
        { outcome: 'refused', details: { by: 'account', reason: 'wrong_credentials', address: expect.any(String) } },
      ]);
      expect(JSON.stringify(record) + app.logger.lines.join('\n')).not.toContain('not-the-password');
      await expectClosed(browser);
    });

    it.each([
      ['a wrong secret', ADMIN.clientId, 'typed-as-the-secret', ['typed-as-the-secret']],
      ['an unknown client', 'typed-as-the-id', ADMIN.clientSecret, ['typed-as-the-id', ADMIN.clientSecret]],
    ])('%s: one answer, on record without what was typed', async (_, id, secret, typed) => {
      const browser = app.browser();
      const page = await enterAsClient(browser, id, secret);
      expect([page.status, browser.cookie('exeunt_console')]).toEqual([400, undefined]);
      expect(page.body).toContain('are not those of a client for operators');
      const record = JSON.stringify(await audited());
      expect(record).toContain('wrong_credentials');
      for (const word of typed) expect(record + app.logger.lines.join('\n')).not.toContain(word);
      await expectClosed(browser);
    });

    it('a client without exeunt:admin, with the very answer of a wrong secret', async () => {
      const client = await app.createClient({ grant_types: ['client_credentials'], redirect_uris: [] });
      const browser = app.browser();
      const page = await enterAsClient(browser, client.clientId, client.clientSecret);
      expect([page.status, browser.cookie('exeunt_console')]).toEqual([400, undefined]);
      expect(page.body).toContain('are not those of a client for operators');
      await expectClosed(browser);
    });

    it('a cookie that was sealed for something else, or changed', async () => {
      const browser = app.browser();
      await enterAsClient(browser);
      const cookie = browser.cookie('exeunt_console') ?? '';
      browser.setCookie('exeunt_console', `${cookie.slice(0, -2)}${cookie.endsWith('AA') ? 'BB' : 'AA'}`);
      await expectClosed(browser);
      browser.setCookie('exeunt_console', browser.cookie('exeunt_browser'));
      await expectClosed(browser);
    });

    it.each<[string, (account: TestAccount, browser: Browser) => Promise<unknown>]>([
      ['loses the role', ({ id }) => app.app.get(AccountsService).setRoles(id, [])],
      ['signs out', (_, browser) => signOut(browser)],
      [
        'is disabled',
        async ({ id }) => app.json('POST', `/admin/v1/accounts/${id}/disable`, { token: await app.adminToken() }),
      ],
    ])('an operator at once who %s', async (_, change) => {
      const account = await anOperator(app);
      const browser = app.browser();
      await enterAs(browser, account.login);
      expect((await browser.get(OVERVIEW)).status).toBe(200);
      await change(account, browser);
      await expectClosed(browser);
    });

    it('an operator who signed in more than twelve hours ago, until the password is typed again', async () => {
      const browser = await inside();
      app.clock.advance(12 * HOUR - 1);
      expect((await browser.get(OVERVIEW)).status).toBe(200);
      app.clock.advance(1);
      expect(place(await browser.get(OVERVIEW))).toEqual([303, SIGN_IN]);
      expect((await browser.get(SIGN_IN)).body).toContain('enter your password once more');
      expect(place(await enterAs(browser, operator.login))).toEqual([303, OVERVIEW]);
      expect((await browser.get(OVERVIEW)).status).toBe(200);
    });

    it.each<[string, (id: string) => Promise<unknown>]>([
      ['has got another secret', (id) => app.app.get(ClientRegistrationService).rotateSecret(id)],
      ['was deleted', async (id) => app.json('DELETE', `/admin/v1/clients/${id}`, { token: await app.adminToken() })],
      [
        'was disabled',
        async (id) => app.json('POST', `/admin/v1/clients/${id}/disable`, { token: await app.adminToken() }),
      ],
    ])('a client at once that %s, and its secret opens nothing', async (_, change) => {
      const token = await app.adminToken();
      const { body } = await app.json('POST', '/admin/v1/clients', {
        token,
        body: {
          client_name: 'Second desk',
          grant_types: ['client_credentials'],
          scope: ADMIN_SCOPE,
          redirect_uris: [],
        },
      });
      const browser = app.browser();
      await enterAsClient(browser, String(body.client_id), String(body.client_secret));
      expect((await browser.get(OVERVIEW)).status).toBe(200);
      app.clock.advance(1000);
      await change(String(body.client_id));
      await expectClosed(browser);
      const again = app.browser();
      expect((await enterAsClient(again, String(body.client_id), String(body.client_secret))).status).toBe(400);
      await expectClosed(again);
    });

    it('guesses at a secret after twenty in a minute, and says when to come back', async () => {
      const browser = app.browser();
      const form = (await browser.get(SIGN_IN)).formWith('client-submit');
      const guess = (): Promise<Page> =>
        browser.post(form.action, { ...form.fields, client_id: ADMIN.clientId, client_secret: 'a-guess' });
      for (let n = 0; n < 20; n += 1) expect((await guess()).status).toBe(400);
      const page = await guess();
      expect([page.status, Number(page.headers.get('retry-after')) > 0]).toEqual([429, true]);
      expect((await enterAsClient(browser)).status).toBe(429);
    });
  });

  describe('forms', () => {
    it.each(['/console/sign-in', '/console/client-sign-in', '/console/sign-out'])(
      'of another site are refused at %s, and nothing changes',
      async (path) => {
        const browser = await inside();
        const session = browser.cookie('exeunt_session');
        const before = await app.rowCounts();
        const fields = {
          login: operator.login,
          password: 'x',
          client_id: ADMIN.clientId,
          client_secret: ADMIN.clientSecret,
        };
        for (const csrf of ['', 'forged']) expect((await browser.post(path, { ...fields, csrf })).status).toBe(403);
        expect(await app.rowCounts()).toEqual(before);
        expect([browser.cookie('exeunt_session'), browser.cookie('exeunt_console')]).toEqual([session, undefined]);
      },
    );

    it('with a field missing say so and ask nobody', async () => {
      const browser = app.browser();
      expect((await enterAs(browser, operator.login, '')).body).toContain('fill in both fields');
      expect((await enterAsClient(browser, ADMIN.clientId, '')).body).toContain('fill in both fields');
    });

    it('lead out: a client’s cookie is gone, an account goes on to sign out everywhere', async () => {
      const client = app.browser();
      await enterAsClient(client);
      expect(place(await client.submit(await client.get(OVERVIEW), 'console-sign-out'))).toEqual([303, SIGN_IN]);
      expect(place(await client.get(OVERVIEW))).toEqual([303, SIGN_IN]);
      const person = await inside();
      const left = await person.submit(await person.get(OVERVIEW), 'console-sign-out');
      expect(place(left)).toEqual([303, '/session/end_session']);
    });
  });

  describe('the overview', () => {
    it('shows how notices stand, by application, what was not accepted, and the latest logouts', async () => {
      const good = await aLogout('Good Ledger');
      const bad = await aLogout('Bad Calendar', 400);
      const away = await aLogout('Away Mail', 503);
      app.clock.advance(10_000);
      const page = await (await inside()).get(OVERVIEW);
      expect(page.status).toBe(200);
      for (const name of ['Good Ledger', 'Bad Calendar', 'Away Mail']) expect(page.body).toContain(name);
      for (const { url, clientId } of [good, bad, away]) {
        expect(page.body).toContain(`href="${url}"`);
        expect(page.body).toContain(clientId);
      }
      expect(page.body).toMatch(/<dt>Pending<\/dt><dd>[1-9]/);
      expect(page.body).toMatch(new RegExp(`href="${bad.url}"[\\s\\S]*?rejected[\\s\\S]*?http_400`));
      expect(page.body.match(/<svg class="plot"/g)).toHaveLength(2);
      expect(page.body).toMatch(/<title>\d\d:00: \d+ delivered, \d+ rejected, \d+ abandoned<\/title>/);
      expect(page.body).not.toContain(party.origin);
      expect(page.headers.get('cache-control')).toBe('no-store');
    });

    it('escapes what applications are called', async () => {
      const { url } = await aLogout('<img src=x onerror=alert(1)>', 400);
      const browser = await inside();
      app.clock.advance(10_000);
      for (const path of [OVERVIEW, url]) {
        const { body } = await browser.get(path);
        expect(body).toContain('&lt;img src=x onerror=alert(1)&gt;');
        expect(body).not.toContain('<img src=x');
      }
    });

    it('goes on page by page, each logout once', async () => {
      const ids = Array.from({ length: 60 }, () => randomUUID());
      await app.db.query(
        `INSERT INTO session_terminations (id, cause, initiator, sessions, grants_revoked, deliveries, occurred_at)
         SELECT i, 'admin', '{"kind":"system"}', 1, 0, 0, $2 FROM unnest($1::uuid[]) i`,
        [ids, app.clock.now()],
      );
      const browser = await inside();
      const seen: string[] = [];
      let path: string | undefined = OVERVIEW;
      for (let pages = 0; path !== undefined && pages < 50; pages += 1) {
        const { body }: Page = await browser.get(path);
        const found = [
          ...body.matchAll(/data-testid="termination"><th scope="row"><a href="\/console\/logouts\/([^"]+)"/g),
        ];
        expect(found.length).toBeLessThanOrEqual(25);
        seen.push(...found.map(([, id]) => id ?? ''));
        path = /id="older" href="([^"]+)"/.exec(body)?.[1];
        if (pages > 0) expect(body).not.toContain('data-events');
      }
      const [{ n } = { n: 0 }] = await app.db.query<{ n: number }>(
        'SELECT count(*)::int AS n FROM session_terminations',
      );
      expect([seen.length, new Set(seen).size]).toEqual([n, n]);
      expect(seen).toEqual(expect.arrayContaining(ids));
      await app.db.query('DELETE FROM session_terminations WHERE id = ANY($1::uuid[])', [ids]);
    });

    it('answers 400 to a place that is none', async () => {
      expect((await (await inside()).get(`${OVERVIEW}?before=x`)).status).toBe(400);
    });
  });

  describe('the timeline of a logout', () => {
    it('says who, why, what fell, each attempt with its time and answer, and when the next one is', async () => {
      const { url, id, login, clientId } = await aLogout('Ledger', 503, 400);
      const browser = await inside();
      const first = await browser.get(url);
      expect(first.status).toBe(200);
      for (const words of [
        'end session',
        'the person',
        login,
        id,
        'Ledger',
        clientId,
        'HTTP 503',
        'next attempt',
        'No receipt yet',
      ])
        expect(first.body).toContain(words);
      expect(first.body).toContain(`data-events="${url}/events"`);
      app.clock.advance(5 * MINUTE);
      await app.sendDue();
      while ((await app.issueReceipts()) > 0);
      const last = await browser.get(url);
      expect(last.body).toMatch(/state-rejected">rejected<\/span>, \+ 5 min/);
      expect(last.body.match(/data-label="Attempt"/g)).toHaveLength(2);
      expect(last.body).toMatch(/<h2 id="receipt">Receipt \d+<\/h2>/);
      expect(last.body).not.toContain('data-events');
      const [notice] = await deliveriesTo(app, clientId);
      const [receipt] = await app.db.query<{ jws: string }>(
        'SELECT jws FROM logout_receipts WHERE termination_id = $1',
        [id],
      );
      expect(last.body).toContain(receipt?.jws);
      for (const secret of [party.origin, notice?.sid ?? 'no sid']) expect(last.body).not.toContain(secret);
    });

    it('shows the latest twelve attempts of a hundred notices, and says what it leaves out', async () => {
      const { id, url, clientId } = await aLogout('Ledger');
      await app.db.query(
        `WITH d AS (
           INSERT INTO logout_deliveries (id, termination_id, client_id, cause, sub, sid, state, attempts, next_attempt_at, created_at)
           SELECT gen_random_uuid(), $1, $2, 'admin', 'x', 'y', 'pending', 20, $3, $3 FROM generate_series(1, 104) RETURNING id
         )
         INSERT INTO logout_delivery_attempts (delivery_id, number, jti, started_at, duration_ms, status, error_code)
         SELECT d.id, n, gen_random_uuid()::text, $3, 7, 503, 'http_503' FROM d, generate_series(1, 20) n`,
        [id, clientId, app.clock.in(MINUTE)],
      );
      await app.db.query('UPDATE session_terminations SET deliveries = 105 WHERE id = $1', [id]);
      const { body } = await (await inside()).get(url);
      expect(body.match(/data-testid="notice"/g)).toHaveLength(100);
      expect(body.match(/data-label="Attempt">/g)).toHaveLength(1200);
      expect(body).toContain('And 8 earlier attempts more.');
      expect(body).toContain('And 5 notices more.');
      await app.db.query(`DELETE FROM logout_deliveries WHERE termination_id = $1`, [id]);
    });

    it.each([randomUUID(), 'x', '..%2fevents'])('answers 404 to what there is not: %s', async (id) => {
      const browser = await inside();
      expect((await browser.get(`${OVERVIEW}/${id}`)).status).toBe(404);
      expect((await browser.get(`${OVERVIEW}/${id}/events`)).status).toBe(404);
    });
  });

  describe('live', () => {
    it('tells each change of a logout, until its receipt is signed', async () => {
      const { url } = await aLogout('Ledger', 503);
      const stream = await follow(await inside(), `${url}/events`);
      expect(stream.response.status).toBe(200);
      expect((await stream.next())?.data).toContain('state-pending');
      await sendAgain();
      const accepted = await stream.next();
      expect(accepted?.data).toContain('state-delivered');
      expect(accepted?.data).toContain('No receipt yet');
      while ((await app.issueReceipts()) > 0);
      expect((await stream.next())?.data).toMatch(/id="receipt">Receipt \d/);
      expect(await stream.next()).toEqual({ event: 'end', data: 'done' });
    });

    it('tells nothing more to who is no operator any more', async () => {
      const account = await anOperator(app);
      const browser = app.browser();
      await enterAs(browser, account.login);
      const { url } = await aLogout('Ledger', 503);
      const stream = await follow(browser, `${url}/events`);
      expect((await stream.next())?.event).toBe('update');
      await app.app.get(AccountsService).setRoles(account.id, []);
      await sendAgain();
      expect(await stream.next()).toEqual({ event: 'error', data: 'Internal server error' });
      expect(await stream.next()).toBeUndefined();
    });
  });
});
