import { ClientRegistrationService } from '../../src/domain/clients/client-registration.service.js';
import { pkce, TestApp } from '../support/app.js';
import { anApplication, endSessionUrl, promptNone, SIGNED_OUT_URI, signOut } from './end-session.js';

describe('where the browser goes afterwards (RP-Initiated Logout 1.0 §3)', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.stop());

  async function aScene(metadata: Record<string, unknown> = {}) {
    const { login } = await app.createAccount();
    const client = await anApplication(app, metadata);
    const browser = app.browser();
    return { browser, client, tokens: await app.signInTo(browser, client, login) };
  }

  it.each([
    ['https://ledger.example.com/bye?a=1', 'https://ledger.example.com/bye?a=1&state=s'],
    ['https://ledger.example.com/bye?a=1&', 'https://ledger.example.com/bye?a=1&state=s'],
    ['https://ledger.example.com/bye?', 'https://ledger.example.com/bye?state=s'],
    ['https://ledger.example.com', 'https://ledger.example.com?state=s'],
    ['https://LEDGER.example.com:443/%7ebye/../x', 'https://LEDGER.example.com:443/%7ebye/../x?state=s'],
    ['https://ledger.example.com/bye?state=mine', 'https://ledger.example.com/bye?state=mine&state=s'],
  ])('keeps %s as it was registered and appends the state', async (uri, location) => {
    const { browser, tokens } = await aScene({ post_logout_redirect_uris: [uri] });
    const done = await signOut(browser, { id_token_hint: tokens.id_token, post_logout_redirect_uri: uri, state: 's' });
    expect([done.status, done.headers.get('location')]).toEqual([303, location]);
  });

  it.each(['logout-yes', 'logout-no'])(
    'leads nobody to a URI that was removed while the dialog was open (%s)',
    async (button) => {
      const { browser, client, tokens } = await aScene();
      const parameters = { id_token_hint: tokens.id_token, post_logout_redirect_uri: SIGNED_OUT_URI, state: 's' };
      const dialog = await browser.get(endSessionUrl(parameters));
      await app.app.get(ClientRegistrationService).removePostLogoutRedirectUri(client.clientId, SIGNED_OUT_URI);
      const done = await browser.submit(dialog, button);
      expect([done.status, done.location]).toEqual([200, undefined]);
      expect(done.body).not.toContain(SIGNED_OUT_URI);
    },
  );

  it('leads an application on a phone back to its own scheme', async () => {
    const uri = 'com.example.ledger:/signed-out';
    const { browser, tokens } = await aScene({ application_type: 'native', post_logout_redirect_uris: [uri] });
    const done = await signOut(browser, { id_token_hint: tokens.id_token, post_logout_redirect_uri: uri, state: 's' });
    expect(done.headers.get('location')).toBe(`${uri}?state=s`);
  });

  it.each([
    [{ application_type: 'native' }, 'http://127.0.0.1/bye', 'http://127.0.0.1:49160/bye'],
    [{ application_type: 'native' }, 'http://[::1]:8080/bye?a=1', 'http://[::1]:49160/bye?a=1'],
    [{ token_endpoint_auth_method: 'none' }, 'http://localhost/bye', 'http://localhost:49160/bye'],
  ])('leads an app on this computer %j back to the port of the moment (RFC 8252 §7.3)', async (kind, uri, asked) => {
    const { login } = await app.createAccount();
    const client = await anApplication(app, { ...kind, post_logout_redirect_uris: [uri] });
    const browser = app.browser();
    const { verifier, challenge } = pkce();
    const code = await app.codeFor(browser, client, login, {
      code_challenge: challenge,
      code_challenge_method: 'S256',
    });
    const fields = {
      grant_type: 'authorization_code',
      code,
      redirect_uri: client.redirectUri,
      code_verifier: verifier,
    };
    const { body } =
      client.clientSecret === ''
        ? await app.form('/token', { ...fields, client_id: client.clientId })
        : await app.form('/token', fields, client);
    const hint = { id_token_hint: String(body.id_token), state: 's' };
    for (const other of [asked.replace('bye', 'elsewhere'), asked.replace('http:', 'https:')]) {
      const dialog = await browser.get(endSessionUrl({ ...hint, post_logout_redirect_uri: other }));
      expect((await browser.submit(dialog, 'logout-no')).status).toBe(200);
    }
    const dialog = await browser.get(endSessionUrl({ ...hint, post_logout_redirect_uri: asked }));
    const done = await browser.submit(dialog, 'logout-yes');
    expect([done.status, done.headers.get('location')]).toEqual([
      303,
      `${asked}${asked.includes('?') ? '&' : '?'}state=s`,
    ]);
  });

  it('lets no application on a server choose the port of its loopback address', async () => {
    const { browser, tokens } = await aScene({ post_logout_redirect_uris: ['http://127.0.0.1/bye'] });
    const uri = 'http://127.0.0.1:49160/bye';
    const done = await signOut(browser, { id_token_hint: tokens.id_token, post_logout_redirect_uri: uri, state: 's' });
    expect([done.status, done.headers.get('location')]).toEqual([200, null]);
  });

  it.each([
    ['another host', 'https://evil.example.com/signed-out'],
    ['a path below', `${SIGNED_OUT_URI}/more`],
    ['a trailing slash', `${SIGNED_OUT_URI}/`],
    ['a fragment', `${SIGNED_OUT_URI}#x`],
    ['an empty query', `${SIGNED_OUT_URI}?`],
    ['upper case in the path (threat-model#redirect-in-another-case)', 'https://ledger.example.com/Signed-Out'],
    ['upper case in the host (threat-model#redirect-in-another-case)', 'https://LEDGER.example.com/signed-out'],
    ['the default port', 'https://ledger.example.com:443/signed-out'],
    ['another port', 'https://ledger.example.com:8443/signed-out'],
    ['http for https', 'http://ledger.example.com/signed-out'],
    ['no scheme (threat-model#open-redirect)', '//evil.example.com/signed-out'],
    ['slash and backslash (threat-model#open-redirect)', '/\\evil.example.com'],
    ['a backslash for a slash', 'https:\\\\ledger.example.com\\signed-out'],
    ['a scheme without slashes (threat-model#open-redirect)', 'https:evil.example.com'],
    ['our host as a user name (threat-model#open-redirect)', 'https://ledger.example.com@evil.example.com/signed-out'],
    ['our host and port as a user name', 'https://ledger.example.com:443@evil.example.com/signed-out'],
    ['our host as a label', 'https://ledger.example.com.evil.example.com/signed-out'],
    ['a tab inside (threat-model#open-redirect)', 'https://ledger.example.com\t/signed-out'],
    ['a line feed inside (threat-model#open-redirect)', `${SIGNED_OUT_URI}\r\nset-cookie: a=b`],
    ['a blank in front', ` ${SIGNED_OUT_URI}`],
    ['an ideographic dot (threat-model#open-redirect)', 'https://ledger\u3002example\u3002com/signed-out'],
    ['a full-width slash', 'https://ledger.example.com\uff0fsigned-out'],
    ['an escaped letter', 'https://ledger.example.com/signed%2Dout'],
    ['a dot segment', 'https://ledger.example.com/x/../signed-out'],
    ['a wildcard (threat-model#wildcard-redirect)', 'https://*.example.com/signed-out'],
    ['a script (threat-model#script-as-redirect)', 'javascript:alert(1)//https://ledger.example.com/signed-out'],
    ['a data URI (threat-model#script-as-redirect)', 'data:text/html,<script>alert(1)</script>'],
    ['a path of ours', '/account/sessions'],
    ["the client's redirect_uri, which is for signing in", 'http://127.0.0.1:9/callback'],
    ['two URIs in one', `${SIGNED_OUT_URI} https://evil.example.com`],
  ])('open redirect by %s: stays on our own page', async (_name, uri) => {
    const { browser, client, tokens } = await aScene();
    const dialog = await browser.get(
      endSessionUrl({ id_token_hint: tokens.id_token, post_logout_redirect_uri: uri, state: 's' }),
    );
    expect(dialog.status).toBe(200);
    expect(dialog.body).not.toContain('evil.example.com');
    expect(dialog.body).not.toContain('alert(1)');
    const done = await browser.submit(dialog, 'logout-yes');
    expect([done.status, done.headers.get('location')]).toEqual([200, null]);
    expect(done.body).not.toContain('evil.example.com');
    expect(await promptNone(app, browser, client)).toBe('login_required');
  });

  it('open redirect by a NUL at the end: an error page, and the session goes on', async () => {
    const { browser, client, tokens } = await aScene();
    const query = { id_token_hint: tokens.id_token, post_logout_redirect_uri: `${SIGNED_OUT_URI}\u0000`, state: 's' };
    const page = await browser.get(endSessionUrl(query));
    expect([page.status, page.headers.get('location')]).toEqual([400, null]);
    expect(await promptNone(app, browser, client)).not.toBe('login_required');
  });

  it.each([
    'javascript:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    'https://*.example.com/',
    '//example.com/',
    'https://a@example.com/',
  ])('stored redirect: %s cannot be registered in the first place', async (uri) => {
    await expect(anApplication(app, { post_logout_redirect_uris: [uri] })).rejects.toThrow(/post_logout_redirect_uris/);
  });

  it('a URI that was taken out of the registry leads nowhere any more', async () => {
    const { browser, client, tokens } = await aScene();
    const path = `/admin/v1/clients/${client.clientId}/post_logout_redirect_uris?uri=${encodeURIComponent(SIGNED_OUT_URI)}`;
    expect((await app.json('DELETE', path, { token: await app.adminToken() })).status).toBe(204);
    const done = await signOut(browser, { id_token_hint: tokens.id_token, post_logout_redirect_uri: SIGNED_OUT_URI });
    expect([done.status, done.location]).toEqual([200, undefined]);
  });

  it('redirects also after a no, and keeps the session and its tokens', async () => {
    const { browser, client, tokens } = await aScene();
    const before = await app.rowCounts();
    const dialog = await browser.get(
      endSessionUrl({ id_token_hint: tokens.id_token, post_logout_redirect_uri: SIGNED_OUT_URI, state: 's' }),
    );
    const declined = await browser.submit(dialog, 'logout-no');
    expect([declined.status, declined.location]).toEqual([303, `${SIGNED_OUT_URI}?state=s`]);
    expect(await app.rowCounts()).toEqual(before);
    expect(await app.isActive(client, tokens.access_token)).toBe(true);
    expect(await promptNone(app, browser, client)).toBe('code');
  });

  it('shows a page that says so after a no without a URI', async () => {
    const { browser, client, tokens } = await aScene();
    const declined = await browser.submit(
      await browser.get(endSessionUrl({ id_token_hint: tokens.id_token })),
      'logout-no',
    );
    expect([declined.status, declined.location]).toEqual([200, undefined]);
    expect(declined.body).toContain('still signed in');
    expect(await promptNone(app, browser, client)).toBe('code');
  });

  it('redirects at once when nobody is signed in any more, which is no error (§4)', async () => {
    const { browser, tokens } = await aScene();
    await signOut(browser);
    const again = await browser.get(
      endSessionUrl({ id_token_hint: tokens.id_token, post_logout_redirect_uri: SIGNED_OUT_URI, state: 's' }),
    );
    expect([again.status, again.location]).toEqual([303, `${SIGNED_OUT_URI}?state=s`]);
  });

  it('answers 200 to a browser that was never here', async () => {
    const browser = app.browser();
    const page = await browser.get(endSessionUrl());
    expect(page.status).toBe(200);
    const done = await browser.submit(page, 'logout-yes');
    expect(done.status).toBe(200);
    expect(done.body).toContain('already signed out');
  });

  it.each([
    ['of quotation marks', '"'.repeat(4000)],
    ['outside of ASCII', '退'.repeat(1500)],
    ['of control characters', '\u0001'.repeat(4000)],
  ])('brings back a very long state, %s, through the dialog (threat-model#flooding)', async (_name, state) => {
    const { browser, tokens } = await aScene();
    // By POST: a URL of that length does not fit a server's limit for headers.
    const dialog = await browser.post('/session/end_session', {
      id_token_hint: tokens.id_token,
      post_logout_redirect_uri: SIGNED_OUT_URI,
      state,
    });
    const done = await browser.submit(dialog, 'logout-yes');
    expect(done.status).toBe(303);
    expect(done.query.get('state')).toBe(state);
  });

  it('refuses a state beyond any measure, and changes nothing (threat-model#flooding)', async () => {
    const { browser, client, tokens } = await aScene();
    const page = await browser.post('/session/end_session', {
      id_token_hint: tokens.id_token,
      state: 'x'.repeat(4001),
    });
    expect(page.status).toBe(400);
    expect(await app.isActive(client, tokens.access_token)).toBe(true);
  });

  it.each<Record<string, string>>([
    { host: 'evil.example.com' },
    { 'x-forwarded-host': 'evil.example.com', 'x-forwarded-proto': 'https' },
    { forwarded: 'host=evil.example.com' },
  ])('takes no address from %o (threat-model#host-header)', async (headers) => {
    const { browser, client, tokens } = await aScene();
    const url = endSessionUrl({
      id_token_hint: tokens.id_token,
      post_logout_redirect_uri: client.postLogoutRedirectUri,
    });
    const { status, text, location } = await rawGet(app.issuer + url, headers);
    expect(status).toBe(200);
    expect(location).toBeUndefined();
    expect(text).not.toContain('evil.example.com');
    expect(text).toContain('action="/session/end_session"');
    expect(
      (await signOut(browser, { id_token_hint: tokens.id_token, post_logout_redirect_uri: SIGNED_OUT_URI })).location,
    ).toBe(SIGNED_OUT_URI);
  });
});

/** `fetch` lets nobody choose `Host`. */
async function rawGet(url: string, headers: Record<string, string>) {
  const { request } = await import('node:http');
  return new Promise<{ status: number | undefined; text: string; location: string | undefined }>((resolve, reject) => {
    request(url, { headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode,
          text: text + JSON.stringify(response.headers),
          location: response.headers.location,
        }),
      );
    })
      .on('error', reject)
      .end();
  });
}
