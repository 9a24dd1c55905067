import { OFFLINE, clientOf, deliveriesTo, terminationsOf } from '../back-channel-logout/scene.js';
import { TestApp, type TestClient } from '../support/app.js';
import type { Browser } from '../support/http.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { endSessionUrl, expectNothingChanged, promptNone } from './end-session.js';

describe('what else the dialog offers (RP-Initiated Logout 1.0 §2)', () => {
  let app: TestApp;
  let atLedger: StubRelyingParty;
  let atCalendar: StubRelyingParty;
  let ledger: TestClient;
  let calendar: TestClient;

  beforeAll(async () => {
    [app, atLedger, atCalendar] = await Promise.all([
      TestApp.start(),
      StubRelyingParty.start(),
      StubRelyingParty.start(),
    ]);
    ledger = await clientOf(app, atLedger, { client_name: 'Ledger' });
    calendar = await clientOf(app, atCalendar, { client_name: 'Calendar' });
  });
  afterAll(() => Promise.all([app.stop(), atLedger.stop(), atCalendar.stop()]));

  /** Somebody at both applications in one browser, whom Ledger asks to sign out. */
  async function aScene(scopes: Record<string, string> = {}) {
    const { id, login } = await app.createAccount();
    const browser = app.browser();
    const tokens = await app.signInTo(browser, ledger, login, scopes);
    const others = await app.signInTo(browser, calendar, login);
    const url = endSessionUrl({
      id_token_hint: tokens.id_token,
      post_logout_redirect_uri: atLedger.postLogoutRedirectUri,
      state: 's',
    });
    return { id, login, browser, tokens, others, url };
  }
  const sidOf = (idToken: string): string =>
    (JSON.parse(Buffer.from(idToken.split('.')[1] ?? '', 'base64url').toString()) as { sid: string }).sid;
  const counts = (accountId: string) =>
    app.db.query<{ count: number; rows: number }>(
      `SELECT s.client_count AS count, (SELECT count(*)::int FROM session_clients c WHERE c.session_id = s.id) AS rows
         FROM sessions s WHERE s.account_id = $1 ORDER BY s.created_at`,
      [accountId],
    );
  const noticesOf = async (client: TestClient, accountId: string) =>
    (await deliveriesTo(app, client.clientId)).filter((row) => row.sub === accountId);

  describe('sign out of this application only', () => {
    it('is offered for an application that proved who it is and takes part in the session', async () => {
      const { browser, url } = await aScene();
      const dialog = await browser.get(url);
      expect(dialog.has('logout-client')).toBe(true);
      expect(dialog.body).toContain('Sign out of Ledger only');
    });

    it('is not offered when nobody asked, nor on the word of a client_id', async () => {
      const { browser } = await aScene();
      for (const url of [endSessionUrl(), endSessionUrl({ client_id: ledger.clientId })])
        expect((await browser.get(url)).has('logout-client')).toBe(false);
    });

    it('is not offered for an application that takes no part in this session', async () => {
      const { browser } = await aScene();
      const elsewhere = await aScene();
      const stranger = await app.createClient({ client_name: 'Stranger' });
      const { id_token: hint } = await app.signInTo(elsewhere.browser, stranger, elsewhere.login);
      const dialog = await browser.get(endSessionUrl({ id_token_hint: hint }));
      expect([dialog.has('logout-yes'), dialog.has('logout-client')]).toEqual([true, false]);
    });

    it('ends that application’s part, tells it about its own sid, and leaves the session and the others alone', async () => {
      const { id, browser, tokens, others, url } = await aScene();
      const cookie = browser.cookie('exeunt_session');
      const before = atLedger.received.length;
      const done = await browser.submit(await browser.get(url), 'logout-client');
      expect([done.status, done.location]).toEqual([303, `${atLedger.postLogoutRedirectUri}?state=s`]);
      expect(await app.isActive(ledger, tokens.access_token)).toBe(false);
      expect((await app.refresh(ledger, tokens.refresh_token)).body.error).toBe('invalid_grant');
      expect(await app.isActive(calendar, others.access_token)).toBe(true);
      expect(browser.cookie('exeunt_session')).toBe(cookie);
      expect(await promptNone(app, browser, calendar)).toBe('code');
      const told = atLedger.received.slice(before).filter(({ claims }) => claims.sub === id);
      expect(told.map(({ claims }) => claims.sid)).toEqual([sidOf(tokens.id_token)]);
      expect(await noticesOf(calendar, id)).toEqual([]);
      expect(await terminationsOf(app, id)).toMatchObject([
        {
          cause: 'end_session_client',
          initiator: { kind: 'user', accountId: id, clientId: ledger.clientId },
          sessions: 0,
          grants_revoked: 1,
          deliveries: 1,
        },
      ]);
    });

    it('keeps what the person allowed it to do elsewhere, and while nobody is there', async () => {
      const { login, browser, tokens, url } = await aScene(OFFLINE);
      const phone = await app.signInTo(app.browser(), ledger, login);
      await browser.submit(await browser.get(url), 'logout-client');
      expect(await app.isActive(ledger, phone.access_token)).toBe(true);
      expect((await app.refresh(ledger, tokens.refresh_token)).status).toBe(200);
    });

    it('lets it come back under another sid, and then be signed out with everybody', async () => {
      const { id, login, browser, tokens, url } = await aScene();
      await browser.submit(await browser.get(url), 'logout-client');
      expect(await counts(id)).toEqual([{ count: 1, rows: 1 }]);
      const again = await app.signInTo(browser, ledger, login);
      expect(sidOf(again.id_token)).not.toBe(sidOf(tokens.id_token));
      expect(await counts(id)).toEqual([{ count: 2, rows: 2 }]);
      await browser.submit(await browser.get(url), 'logout-yes');
      expect((await noticesOf(ledger, id)).map((row) => String(row.sid)).sort()).toEqual(
        [sidOf(tokens.id_token), sidOf(again.id_token)].sort(),
      );
      expect(await app.isActive(ledger, again.access_token)).toBe(false);
    });

    it('takes back a code that was not redeemed yet', async () => {
      const { login, browser, url } = await aScene();
      const code = await app.codeFor(browser, ledger, login);
      await browser.submit(await browser.get(url), 'logout-client');
      const redeemed = await app.form(
        '/token',
        { grant_type: 'authorization_code', code, redirect_uri: ledger.redirectUri },
        ledger,
      );
      expect(redeemed.body.error).toBe('invalid_grant');
    });

    it('says on a page of ours who is still signed in, when there is no way back', async () => {
      const { login, browser, tokens } = await aScene();
      const dialog = await browser.get(endSessionUrl({ id_token_hint: tokens.id_token }));
      const done = await browser.submit(dialog, 'logout-client');
      expect(done.status).toBe(200);
      expect(done.body).toContain('<h1>Signed out of Ledger</h1>');
      expect(done.body).toMatch(/still signed in here as /);
      expect(done.body).toContain(login);
      expect(done.body).toContain('1 of 1 application has confirmed');
    });

    it('is calm about a form that is sent twice', async () => {
      const { id, browser, url } = await aScene();
      const dialog = await browser.get(url);
      await browser.submit(dialog, 'logout-client');
      const after = await app.rowCounts();
      const second = await browser.submit(dialog, 'logout-client');
      expect([second.status, second.location]).toEqual([303, `${atLedger.postLogoutRedirectUri}?state=s`]);
      expect(await app.rowCounts()).toEqual(after);
      expect(await counts(id)).toEqual([{ count: 1, rows: 1 }]);
    });

    it('of twenty forms at once one acts, and the count of applications stays right', async () => {
      const { id, browser, url } = await aScene();
      const dialog = await browser.get(url);
      const answers = await Promise.all(Array.from({ length: 20 }, () => browser.submit(dialog, 'logout-client')));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([303]));
      expect(await terminationsOf(app, id)).toHaveLength(1);
      expect(await counts(id)).toEqual([{ count: 1, rows: 1 }]);
    });
  });

  describe('sign out of all my devices', () => {
    it('is offered to whoever is signed in, and to nobody else', async () => {
      const { browser } = await aScene();
      expect((await browser.get(endSessionUrl())).has('logout-everywhere')).toBe(true);
      expect((await app.browser().get(endSessionUrl())).has('logout-everywhere')).toBe(false);
    });

    it('ends every session of the person, what they allowed for their absence, and nobody else’s', async () => {
      const { id, login, browser, tokens, others, url } = await aScene(OFFLINE);
      const bystander = await aScene();
      const phone = app.browser();
      const away = await app.signInTo(phone, ledger, login);
      const done = await browser.submit(await browser.get(url), 'logout-everywhere');
      expect([done.status, done.location]).toEqual([303, `${atLedger.postLogoutRedirectUri}?state=s`]);
      for (const [client, token] of [
        [ledger, tokens],
        [calendar, others],
        [ledger, away],
      ] as const)
        expect(await app.isActive(client, token.access_token)).toBe(false);
      expect((await app.refresh(ledger, tokens.refresh_token)).body.error).toBe('invalid_grant');
      expect(browser.cookie('exeunt_session')).toBeUndefined();
      expect(await promptNone(app, phone, ledger)).toBe('login_required');
      expect((await noticesOf(ledger, id)).map((row) => String(row.sid)).sort()).toEqual(
        [sidOf(tokens.id_token), sidOf(away.id_token)].sort(),
      );
      expect(await terminationsOf(app, id)).toMatchObject([
        { cause: 'end_session', initiator: { kind: 'user', accountId: id }, sessions: 2, deliveries: 3 },
      ]);
      expect(await app.isActive(ledger, bystander.tokens.access_token)).toBe(true);
      expect(await promptNone(app, bystander.browser, ledger)).toBe('code');
    });

    it('says so on a page of ours, naming each application once', async () => {
      const { login, browser } = await aScene();
      await app.signInTo(app.browser(), ledger, login);
      const done = await browser.submit(await browser.get(endSessionUrl()), 'logout-everywhere');
      expect(done.body).toContain('All your sessions have ended, in this browser and everywhere else.');
      expect(done.body).toContain('2 of 2 applications have confirmed');
      expect(done.body.match(/Ledger/g)).toHaveLength(1);
    });

    it('after the session has ended already: ends no other, and still leads back', async () => {
      const { login, browser, url } = await aScene();
      const dialog = await browser.get(url);
      const phone = app.browser();
      await app.signInTo(phone, ledger, login);
      await browser.submit(dialog, 'logout-yes');
      const done = await browser.submit(dialog, 'logout-everywhere');
      expect(done.location).toBe(`${atLedger.postLogoutRedirectUri}?state=s`);
      expect(await promptNone(app, phone, ledger)).toBe('code');
    });
  });

  describe.each(['client', 'everywhere'])('a forged form with decision=%s (threat-model#forced-logout)', (decision) => {
    const post = (browser: Browser, fields: Record<string, string>) =>
      browser.post('/session/end_session', { ...fields, decision });

    it('without this browser’s CSRF token: 403, and nothing changes', async () => {
      const { browser, tokens, url } = await aScene();
      const { csrf: _csrf, ...fields } = (await browser.get(url)).formWith('logout-yes').fields;
      const theirs = (await app.browser().get(url)).formWith('logout-yes').fields.csrf ?? '';
      await expectNothingChanged(app, browser, ledger, tokens.access_token, async () => {
        for (const forged of [fields, { ...fields, csrf: theirs }])
          expect((await post(browser, forged)).status).toBe(403);
      });
    });

    it('with a dialog that was shown for another session: is asked anew, and nothing changes', async () => {
      const { id, browser, tokens, url } = await aScene();
      const mallory = await aScene();
      const dialog = (await mallory.browser.get(mallory.url)).formWith('logout-yes').fields;
      const { csrf = '' } = (await browser.get(url)).formWith('logout-yes').fields;
      await expectNothingChanged(app, browser, ledger, tokens.access_token, async () => {
        const answer = await post(browser, { ...dialog, csrf });
        expect([answer.status, answer.has('logout-yes')]).toEqual([200, true]);
      });
      expect(await terminationsOf(app, id)).toEqual([]);
      expect(await app.isActive(ledger, mallory.tokens.access_token)).toBe(true);
    });
  });

  it('the choice of an application alone, where none was named: is asked anew, and nothing changes', async () => {
    const { browser, tokens } = await aScene();
    const { fields } = (await browser.get(endSessionUrl())).formWith('logout-yes');
    await expectNothingChanged(app, browser, ledger, tokens.access_token, async () => {
      const answer = await browser.post('/session/end_session', { ...fields, decision: 'client' });
      expect([answer.status, answer.has('logout-yes')]).toEqual([200, true]);
    });
  });
});
