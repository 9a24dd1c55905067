import { TestApp } from '../support/app.js';
import type { Browser, Page } from '../support/http.js';
import { anApplication, endSessionUrl, promptNone, SIGNED_OUT_URI, signOut } from './end-session.js';

describe('the cookie decides whose session ends (RP-Initiated Logout 1.0 §2)', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.stop());

  /** Two people, each with a browser of their own, at the same application. */
  async function twoPeople() {
    const client = await anApplication(app);
    const person = async () => {
      const { login, id } = await app.createAccount();
      const browser = app.browser();
      return { id, login, browser, tokens: await app.signInTo(browser, client, login) };
    };
    return { client, mia: await person(), noor: await person() };
  }

  it("names the current account when the hint is somebody else's, and ends only that one's session", async () => {
    const { client, mia, noor } = await twoPeople();
    const dialog = await mia.browser.get(
      endSessionUrl({ id_token_hint: noor.tokens.id_token, post_logout_redirect_uri: SIGNED_OUT_URI }),
    );
    expect(dialog.body).toContain(mia.login);
    expect(dialog.body).not.toContain(noor.login);
    expect(dialog.body).toContain('asked about another account');
    const done = await mia.browser.submit(dialog, 'logout-yes');
    expect(done.location).toBe(SIGNED_OUT_URI);
    expect(await app.isActive(client, mia.tokens.access_token)).toBe(false);
    expect(await app.isActive(client, noor.tokens.access_token)).toBe(true);
    expect(await promptNone(app, noor.browser, client)).toBe('code');
  });

  it('clears the cookie also when it belongs to a newer session than the hint, and still leads back', async () => {
    const { client, mia } = await twoPeople();
    const old = mia.tokens.id_token;
    await signOut(mia.browser);
    const again = await app.signInTo(mia.browser, client, mia.login);
    const done = await signOut(mia.browser, {
      id_token_hint: old,
      post_logout_redirect_uri: SIGNED_OUT_URI,
      state: 's',
    });
    expect(done.location).toBe(`${SIGNED_OUT_URI}?state=s`);
    expect(await app.isActive(client, again.access_token)).toBe(false);
    expect(mia.browser.cookie('exeunt_session')).toBeUndefined();
  });

  it('shared browser, two users: the next person gets none of the last one’s tokens, with and without signing out (threat-model#reused-session-id)', async () => {
    const { client, mia, noor } = await twoPeople();
    const before = mia.browser.cookie('exeunt_session');
    const page = await mia.browser.follow(await mia.browser.get(app.authorizeUrl(client, { prompt: 'login' })));
    await mia.browser.follow(await app.signIn(mia.browser, page, noor.login));
    expect(mia.browser.cookie('exeunt_session')).not.toBe(before);
    expect(await app.isActive(client, mia.tokens.access_token)).toBe(false);
    expect((await app.refresh(client, mia.tokens.refresh_token)).status).toBe(400);

    const stale = app.browser();
    stale.setCookie('exeunt_session', before);
    expect(await promptNone(app, stale, client)).toBe('login_required');
    const tokens = await app.signInTo(mia.browser, client, noor.login);
    const { body } = await app.form('/introspect', { token: tokens.access_token }, client);
    expect(body.sub).toBe(noor.id);
  });

  async function switchPerson(browser: Browser, login: string): Promise<Page> {
    const client = await anApplication(app);
    const page = await browser.follow(await browser.get(app.authorizeUrl(client, { prompt: 'login' })));
    return browser.follow(await app.signIn(browser, page, login));
  }

  it('a dialog shown for one person does not end the session of who has signed in since', async () => {
    const { client, mia, noor } = await twoPeople();
    const dialog = await mia.browser.get(
      endSessionUrl({ id_token_hint: mia.tokens.id_token, post_logout_redirect_uri: SIGNED_OUT_URI }),
    );
    await switchPerson(mia.browser, noor.login);
    const answer = await mia.browser.submit(dialog, 'logout-yes');
    expect([answer.status, answer.location]).toEqual([200, undefined]);
    expect(answer.body).toContain(noor.login);
    expect(answer.has('logout-no')).toBe(true);
    expect(await promptNone(app, mia.browser, client)).toBe('code');
  });

  it('a dialog shown to nobody does not end the session of who has signed in since', async () => {
    const { client, mia } = await twoPeople();
    const browser = app.browser();
    const dialog = await browser.get(
      endSessionUrl({ id_token_hint: mia.tokens.id_token, post_logout_redirect_uri: SIGNED_OUT_URI }),
    );
    const tokens = await app.signInTo(browser, client, mia.login);
    const answer = await browser.submit(dialog, 'logout-yes');
    expect([answer.status, answer.location, answer.has('logout-no')]).toEqual([200, undefined, true]);
    expect(await app.isActive(client, tokens.access_token)).toBe(true);
  });

  it('keeps the other device of the same person signed in', async () => {
    const { client, mia } = await twoPeople();
    const phone = app.browser();
    const onPhone = await app.signInTo(phone, client, mia.login);
    await signOut(mia.browser, { id_token_hint: onPhone.id_token });
    expect(await app.isActive(client, mia.tokens.access_token)).toBe(false);
    expect(await app.isActive(client, onPhone.access_token)).toBe(true);
    expect(await promptNone(app, phone, client)).toBe('code');
  });
});
