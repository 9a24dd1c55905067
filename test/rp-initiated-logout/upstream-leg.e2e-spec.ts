import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose';
import pg from 'pg';
import { terminationsOf } from '../back-channel-logout/scene.js';
import { TestApp, type Tokens } from '../support/app.js';
import { HOUR, MINUTE } from '../support/clock.js';
import type { Browser, Page } from '../support/http.js';
import { StubUpstream, type UpstreamSubject } from '../support/stub-upstream.js';
import { redeem } from '../tokens/token-requests.js';
import {
  anApplication,
  endSessionUrl,
  expectNothingChanged,
  promptNone,
  SIGNED_OUT_URI,
  type TestApplication,
} from './end-session.js';

/** The person ticked "Also sign out of …". */
const TICKED = { upstream: 'logout' };

interface Person {
  readonly browser: Browser;
  readonly tokens: Tokens;
  readonly accountId: string;
  /** An end-session request of the application's, with a way back. */
  readonly asked: string;
}

interface Guest extends Person {
  readonly subject: UpstreamSubject;
}

describe('sign-out of somebody who came by another provider (RP-Initiated Logout 1.0 §2, §3)', () => {
  let app: TestApp;
  let upstream: StubUpstream;
  let application: TestApplication;
  let name: string;

  beforeAll(async () => {
    app = await TestApp.start();
    upstream = await StubUpstream.start(app.clock);
    application = await anApplication(app);
  });
  afterAll(() => Promise.all([app.stop(), upstream.stop()]));
  beforeEach(async () => {
    name = await upstream.register(app);
  });
  afterEach(async () => {
    upstream.down.clear();
    upstream.endSessionPath = '/end';
    await app.json('DELETE', `/admin/v1/upstreams/${name}`, { token: await app.adminToken() });
  });

  const patch = async (body: object): Promise<void> => {
    const { status } = await app.json('PATCH', `/admin/v1/upstreams/${name}`, { token: await app.adminToken(), body });
    expect(status).toBe(200);
  };

  function askedBy(tokens: Tokens, state = 's&t=1'): string {
    return endSessionUrl({ id_token_hint: tokens.id_token, post_logout_redirect_uri: SIGNED_OUT_URI, state });
  }

  async function aGuest(client = application): Promise<Guest> {
    const browser = app.browser();
    const subject = upstream.subject();
    const page = await browser.follow(await browser.get(app.authorizeUrl(client)));
    const [, href = ''] = new RegExp(`href="([^"]+/upstream/${name})"`).exec(page.body) ?? [];
    const left = await browser.get(href);
    const back = await browser.follow(await browser.get(upstream.authorize(left.location ?? '', subject)));
    const { body } = await redeem(app, client, back.query.get('code') ?? '');
    const tokens = body as unknown as Tokens;
    const [session] = await app.db.query<{ account_id: string }>(
      'SELECT s.account_id FROM sessions s JOIN session_upstreams u ON u.session_id = s.id WHERE u.sub = $1',
      [subject.sub],
    );
    return { browser, subject, tokens, accountId: session?.account_id ?? '', asked: askedBy(tokens) };
  }

  it('an application that only client_id names gets a link when the browser comes back, and no redirect', async () => {
    const { browser } = await aGuest();
    const asked = { client_id: application.clientId, post_logout_redirect_uri: SIGNED_OUT_URI, state: 's' };
    const done = await browser.submit(await browser.get(endSessionUrl(asked)), 'logout-yes', TICKED);
    const state = refreshOf(done).searchParams.get('state') ?? '';
    const back = await browser.get(`/upstreams/${name}/signed-out?${new URLSearchParams({ state })}`);
    expect([back.status, back.location]).toEqual([200, undefined]);
    expect(back.body).toContain(`href="${SIGNED_OUT_URI}?state=s"`);
    expect(await promptNone(app, browser, application)).toBe('login_required');
  });

  async function aLocal(): Promise<Person> {
    const { login, id } = await app.createAccount();
    const browser = app.browser();
    const tokens = await app.signInTo(browser, application, login);
    return { browser, tokens, accountId: id, asked: askedBy(tokens) };
  }

  async function expectSignedOut({ browser, tokens, accountId }: Person, cause = 'end_session'): Promise<void> {
    expect(await app.isActive(application, tokens.access_token)).toBe(false);
    expect(await promptNone(app, browser, application)).toBe('login_required');
    expect(await terminationsOf(app, accountId)).toMatchObject([{ cause, sessions: 1 }]);
  }

  /** Where a page sends the browser by itself. */
  function refreshOf(page: Page): URL {
    const [, url] = /^0;url=(.+)$/.exec(page.headers.get('refresh') ?? '') ?? [];
    if (url === undefined) throw new Error(`no Refresh (status ${page.status})`);
    return new URL(url);
  }

  function linkOf(page: Page): URL {
    const [, href = ''] = /id="upstream-logout"\s+href="([^"]+)"/.exec(page.body) ?? [];
    return new URL(href.replaceAll('&amp;', '&'));
  }

  /** RP-Initiated Logout 1.0 §2, with us as the application. */
  async function expectUpstreamLogout(url: URL, { subject }: Guest): Promise<void> {
    expect(url.origin + url.pathname).toBe(`${upstream.origin}/end`);
    expect([...url.searchParams.keys()].toSorted()).toEqual(['id_token_hint', 'post_logout_redirect_uri', 'state']);
    expect(url.searchParams.get('post_logout_redirect_uri')).toBe(`${app.issuer}/upstreams/${name}/signed-out`);
    const keys = (await (await fetch(`${upstream.origin}/jwks`)).json()) as JSONWebKeySet;
    const { payload } = await jwtVerify(url.searchParams.get('id_token_hint') ?? '', createLocalJWKSet(keys), {
      currentDate: app.clock.now(),
    });
    expect(payload).toMatchObject({
      iss: upstream.issuer,
      aud: upstream.clientId,
      sub: subject.sub,
      sid: subject.sid,
      name: 'Ada Upstream',
    });
  }

  /** The upstream signed the person out and sends the browser back. */
  function comeBack(browser: Browser, leaving: URL): Promise<Page> {
    const back = new URL(leaving.searchParams.get('post_logout_redirect_uri') ?? '');
    back.searchParams.set('state', leaving.searchParams.get('state') ?? '');
    return browser.get(back.href);
  }

  function expectNoRedirect(page: Page): void {
    expect([page.status, page.location, page.headers.get('refresh')]).toEqual([200, undefined, null]);
    expect(page.body).not.toContain('ledger.example.com');
  }

  describe('the dialog', () => {
    it('has a box for the provider, not ticked, for those who came by it, and ends nothing by being shown', async () => {
      const { browser, tokens, asked } = await aGuest();
      await expectNothingChanged(app, browser, application, tokens.access_token, async () => {
        const dialog = await browser.get(asked);
        expect(dialog.has('logout-upstream')).toBe(true);
        expect(dialog.body).toContain('Also sign out of Corporate SSO');
        expect(/<input[^>]*id="logout-upstream"[^>]*>/.exec(dialog.body)?.[0]).not.toContain('checked');
        expect(dialog.body).not.toContain(upstream.origin);
      });
    });

    it('has none for those who signed in here, nor when nobody is signed in', async () => {
      const { browser, asked } = await aLocal();
      expect((await browser.get(asked)).has('logout-upstream')).toBe(false);
      expect((await app.browser().get(asked)).has('logout-upstream')).toBe(false);
    });

    it('lets its form lead to nobody but us', async () => {
      const { browser, asked } = await aGuest();
      const policy = (await browser.get(asked)).headers.get('content-security-policy') ?? '';
      expect(policy).toContain("form-action 'self';");
    });

    it('answered with "stay" ends nothing, though the box is ticked', async () => {
      const { browser, tokens, asked } = await aGuest();
      await expectNothingChanged(app, browser, application, tokens.access_token, async () => {
        const page = await browser.submit(await browser.get(asked), 'logout-no', TICKED);
        expect([page.status, page.location]).toEqual([303, `${SIGNED_OUT_URI}?state=s%26t%3D1`]);
        const still = await browser.submit(await browser.get(endSessionUrl()), 'logout-no', TICKED);
        expect([still.status, still.headers.get('refresh')]).toEqual([200, null]);
        expect(still.body).not.toContain(upstream.origin);
      });
    });

    it('with a box that was not offered is answered as any other', async () => {
      const person = await aLocal();
      const page = await person.browser.submit(await person.browser.get(person.asked), 'logout-yes', TICKED);
      expect([page.status, page.location]).toEqual([303, `${SIGNED_OUT_URI}?state=s%26t%3D1`]);
      await expectSignedOut(person);
    });

    it('with another value for the box is refused, and nothing ends', async () => {
      const { browser, tokens, asked } = await aGuest();
      await expectNothingChanged(app, browser, application, tokens.access_token, async () => {
        const page = await browser.submit(await browser.get(asked), 'logout-yes', { upstream: 'https://evil.test' });
        expect(page.status).toBe(400);
      });
    });
  });

  describe('when the box is not ticked', () => {
    it('the browser goes back to the application, as ever', async () => {
      const guest = await aGuest();
      const page = await guest.browser.submit(await guest.browser.get(guest.asked), 'logout-yes');
      expect([page.status, page.location]).toEqual([303, `${SIGNED_OUT_URI}?state=s%26t%3D1`]);
      expect(page.headers.get('refresh')).toBeNull();
      await expectSignedOut(guest);
      expect(upstream.requests).not.toContain('/end');
    });

    it('and there is no way back, the signed-out page has a link to the provider', async () => {
      const guest = await aGuest();
      const page = await guest.browser.submit(await guest.browser.get(endSessionUrl()), 'logout-yes');
      expect([page.status, page.headers.get('refresh')]).toEqual([200, null]);
      expect(page.body).toContain('Sign out of Corporate SSO too');
      expect(page.headers.get('referrer-policy')).toBe('no-referrer');
      expect(page.headers.get('cache-control')).toBe('no-store');
      await expectUpstreamLogout(linkOf(page), guest);
      await expectSignedOut(guest);
      expectNoRedirect(await comeBack(guest.browser, linkOf(page)));
    });

    it('a client that is spared the dialog gets its redirect, or the person that link', async () => {
      const spared = await anApplication(app, { skip_logout_confirmation: true });
      const first = await aGuest(spared);
      expect((await first.browser.get(first.asked)).location).toBe(`${SIGNED_OUT_URI}?state=s%26t%3D1`);
      const second = await aGuest(spared);
      const page = await second.browser.get(endSessionUrl({ id_token_hint: second.tokens.id_token }));
      expect([page.status, page.headers.get('refresh')]).toEqual([200, null]);
      await expectUpstreamLogout(linkOf(page), second);
    });
  });

  describe('when the box is ticked', () => {
    async function leaveFor(guest: Guest, asked = guest.asked): Promise<Page> {
      return guest.browser.submit(await guest.browser.get(asked), 'logout-yes', TICKED);
    }

    it('the session here ends first, then the page leads to the provider', async () => {
      const guest = await aGuest();
      const page = await leaveFor(guest);
      expect([page.status, page.location]).toEqual([200, undefined]);
      await expectUpstreamLogout(refreshOf(page), guest);
      expect(linkOf(page).href).toBe(refreshOf(page).href);
      expect(guest.browser.cookie('exeunt_session')).toBeUndefined();
      await expectSignedOut(guest);
    });

    it('the provider sends the browser back, and it goes on to the application with its state', async () => {
      const guest = await aGuest();
      const page = await comeBack(guest.browser, refreshOf(await leaveFor(guest)));
      expect([page.status, page.location]).toEqual([303, `${SIGNED_OUT_URI}?state=s%26t%3D1`]);
      expect(page.headers.get('cache-control')).toBe('no-store');
    });

    it('a request without state comes back without one', async () => {
      const guest = await aGuest();
      const asked = endSessionUrl({ id_token_hint: guest.tokens.id_token, post_logout_redirect_uri: SIGNED_OUT_URI });
      const page = await comeBack(guest.browser, refreshOf(await leaveFor(guest, asked)));
      expect(page.location).toBe(SIGNED_OUT_URI);
    });

    it('a request without a way back comes back to a page that says so', async () => {
      const guest = await aGuest();
      const page = await comeBack(guest.browser, refreshOf(await leaveFor(guest, endSessionUrl())));
      expectNoRedirect(page);
      expect(page.body).toContain('Corporate SSO sent you back after its own sign-out');
    });

    it('a URI that is not registered is not where the browser comes out (threat-model#open-redirect)', async () => {
      const guest = await aGuest();
      const asked = endSessionUrl({
        id_token_hint: guest.tokens.id_token,
        post_logout_redirect_uri: 'https://evil.example.com/',
        state: 's',
      });
      const page = await comeBack(guest.browser, refreshOf(await leaveFor(guest, asked)));
      expectNoRedirect(page);
      expect(page.body).not.toContain('evil.example.com');
    });

    it('the provider is disabled by then: the browser goes back to the application', async () => {
      const guest = await aGuest();
      const dialog = await guest.browser.get(guest.asked);
      expect(dialog.has('logout-upstream')).toBe(true);
      await patch({ enabled: false });
      const page = await guest.browser.submit(dialog, 'logout-yes', TICKED);
      expect([page.status, page.location]).toEqual([303, `${SIGNED_OUT_URI}?state=s%26t%3D1`]);
      await expectSignedOut(guest);
    });

    it('the form is sent twice: it leads to the same place, and nothing is written', async () => {
      const guest = await aGuest();
      const dialog = await guest.browser.get(guest.asked);
      await guest.browser.submit(dialog, 'logout-yes', TICKED);
      const after = await app.rowCounts();
      const second = await guest.browser.submit(dialog, 'logout-yes', TICKED);
      await expectUpstreamLogout(refreshOf(second), guest);
      expect(await app.rowCounts()).toEqual(after);
    });

    it('a storage failure ends nothing and leads nowhere (threat-model#success-without-storage)', async () => {
      const guest = await aGuest();
      const dialog = await guest.browser.get(guest.asked);
      const before = await app.rowCounts();
      await app.db.query(
        `CREATE FUNCTION out_of_space() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = '53100'; END $$`,
      );
      await app.db.query(
        'CREATE TRIGGER out_of_space BEFORE UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION out_of_space()',
      );
      const page = await guest.browser.submit(dialog, 'logout-yes', TICKED);
      await app.db.query('DROP FUNCTION out_of_space() CASCADE');
      expect([page.status, page.location, page.headers.get('refresh')]).toEqual([503, undefined, null]);
      expect(page.body).not.toContain(upstream.origin);
      expect(await app.rowCounts()).toEqual(before);
      expect(await app.isActive(application, guest.tokens.access_token)).toBe(true);
    });
  });

  describe('/upstreams/{name}/signed-out is no open redirect (threat-model#script-as-redirect, threat-model#forged-browser-state)', () => {
    async function aState(): Promise<string> {
      const guest = await aGuest();
      const page = await guest.browser.submit(await guest.browser.get(guest.asked), 'logout-yes', TICKED);
      return refreshOf(page).searchParams.get('state') ?? '';
    }

    const signedOutAt = (upstreamName: string, state?: string): string =>
      `/upstreams/${upstreamName}/signed-out${state === undefined ? '' : `?${new URLSearchParams({ state })}`}`;

    it.each<[string, (state: string) => string | undefined]>([
      ['no state', () => undefined],
      ['an empty state', () => ''],
      ['a state that is an address', () => 'https://evil.example.com/'],
      [
        'a state that was changed',
        (state) => `${state.slice(0, 30)}${state[30] === 'A' ? 'B' : 'A'}${state.slice(31)}`,
      ],
      ['a state that was cut', (state) => state.slice(0, -4)],
    ])('%s: a page, and no redirect', async (_what, forge) => {
      const state = await aState();
      const before = await app.rowCounts();
      const page = await app.browser().get(signedOutAt(name, forge(state)));
      expectNoRedirect(page);
      expect(page.body).not.toContain('evil.example.com');
      expect(page.has('upstream-logout')).toBe(false);
      expect(await app.rowCounts()).toEqual(before);
    });

    it('a state that was sealed for something else: a page, and no redirect', async () => {
      const { browser, asked } = await aGuest();
      const { request } = (await browser.get(asked)).formWith('logout-yes').fields;
      expectNoRedirect(await app.browser().get(signedOutAt(name, request)));
    });

    it('the state of another provider: a page, and no redirect', async () => {
      const state = await aState();
      const another = await upstream.register(app, { client_id: 'exeunt-2' });
      expectNoRedirect(await app.browser().get(signedOutAt(another, state)));
      expect((await app.browser().get(signedOutAt(name, state))).location).toContain(SIGNED_OUT_URI);
      await app.json('DELETE', `/admin/v1/upstreams/${another}`, { token: await app.adminToken() });
    });

    it('a state of more than an hour ago: a page, and no redirect', async () => {
      const state = await aState();
      app.clock.advance(HOUR + MINUTE);
      expectNoRedirect(await app.browser().get(signedOutAt(name, state)));
    });

    it('a state that is sent twice: 400', async () => {
      const state = await aState();
      const page = await app.browser().get(`${signedOutAt(name, state)}&state=${state}`);
      expect([page.status, page.location]).toEqual([400, undefined]);
    });

    it('a provider that nobody knows: 404, also with the state of one that is known', async () => {
      const state = await aState();
      for (const unknown of ['nobody', 'exeunt']) {
        const page = await app.browser().get(signedOutAt(unknown, state));
        expect([page.status, page.location]).toEqual([404, undefined]);
      }
    });

    it('somebody who is signed in is sent to our own page, which does not say otherwise', async () => {
      const { browser, tokens } = await aLocal();
      await expectNothingChanged(app, browser, application, tokens.access_token, async () => {
        const page = await browser.get(signedOutAt(name));
        expect([page.status, page.location]).toEqual([303, `${app.issuer}/`]);
      });
    });
  });

  describe('a provider that cannot be signed out of is not offered, and the logout works', () => {
    async function expectPlainLogout(guest: Guest, at = app): Promise<void> {
      const path = (url: string): string => url.replace(app.issuer, at.issuer);
      const dialog = await guest.browser.get(path(`${app.issuer}${guest.asked}`));
      expect([dialog.status, dialog.has('logout-yes'), dialog.has('logout-upstream')]).toEqual([200, true, false]);
      const { fields } = dialog.formWith('logout-yes');
      const page = await guest.browser.post(path(`${app.issuer}/session/end_session`), { ...fields, ...TICKED });
      expect([page.status, page.location]).toEqual([303, `${SIGNED_OUT_URI}?state=s%26t%3D1`]);
      await expectSignedOut(guest);
    }

    it('because it publishes no end_session_endpoint', async () => {
      const silent = await StubUpstream.start(app.clock);
      silent.endSessionPath = undefined;
      await patch({ issuer: silent.issuer });
      const ours = upstream;
      upstream = silent;
      const guest = await aGuest();
      upstream = ours;
      await silent.stop();
      await expectPlainLogout(guest);
      await patch({ issuer: upstream.issuer });
    });

    it('because it is down, and never told where', async () => {
      const guest = await aGuest();
      await app.db.query('UPDATE upstreams SET metadata = NULL, metadata_at = NULL WHERE name = $1', [name]);
      upstream.down.add('/.well-known/openid-configuration');
      const node = await TestApp.start({ issuer: app.issuer }, { db: app.db, clock: app.clock });
      await expectPlainLogout(guest, node);
      await node.stop();
    });

    it('because it is disabled', async () => {
      const guest = await aGuest();
      await patch({ enabled: false });
      await expectPlainLogout(guest);
    });

    it('because the way back is too long for a URL', async () => {
      const guest = await aGuest();
      const state = 'x'.repeat(3500);
      const dialog = await guest.browser.get(askedBy(guest.tokens, state));
      expect(dialog.has('logout-upstream')).toBe(false);
      const page = await guest.browser.submit(dialog, 'logout-yes', TICKED);
      expect([page.status, page.location]).toEqual([303, `${SIGNED_OUT_URI}?state=${state}`]);
      await expectSignedOut(guest);
    });

    it('because this dialect may not use it', async () => {
      const guest = await aGuest();
      await patch({ dialects: ['back-channel-receiver', 'elasticsearch', 'vmware-csp'] });
      await expectPlainLogout(guest);
    });

    it('because it has become another issuer', async () => {
      const guest = await aGuest();
      const other = await StubUpstream.start(app.clock);
      await patch({ issuer: other.issuer });
      await expectPlainLogout(guest);
      await patch({ issuer: upstream.issuer });
      await other.stop();
    });
  });

  it('is offered while it is down when it told before where', async () => {
    const guest = await aGuest();
    upstream.down.add('/.well-known/openid-configuration');
    const page = await guest.browser.submit(await guest.browser.get(guest.asked), 'logout-yes', TICKED);
    await expectUpstreamLogout(refreshOf(page), guest);
  });

  describe('the back channel of the same provider (Back-Channel Logout 1.0 §2.5)', () => {
    async function backChannel({ subject }: Guest): Promise<number> {
      const token = await upstream.logoutToken({ sub: subject.sub, sid: subject.sid });
      return (await app.form('/api/v1/auth/oidc/backchannel-logout', { logout_token: token })).status;
    }

    it('first, then the dialog: already signed out, and nothing more is written', async () => {
      const guest = await aGuest();
      const dialog = await guest.browser.get(endSessionUrl());
      expect(await backChannel(guest)).toBe(200);
      const before = await app.rowCounts();
      const page = await guest.browser.submit(dialog, 'logout-yes');
      expect([page.status, page.location]).toEqual([200, undefined]);
      expect(page.body).toContain('You were already signed out in this browser.');
      expect(await app.rowCounts()).toEqual(before);
      await expectSignedOut(guest, 'upstream_logout');
    });

    it('first, then a new dialog: nobody is signed in, and there is no box', async () => {
      const guest = await aGuest();
      expect(await backChannel(guest)).toBe(200);
      expect((await guest.browser.get(guest.asked)).location).toBe(`${SIGNED_OUT_URI}?state=s%26t%3D1`);
      const dialog = await guest.browser.get(endSessionUrl());
      expect(dialog.body).toContain('You are already signed out');
      expect(dialog.has('logout-upstream')).toBe(false);
    });

    it('during the way through it: 200, with nothing left to end', async () => {
      const guest = await aGuest();
      const page = await guest.browser.submit(await guest.browser.get(guest.asked), 'logout-yes', TICKED);
      expect(await backChannel(guest)).toBe(200);
      expect((await comeBack(guest.browser, refreshOf(page))).location).toContain(SIGNED_OUT_URI);
      await expectSignedOut(guest);
    });
  });

  describe('statements that it costs, with warm caches (architecture#cost)', () => {
    /** Names of the statements that this process sends while `work` runs. */
    async function statementsOf(work: () => Promise<unknown>): Promise<string[]> {
      const names: string[] = [];
      // oxlint-disable-next-line typescript/unbound-method -- applied to its client below
      const original = pg.Client.prototype.query as (...args: unknown[]) => unknown;
      const spy = vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (this: pg.Client, ...args) {
        const [query] = args as unknown as readonly [string | { readonly name?: string; readonly text?: string }];
        names.push(typeof query === 'string' ? query : (query.name ?? query.text ?? ''));
        return original.apply(this, args) as never;
      });
      try {
        await work();
      } finally {
        spy.mockRestore();
      }
      return names.filter((statement) => !/^(sessions_touch$|logout_deliveries_)/.test(statement));
    }

    it('showing and answering the dialog takes one each for those who signed in here', async () => {
      const { browser } = await aLocal();
      let dialog: Page | undefined;
      const shown = await statementsOf(async () => (dialog = await browser.get(endSessionUrl())));
      expect(shown).toEqual(['sessions_find_by_cookie']);
      const answered = await statementsOf(() => browser.submit(dialog!, 'logout-yes'));
      expect(answered).toEqual(['logout_terminate_cookie']);
    });

    it('each takes one more for those who came by a provider, the answer after the session ended', async () => {
      const { browser } = await aGuest();
      let dialog: Page | undefined;
      const shown = await statementsOf(async () => (dialog = await browser.get(endSessionUrl())));
      expect(shown).toEqual(['sessions_find_by_cookie', 'sessions_find_upstream']);
      const answered = await statementsOf(() => browser.submit(dialog!, 'logout-yes', TICKED));
      expect(answered).toEqual(['logout_terminate_cookie', 'sessions_find_upstream']);
    });
  });

  it('writes no ID token, of ours or of the provider, to the log', () => {
    expect(app.logger.lines.join('\n')).not.toContain('eyJ');
  });
});
