import { TestApp } from '../support/app.js';
import { HOUR, MINUTE } from '../support/clock.js';
import {
  anApplication,
  endSessionUrl,
  expectNothingChanged,
  promptNone,
  SIGNED_OUT_URI,
  signOut,
} from './end-session.js';

describe('the confirmation dialog (RP-Initiated Logout 1.0 §2, §6)', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.stop());

  async function aScene(metadata: Record<string, unknown> = {}) {
    const { login, id } = await app.createAccount();
    const client = await anApplication(app, metadata);
    const browser = app.browser();
    const tokens = await app.signInTo(browser, client, login);
    const url = endSessionUrl({ id_token_hint: tokens.id_token, post_logout_redirect_uri: SIGNED_OUT_URI, state: 's' });
    return { browser, client, tokens, login, accountId: id, url };
  }

  it('names the person, the application and what else ends, and ends nothing by being shown', async () => {
    const { browser, client, tokens, login, url } = await aScene({ client_name: 'Big <Ledger>' });
    await expectNothingChanged(app, browser, client, tokens.access_token, async () => {
      const dialog = await browser.get(url);
      expect(dialog.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(dialog.body).toContain(login);
      expect(dialog.body).toContain('Big &lt;Ledger&gt;');
      expect(dialog.body).toContain('1 application has used it');
      expect(dialog.has('logout-yes') && dialog.has('logout-no')).toBe(true);
    });
  });

  it('cannot be framed or cached, tells no one its address, and lets its form lead to nobody but us', async () => {
    const { browser, url } = await aScene();
    const { headers } = await browser.get(url);
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("form-action 'self';");
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
  });

  it('holds neither a hint nor the cookie in the page', async () => {
    const { browser, tokens, url } = await aScene();
    const { body } = await browser.get(url);
    expect(body).not.toContain(tokens.id_token);
    expect(body).not.toContain(browser.cookie('exeunt_session'));
  });

  it('clears the cookie of the session that ended, and the next sign-in has a new one (threat-model#reused-session-id)', async () => {
    const { browser, client, login, url } = await aScene();
    const before = browser.cookie('exeunt_session');
    const done = await browser.submit(await browser.get(url), 'logout-yes');
    expect(done.headers.getSetCookie().join()).toMatch(/exeunt_session=;.*Max-Age=0/i);
    expect(browser.cookie('exeunt_session')).toBeUndefined();
    await app.signInTo(browser, client, login);
    expect(browser.cookie('exeunt_session')).not.toBe(before);
  });

  it('ends the session also for another tab and for who has kept the cookie', async () => {
    const { browser, client, tokens, url } = await aScene();
    const otherTab = app.browser();
    otherTab.setCookie('exeunt_session', browser.cookie('exeunt_session'));
    await browser.submit(await browser.get(url), 'logout-yes');
    expect(await promptNone(app, otherTab, client)).toBe('login_required');
    expect((await app.refresh(client, tokens.refresh_token)).status).toBe(400);
    const userinfo = await fetch(`${app.issuer}/userinfo`, {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    });
    expect(userinfo.status).toBe(401);
  });

  it('is calm about a form that is sent twice', async () => {
    const { browser, url } = await aScene();
    const dialog = await browser.get(url);
    const first = await browser.submit(dialog, 'logout-yes');
    const after = await app.rowCounts();
    const second = await browser.submit(dialog, 'logout-yes');
    expect([second.status, second.location]).toEqual([first.status, first.location]);
    expect(await app.rowCounts()).toEqual(after);
  });

  describe('forged forms (threat-model#forced-logout)', () => {
    it.each<[string, (fields: Record<string, string>) => Record<string, string>]>([
      ['without a CSRF token', ({ csrf: _csrf, ...fields }) => fields],
      ['with an empty CSRF token', (fields) => ({ ...fields, csrf: '' })],
      ['with a guessed CSRF token', (fields) => ({ ...fields, csrf: 'A'.repeat(43) })],
      ['with nothing but a decision', () => ({ decision: 'logout' })],
    ])('%s: 403, and nothing changes', async (_name, forge) => {
      const { browser, client, tokens, url } = await aScene();
      const { fields } = (await browser.get(url)).formWith('logout-yes');
      await expectNothingChanged(app, browser, client, tokens.access_token, async () => {
        const answer = await browser.post('/session/end_session', forge(fields));
        expect(answer.status).toBe(403);
        expect(answer.headers.get('cache-control')).toBe('no-store');
      });
    });

    it("an attacker's own dialog, sent by the victim's browser: 403, and nothing changes", async () => {
      const victim = await aScene();
      const { fields } = (await app.browser().get(victim.url)).formWith('logout-yes');
      await expectNothingChanged(app, victim.browser, victim.client, victim.tokens.access_token, async () => {
        expect((await victim.browser.post('/session/end_session', fields)).status).toBe(403);
      });
    });

    it('a browser without cookies: 403', async () => {
      const { browser, url } = await aScene();
      const { fields } = (await browser.get(url)).formWith('logout-yes');
      expect((await app.browser().post('/session/end_session', fields)).status).toBe(403);
    });

    it.each<[string, (sealed: string) => string]>([
      [
        'tampered with (threat-model#forged-browser-state)',
        (sealed) => `${sealed.slice(0, 40)}${sealed[40] === 'A' ? 'B' : 'A'}${sealed.slice(41)}`,
      ],
      ['cut', (sealed) => sealed.slice(0, -4)],
      ['of a form of another kind', () => 'AAAA'],
    ])('a sealed request %s: is shown the dialog anew, and nothing of the old one is used', async (_name, forge) => {
      const { browser, client, tokens, url } = await aScene();
      const { fields } = (await browser.get(url)).formWith('logout-yes');
      await expectNothingChanged(app, browser, client, tokens.access_token, async () => {
        const answer = await browser.post('/session/end_session', { ...fields, request: forge(fields.request ?? '') });
        expect([answer.status, answer.location]).toEqual([200, undefined]);
        expect(answer.has('logout-yes')).toBe(true);
        expect(answer.body).not.toContain('ledger.example.com');
      });
    });

    it('a dialog that was left open for more than an hour is shown anew', async () => {
      const { browser, client, url } = await aScene();
      const dialog = await browser.get(url);
      app.clock.advance(HOUR + MINUTE);
      const answer = await browser.submit(dialog, 'logout-yes');
      expect([answer.status, answer.has('logout-yes')]).toEqual([200, true]);
      expect(await promptNone(app, browser, client)).toBe('code');
      expect((await browser.submit(answer, 'logout-yes')).body).toContain('<h1>Signed out</h1>');
    });

    it.each([{ decision: 'perhaps' }, { decision: '' }])(
      'a decision that is none (%o): nothing changes',
      async (override) => {
        const { browser, client, tokens, url } = await aScene();
        const { fields } = (await browser.get(url)).formWith('logout-yes');
        await expectNothingChanged(app, browser, client, tokens.access_token, async () => {
          const answer = await browser.post('/session/end_session', { ...fields, ...override });
          expect(answer.location).toBeUndefined();
          expect(answer.body).not.toContain('<h1>Signed out</h1>');
        });
      },
    );
  });

  it.each([
    'id_token_hint',
    'access_token_hint',
    'client_id',
    'post_logout_redirect_uri',
    'state',
    'logout_hint',
    'ui_locales',
  ])('refuses %s when it is sent twice, by GET and by POST, and changes nothing (RFC 6749 §3.1)', async (name) => {
    const { browser, client, tokens } = await aScene();
    const twice = `${name}=a&${name}=b`;
    await expectNothingChanged(app, browser, client, tokens.access_token, async () => {
      expect((await browser.get(`/session/end_session?${twice}`)).status).toBe(400);
      const posted = await browser.post('/session/end_session', new URLSearchParams(twice));
      expect(posted.status).toBe(400);
      expect(posted.headers.get('cache-control')).toBe('no-store');
    });
  });

  describe('POST instead of GET (§2)', () => {
    it('shows the same dialog and ends nothing', async () => {
      const { browser, client, tokens } = await aScene();
      await expectNothingChanged(app, browser, client, tokens.access_token, async () => {
        const dialog = await browser.post('/session/end_session', {
          id_token_hint: tokens.id_token,
          post_logout_redirect_uri: SIGNED_OUT_URI,
        });
        expect([dialog.status, dialog.has('logout-yes')]).toEqual([200, true]);
      });
    });

    it('takes its parameters from the query, too, as the cidaas SDK for Flutter sends them', async () => {
      const { browser, tokens } = await aScene();
      const dialog = await browser.post(
        endSessionUrl({ access_token_hint: tokens.access_token, post_logout_redirect_uri: SIGNED_OUT_URI, state: 's' }),
        {},
      );
      expect((await browser.submit(dialog, 'logout-yes')).location).toBe(`${SIGNED_OUT_URI}?state=s`);
    });

    it('from another site comes without our cookie, so it goes round by GET, which brings it', async () => {
      const { browser, client, tokens } = await aScene();
      const stranger = app.browser();
      const state = 'a%20&b="#<ü';
      const bounced = await stranger.post(
        '/session/end_session',
        { id_token_hint: tokens.id_token, post_logout_redirect_uri: SIGNED_OUT_URI, state },
        { 'sec-fetch-site': 'cross-site' },
      );
      expect(bounced.status).toBe(303);
      expect(bounced.location?.startsWith(`${app.issuer}/session/end_session?`)).toBe(true);
      expect(await promptNone(app, browser, client)).toBe('code');
      const done = await browser.submit(await browser.get(bounced.location ?? ''), 'logout-yes');
      expect(done.query.get('state')).toBe(state);
    });
  });

  it('keeps hints, cookies and states out of the log (threat-model#logout-address-of-another)', async () => {
    const { browser, tokens } = await aScene();
    const cookie = browser.cookie('exeunt_session') ?? '';
    await signOut(browser, {
      id_token_hint: tokens.id_token,
      access_token_hint: tokens.access_token,
      post_logout_redirect_uri: 'https://evil.example.com/',
      state: 'a-secret-state',
    });
    await browser.get(`/session/end_session?id_token_hint=${tokens.id_token}&id_token_hint=x`);
    const log = app.logger.lines.join('\n');
    for (const secret of [tokens.id_token, tokens.access_token, cookie, 'a-secret-state'])
      expect(log).not.toContain(secret);
  });
});
