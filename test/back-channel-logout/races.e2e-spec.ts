import { decodeJwt } from 'jose';
import { TestApp, type TestClient, type Answer } from '../support/app.js';
import { MINUTE, SECOND } from '../support/clock.js';
import { inLineFor, STOP, stopInserts } from '../support/locks.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { endSessionUrl, promptNone } from '../rp-initiated-logout/end-session.js';
import { clientOf, deliveriesTo, someoneAt, terminationsOf } from './scene.js';

describe('races with a logout (threat-model#issued-during-a-revocation)', () => {
  let app: TestApp;
  let party: StubRelyingParty;

  beforeAll(async () => {
    [app, party] = await Promise.all([TestApp.start(), StubRelyingParty.start()]);
  });
  afterAll(() => Promise.all([app.stop(), party.stop()]));

  const exchange = (client: TestClient, code: string): Promise<Answer> =>
    app.form('/token', { grant_type: 'authorization_code', code, redirect_uri: client.redirectUri }, client);

  /** Refused, and never a participant; or let in, and then told about it, with dead tokens. Nothing in between. */
  async function expectRefusedOrTold(client: TestClient, answer: Answer): Promise<'refused' | 'told'> {
    await app.sendDue();
    const notices = await deliveriesTo(app, client.clientId);
    if (answer.status !== 200) {
      expect(answer.body.error).toBe('invalid_grant');
      expect(notices).toEqual([]);
      return 'refused';
    }
    expect(notices).toMatchObject([{ sid: decodeJwt(String(answer.body.id_token)).sid, state: 'delivered' }]);
    expect(await app.isActive(client, String(answer.body.access_token))).toBe(false);
    expect((await app.refresh(client, String(answer.body.refresh_token))).status).toBe(400);
    return 'told';
  }

  it('an application that redeems its code while the logout runs is refused or told, never neither (30 rounds)', async () => {
    const first = await clientOf(app, party);
    const { login } = await app.createAccount();
    const outcomes = new Set<string>();
    for (let round = 0; round < 30; round += 1) {
      const browser = app.browser();
      await app.signInTo(browser, first, login);
      const late = await clientOf(app, party);
      const code = await app.codeFor(browser, late, login);
      const dialog = await browser.get(endSessionUrl());
      // Each of them gets to be sent first as often as the other.
      const early = round % 2 === 0 ? exchange(late, code) : undefined;
      const logout = browser.submit(dialog, 'logout-yes');
      const [answer, page] = await Promise.all([early ?? exchange(late, code), logout]);
      expect(page.body).toContain('<h1>Signed out</h1>');
      outcomes.add(await expectRefusedOrTold(late, answer));
    }
    // Both sides were seen; the two tests with a line fix the order.
    expect([...outcomes].sort()).toEqual(['refused', 'told']);
  }, 60_000);

  const HOLD_SESSION = 'SELECT id FROM sessions WHERE account_id = $1 AND terminated_at IS NULL FOR UPDATE';

  it('an application that joined while the logout waited for the session is told', async () => {
    const first = await clientOf(app, party);
    const { accountId, browser, login } = await someoneAt(app, [first]);
    const late = await clientOf(app, party);
    const code = await app.codeFor(browser, late, login);
    const dialog = await browser.get(endSessionUrl());
    const [answer, page] = await inLineFor<unknown>(
      app.db,
      HOLD_SESSION,
      [accountId],
      [() => exchange(late, code), () => browser.submit(dialog, 'logout-yes')],
    );
    expect((page as { body: string }).body).toContain('2 of 2 applications have confirmed');
    expect(await expectRefusedOrTold(late, answer as Answer)).toBe('told');
    expect(await terminationsOf(app, accountId)).toMatchObject([{ sessions: 1, grants_revoked: 2, deliveries: 2 }]);
  });

  it('an application that comes while the logout holds the session is refused', async () => {
    const first = await clientOf(app, party);
    const { accountId, browser, login } = await someoneAt(app, [first]);
    const late = await clientOf(app, party);
    const code = await app.codeFor(browser, late, login);
    const dialog = await browser.get(endSessionUrl());
    const [page, answer] = await inLineFor<unknown>(
      app.db,
      HOLD_SESSION,
      [accountId],
      [() => browser.submit(dialog, 'logout-yes'), () => exchange(late, code)],
    );
    expect((page as { body: string }).body).toContain('1 of 1 application has confirmed');
    expect(await expectRefusedOrTold(late, answer as Answer)).toBe('refused');
  });

  it('an application that redeems its code while it is being deleted is told, too, and its grant is dead', async () => {
    const client = await clientOf(app, party);
    const { id, login } = await app.createAccount();
    const code = await app.codeFor(app.browser(), client, login);
    const token = await app.adminToken();
    // The exchange is stopped when it has locked session and grant and is about to write that the application takes
    // part.
    const undo = await stopInserts(app.db, 'session_clients');
    const [answer, deletion] = await inLineFor(
      app.db,
      STOP,
      [],
      [() => exchange(client, code), () => app.json('DELETE', `/admin/v1/clients/${client.clientId}`, { token })],
    );
    await undo();
    expect([answer!.status, deletion!.status]).toEqual([200, 204]);
    await app.sendDue();
    const { sid } = decodeJwt(String(answer!.body.id_token));
    expect(await deliveriesTo(app, client.clientId)).toMatchObject([{ sub: id, sid, state: 'delivered' }]);
    expect(await terminationsOf(app, id)).toMatchObject([
      { cause: 'client_deleted', sessions: 0, grants_revoked: 1, deliveries: 1 },
    ]);
    const live = await app.db.query('SELECT id FROM grants WHERE client_id = $1 AND revoked_at IS NULL', [
      client.clientId,
    ]);
    expect(live).toEqual([]);
  });

  it('a stolen refresh token that is used twice at the same moment: one termination, one notice', async () => {
    const client = await clientOf(app, party);
    const { accountId, tokens } = await someoneAt(app, [client]);
    const reuse = () => app.refresh(client, tokens[0]!.refresh_token);
    expect((await reuse()).status).toBe(200);
    app.clock.advance(app.settings.refreshGraceMs + MINUTE);
    const answers = await inLineFor(app.db, HOLD_SESSION, [accountId], [reuse, reuse]);
    expect(answers.map(({ status }) => status)).toEqual([400, 400]);
    await app.sendDue();
    expect(await terminationsOf(app, accountId)).toMatchObject([
      { cause: 'refresh_token_reuse', sessions: 0, grants_revoked: 1, deliveries: 1 },
    ]);
    expect(await deliveriesTo(app, client.clientId)).toHaveLength(1);
  });

  const HOLD_GRANTS = 'SELECT id FROM grants WHERE account_id = $1 FOR UPDATE';

  it.each([
    ['first', 200],
    ['second', 400],
  ] as const)(
    'a refresh that is %s in line with the logout brings no token that outlives it',
    async (place, status) => {
      const client = await clientOf(app, party);
      const { accountId, browser, tokens } = await someoneAt(app, [client]);
      const dialog = await browser.get(endSessionUrl());
      const refresh = (): Promise<unknown> => app.refresh(client, tokens[0]!.refresh_token);
      const logout = (): Promise<unknown> => browser.submit(dialog, 'logout-yes');
      const inLine = place === 'first' ? [refresh, logout] : [logout, refresh];
      const answers = await inLineFor(app.db, HOLD_GRANTS, [accountId], inLine);
      const answer = answers[place === 'first' ? 0 : 1] as Answer;
      expect(answer.status).toBe(status);
      const { access_token: access, refresh_token: next } = answer.body;
      if (status === 200) {
        expect(await app.isActive(client, String(access))).toBe(false);
        expect((await app.refresh(client, String(next))).status).toBe(400);
      } else expect(answer.body.error).toBe('invalid_grant');
      expect(await app.isActive(client, tokens[0]!.access_token)).toBe(false);
    },
  );

  it('a refresh that meets the logout, whoever is first, brings no token that outlives it', async () => {
    const client = await clientOf(app, party);
    const { login } = await app.createAccount();
    for (let round = 0; round < 10; round += 1) {
      const browser = app.browser();
      const tokens = await app.signInTo(browser, client, login);
      const dialog = await browser.get(endSessionUrl());
      const [answer] = await Promise.all([
        app.refresh(client, tokens.refresh_token),
        browser.submit(dialog, 'logout-yes'),
      ]);
      if (answer.status === 200) {
        expect(await app.isActive(client, String(answer.body.access_token))).toBe(false);
        expect((await app.refresh(client, String(answer.body.refresh_token))).status).toBe(400);
      } else {
        expect(answer.body.error).toBe('invalid_grant');
      }
    }
  });

  it('several logouts of one session at once: one termination, one notice for each application', async () => {
    const clients = await Promise.all([clientOf(app, party), clientOf(app, party)]);
    const { accountId, browser } = await someoneAt(app, clients);
    const cookie = browser.cookie('exeunt_session');
    const browserId = browser.cookie('exeunt_browser');
    const dialog = await browser.get(endSessionUrl());
    const tabs = [1, 2, 3, 4, 5].map(() => {
      const tab = app.browser();
      tab.setCookie('exeunt_session', cookie);
      tab.setCookie('exeunt_browser', browserId ?? browser.cookie('exeunt_browser'));
      return tab;
    });
    const token = await app.adminToken();
    const [pages] = await Promise.all([
      Promise.all(tabs.map((tab) => tab.submit(dialog, 'logout-yes'))),
      app.json('DELETE', `/admin/v1/sessions?account_id=${accountId}`, { token }),
    ]);
    for (const page of pages) expect(page.body).toContain('<h1>Signed out</h1>');
    await app.sendDue();
    expect(await terminationsOf(app, accountId)).toMatchObject([{ sessions: 1, deliveries: 2 }]);
    for (const { clientId } of clients)
      expect(await deliveriesTo(app, clientId)).toMatchObject([{ state: 'delivered', attempts: 1 }]);
    expect(party.received.filter(({ claims }) => claims.sub === accountId)).toHaveLength(2);
  });

  it('a sign-in with the old password that meets a new one leaves nobody signed in', async () => {
    const client = await clientOf(app, party);
    for (let round = 0; round < 8; round += 1) {
      const { id, login } = await app.createAccount();
      app.clock.advance(SECOND);
      const browser = app.browser();
      const form = await browser.follow(await browser.get(app.authorizeUrl(client)));
      const token = await app.adminToken();
      await Promise.all([
        app.signIn(browser, form, login),
        app.json('PUT', `/admin/v1/accounts/${id}/password`, {
          token,
          body: { password: 'an entirely new passphrase' },
        }),
      ]);
      expect(await promptNone(app, browser, client)).toBe('login_required');
      const live = await app.db.query('SELECT id FROM sessions WHERE account_id = $1 AND terminated_at IS NULL', [id]);
      expect(live).toEqual([]);
    }
  });

  it('signing in again in the browser that signs out: a logout that said so has ended what was there', async () => {
    const client = await clientOf(app, party);
    let ended = 0;
    for (let round = 0; round < 8; round += 1) {
      const { browser, login, tokens } = await someoneAt(app, [client]);
      const dialog = await browser.get(endSessionUrl());
      const form = await browser.follow(await browser.get(app.authorizeUrl(client, { prompt: 'login' })));
      const cookie = browser.cookie('exeunt_session');
      const tab = app.browser();
      tab.setCookie('exeunt_session', cookie);
      tab.setCookie('exeunt_browser', browser.cookie('exeunt_browser'));
      const [page] = await Promise.all([tab.submit(dialog, 'logout-yes'), app.signIn(browser, form, login)]);
      const old = app.browser();
      old.setCookie('exeunt_session', cookie);
      // Either the logout was first, or the sign-in has renewed the session, whose old cookie is worth nothing.
      expect(await promptNone(app, old, client)).toBe('login_required');
      if (page.body.includes('Your session in this browser has ended')) {
        ended += 1;
        expect(await app.isActive(client, tokens[0]!.access_token)).toBe(false);
      }
    }
    // The page must have said so at least once, or nothing was looked at.
    expect(ended).toBeGreaterThan(0);
  });
});
