import { clientOf, deliveriesTo, terminationsOf } from '../back-channel-logout/scene.js';
import { TestApp, type TestClient } from '../support/app.js';
import type { Page } from '../support/http.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { endSessionUrl, promptNone, signOut } from '../rp-initiated-logout/end-session.js';

const BACK = 'https://ledger.example.com/signed-out';

/** The frames of a page: what each loads, and its whole tag. */
function framesOf(page: Page): { readonly src: string; readonly tag: string }[] {
  return [...page.body.matchAll(/<iframe[^>]*>/g)].map(([tag]) => ({
    tag,
    src: (/\ssrc="([^"]*)"/.exec(tag)?.[1] ?? '').replaceAll('&amp;', '&'),
  }));
}
const sidOf = (idToken: string): string =>
  (JSON.parse(Buffer.from(idToken.split('.')[1] ?? '', 'base64url').toString()) as { sid: string }).sid;
const policyOf = (page: Page): string => page.headers.get('content-security-policy') ?? '';

describe('Front-Channel Logout 1.0', () => {
  let app: TestApp;
  /** Asks for the logout; has no front channel. */
  let ledger: TestClient;
  /** Have one. */
  let wiki: TestClient;
  let board: TestClient;

  beforeAll(async () => {
    app = await TestApp.start();
    const frontChannelClient = (name: string, uri: string): Promise<TestClient> =>
      app.createClient({
        client_name: name,
        redirect_uris: [`${new URL(uri).origin}/callback`],
        frontchannel_logout_uri: uri,
      });
    ledger = await app.createClient({ client_name: 'Ledger', post_logout_redirect_uris: [BACK] });
    wiki = await frontChannelClient('Wiki', 'https://wiki.example.com/logout?tenant=a%20b&x=1');
    board = await frontChannelClient('Board', 'http://127.0.0.1:9/front-channel');
  });
  afterAll(() => app.stop());

  const framedAs = (uri: string, sid: string): string =>
    `${uri}${uri.includes('?') ? '&' : '?'}iss=${encodeURIComponent(app.issuer)}&sid=${encodeURIComponent(sid)}`;
  const WIKI = 'https://wiki.example.com/logout?tenant=a%20b&x=1';
  const BOARD = 'http://127.0.0.1:9/front-channel';

  async function someoneAt(clients: readonly TestClient[]) {
    const { id, login } = await app.createAccount();
    const browser = app.browser();
    const tokens = [];
    for (const client of clients) tokens.push(await app.signInTo(browser, client, login));
    return { id, login, browser, tokens, sids: tokens.map(({ id_token }) => sidOf(id_token)) };
  }
  const hinted = (idToken: string | undefined): string =>
    endSessionUrl({ id_token_hint: idToken, post_logout_redirect_uri: BACK, state: 'a&b' });

  /** A client as an older version, whose rules were others, might have left it behind. */
  async function storedAs(uri: string, origin: string): Promise<TestClient> {
    const client = await app.createClient({
      redirect_uris: [`${origin}/callback`],
      frontchannel_logout_uri: `${origin}/out`,
    });
    await app.db.query(
      `UPDATE clients SET metadata = jsonb_set(metadata, '{frontchannel_logout_uri}', to_jsonb($2::text)) WHERE client_id = $1`,
      [client.clientId, uri],
    );
    return client;
  }

  it('is announced (§3)', async () => {
    const { body } = await app.json('GET', '/.well-known/openid-configuration');
    expect(body).toMatchObject({ frontchannel_logout_supported: true, frontchannel_logout_session_supported: true });
  });

  it('loads each application that registered it, with its own iss and sid behind its query, and no other', async () => {
    const { browser, tokens, sids } = await someoneAt([ledger, wiki, board]);
    const dialog = await browser.get(hinted(tokens[0]?.id_token));
    expect(framesOf(dialog)).toEqual([]);
    const done = await browser.submit(dialog, 'logout-yes');
    expect(done.status).toBe(200);
    expect(
      framesOf(done)
        .map(({ src }) => src)
        .sort(),
    ).toEqual([framedAs(BOARD, sids[2] ?? ''), framedAs(WIKI, sids[1] ?? '')]);
    expect(await promptNone(app, browser, ledger)).toBe('login_required');
  });

  it('is allowed to load these origins, and nothing else; nobody learns where from (threat-model#front-channel-leaks)', async () => {
    const { browser, tokens } = await someoneAt([wiki, board]);
    const done = await signOut(browser, { id_token_hint: tokens[0]?.id_token });
    const [, sources = ''] = /frame-src ([^;]*)/.exec(policyOf(done)) ?? [];
    expect(sources.split(' ').sort()).toEqual(['http://127.0.0.1:9', 'https://wiki.example.com']);
    expect(policyOf(done)).toContain("frame-ancestors 'none'");
    expect(policyOf(done)).not.toContain('unsafe');
    expect(done.headers.get('x-frame-options')).toBe('DENY');
    expect(done.headers.get('referrer-policy')).toBe('no-referrer');
    expect(done.headers.get('cache-control')).toBe('no-store');
    for (const { tag } of framesOf(done)) {
      expect(tag).toContain('referrerpolicy="no-referrer"');
      expect(tag).toContain('sandbox="allow-same-origin allow-scripts allow-forms"');
    }
  });

  it('then goes on to the application that asked: by script, by Refresh, and by a link', async () => {
    const { browser, tokens } = await someoneAt([ledger, wiki]);
    const done = await browser.submit(await browser.get(hinted(tokens[0]?.id_token)), 'logout-yes');
    const way = `${BACK}?state=a%26b`;
    expect(done.headers.get('refresh')).toBe(`3;url=${way}`);
    expect(done.body).toMatch(new RegExp(`id="continue" href="${way.replace(/[.?]/g, '\\$&')}"`));
    const [, nonce = ''] = /script-src 'nonce-([^']+)'/.exec(policyOf(done)) ?? [];
    expect(done.body).toContain(`<script data-url="${way}" data-after="3000" nonce="${nonce}">`);
  });

  it('stays where it is when there is no way back, and still asks', async () => {
    const { browser } = await someoneAt([wiki]);
    const done = await signOut(browser);
    expect(framesOf(done)).toHaveLength(1);
    expect(done.headers.get('refresh')).toBeNull();
    expect(done.body).not.toContain('data-after');
  });

  it('says asked and never confirmed, here and in the ledger (§4.1)', async () => {
    const { id, browser } = await someoneAt([wiki, board]);
    const done = await signOut(browser);
    expect(done.body).toContain('We asked 2 applications in this browser to sign you out.');
    expect(done.body).toContain('asked in this browser; it has no way to confirm');
    expect(done.body).not.toContain('<li class="confirmed">');
    expect(done.body).not.toMatch(/\d applications? ha(s|ve) confirmed/);
    expect(await terminationsOf(app, id)).toMatchObject([{ cause: 'end_session', sessions: 1, deliveries: 0 }]);
    expect(await deliveriesTo(app, wiki.clientId)).toEqual([]);
  });

  it('redirects at once, as before, when there is nobody to ask in the browser', async () => {
    const { browser, tokens } = await someoneAt([ledger]);
    const done = await browser.submit(await browser.get(hinted(tokens[0]?.id_token)), 'logout-yes');
    expect([done.status, done.location]).toEqual([303, `${BACK}?state=a%26b`]);
  });

  it('asks once: the form sent again finds nothing to end, and redirects', async () => {
    const { browser, tokens } = await someoneAt([ledger, wiki]);
    const dialog = await browser.get(hinted(tokens[0]?.id_token));
    await browser.submit(dialog, 'logout-yes');
    const second = await browser.submit(dialog, 'logout-yes');
    expect([second.status, second.location]).toEqual([303, `${BACK}?state=a%26b`]);
  });

  it('asks nobody when the person stays', async () => {
    const { browser, tokens } = await someoneAt([ledger, wiki]);
    const done = await browser.submit(await browser.get(hinted(tokens[0]?.id_token)), 'logout-no');
    expect([done.status, done.location]).toEqual([303, `${BACK}?state=a%26b`]);
    expect(await promptNone(app, browser, wiki)).toBe('code');
  });

  it('works the same for a client that is spared the dialog', async () => {
    const trusted = await app.createClient({ post_logout_redirect_uris: [BACK], skip_logout_confirmation: true });
    const { browser, tokens, sids } = await someoneAt([trusted, wiki]);
    const done = await browser.get(hinted(tokens[0]?.id_token));
    expect(framesOf(done).map(({ src }) => src)).toEqual([framedAs(WIKI, sids[1] ?? '')]);
    expect(done.headers.get('refresh')).toBe(`3;url=${BACK}?state=a%26b`);
  });

  it('works the same when a person ends the session of this browser among their sessions', async () => {
    const { id, browser, sids } = await someoneAt([wiki]);
    const [row] = await app.db.query<{ id: string }>('SELECT id FROM sessions WHERE account_id = $1', [id]);
    const csrf = (await browser.get('/session/end_session')).formWith('logout-yes').fields.csrf ?? '';
    const done = await browser.post(`/account/sessions/${row?.id}/end`, { csrf });
    expect(framesOf(done).map(({ src }) => src)).toEqual([framedAs(WIKI, sids[0] ?? '')]);
    expect(browser.cookie('exeunt_session')).toBeUndefined();
  });

  it('asks about the session of this browser alone, also when all others end with it', async () => {
    const { login, browser, sids } = await someoneAt([wiki]);
    await app.signInTo(app.browser(), wiki, login);
    await app.signInTo(app.browser(), board, login);
    const done = await browser.submit(await browser.get(endSessionUrl()), 'logout-everywhere');
    expect(framesOf(done).map(({ src }) => src)).toEqual([framedAs(WIKI, sids[0] ?? '')]);
  });

  it('asks the one application that a person signs out of, and nobody else', async () => {
    const { browser, tokens, sids } = await someoneAt([wiki, board]);
    const dialog = await browser.get(endSessionUrl({ id_token_hint: tokens[0]?.id_token }));
    const done = await browser.submit(dialog, 'logout-client');
    expect(framesOf(done).map(({ src }) => src)).toEqual([framedAs(WIKI, sids[0] ?? '')]);
    expect(await promptNone(app, browser, board)).toBe('code');
  });

  it('names no application to another, and none of its people', async () => {
    const { id, login, browser } = await someoneAt([wiki, board]);
    for (const { src } of framesOf(await signOut(browser))) {
      for (const secret of [id, login, wiki.clientId, board.clientId]) expect(src).not.toContain(secret);
    }
  });

  describe('an application with both channels', () => {
    let party: StubRelyingParty;
    let both: TestClient;

    beforeAll(async () => {
      party = await StubRelyingParty.start();
      both = await clientOf(app, party, {
        client_name: 'Both',
        frontchannel_logout_uri: `${party.origin}/front-channel-logout`,
      });
    });
    afterAll(() => party.stop());

    it.each([
      [200, 'confirmed'],
      [500, 'not confirmed yet, we keep trying'],
      [400, 'could not be reached, please sign out there yourself'],
    ])('is framed too, and shown as its back channel stands: %i is %s', async (status, words) => {
      const { browser } = await someoneAt([both]);
      party.answerNext(status);
      const done = await signOut(browser);
      expect(framesOf(done)).toHaveLength(1);
      expect(done.body).toContain(`<span class="state">${words}</span>`);
      expect(done.body).not.toContain('asked in this browser');
    });
  });

  describe('what is registered is looked at again before it is loaded', () => {
    it.each([
      'https://evil.example.com/out',
      'javascript:alert(1)',
      'http://changed.example.com/out',
      'https://changed.example.com:8443/out',
      'https://changed.example.com/out#fragment',
      'no URL',
    ])('%s: is not loaded, and not said to have been asked', async (uri) => {
      const client = await storedAs(uri, 'https://changed.example.com');
      const { browser } = await someoneAt([client]);
      const done = await signOut(browser);
      expect(framesOf(done)).toEqual([]);
      expect(policyOf(done)).not.toContain('frame-src');
      expect(done.body).toContain('could not be reached, please sign out there yourself');
      expect(app.logger.lines.join('\n')).toContain(`frontchannel_logout_uri of ${client.clientId}`);
    });

    it('an application that was deleted meanwhile is not loaded', async () => {
      const client = await app.createClient({
        redirect_uris: ['https://gone.example.com/callback'],
        frontchannel_logout_uri: 'https://gone.example.com/out',
      });
      const { browser } = await someoneAt([client, wiki]);
      const token = await app.adminToken();
      expect((await app.json('DELETE', `/admin/v1/clients/${client.clientId}`, { token })).status).toBe(204);
      expect(framesOf(await signOut(browser)).map(({ src }) => new URL(src).host)).toEqual(['wiki.example.com']);
    });
  });

  it('a URI full of quotes and brackets stays one attribute (threat-model#front-channel-leaks)', async () => {
    const uri = `http://127.0.0.1:9/out?a="><script>alert(1)</script>&b='`;
    const { browser } = await someoneAt([await storedAs(uri, 'http://127.0.0.1:9')]);
    const done = await signOut(browser);
    expect(done.body).not.toContain('<script>alert');
    const [frame] = framesOf(done);
    expect(done.body.match(/<iframe/g)).toHaveLength(1);
    expect(frame?.tag).toMatch(/ title="[^"]*" hidden\s+referrerpolicy="no-referrer" sandbox="[^"]*">$/);
  });

  it('keeps sid and address out of the log (threat-model#logout-address-of-another)', async () => {
    const { browser, sids } = await someoneAt([wiki, board]);
    await signOut(browser);
    for (const sid of sids) expect(app.logger.lines.join('\n')).not.toContain(sid);
  });
});

describe('with no time to wait for frames (FRONT_CHANNEL_WAIT_MS=0)', () => {
  it('still asks, and goes on', async () => {
    const app = await TestApp.start({ frontChannelWaitMs: 0 });
    try {
      const { login } = await app.createAccount();
      const browser = app.browser();
      const client = await app.createClient({
        redirect_uris: ['https://wiki.example.com/callback'],
        frontchannel_logout_uri: 'https://wiki.example.com/out',
        post_logout_redirect_uris: [BACK],
      });
      const { id_token } = await app.signInTo(browser, client, login);
      const done = await signOut(browser, { id_token_hint: id_token, post_logout_redirect_uri: BACK });
      expect(framesOf(done)).toHaveLength(1);
      expect(done.headers.get('refresh')).toBe(`0;url=${BACK}`);
    } finally {
      await app.stop();
    }
  });
});
