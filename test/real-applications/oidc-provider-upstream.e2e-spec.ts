import { decodeJwt } from 'jose';
import { TestApp, type TestClient } from '../support/app.js';
import { Browser, type Page } from '../support/http.js';
import { RealUpstream } from '../support/oidc-provider.js';
import { RealClock } from '../support/real-clock.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { clientOf } from '../back-channel-logout/scene.js';

/** A browser that keeps a jar for each origin and follows redirects, up to what none of the providers answers. */
class Person {
  private readonly jars = new Map<string, Browser>();

  constructor(private readonly providers: readonly string[]) {}

  at(url: string): Browser {
    const { origin } = new URL(url);
    const jar = this.jars.get(origin) ?? new Browser(origin);
    this.jars.set(origin, jar);
    return jar;
  }

  async go(url: string): Promise<Page> {
    return this.follow(await this.at(url).get(url));
  }

  /** Sends the form with this address, as the page at `url` has it. */
  async send(url: string, page: Page, typed: Record<string, string>): Promise<Page> {
    const form = /<form[^>]*action="([^"]+)"[^>]*>([\s\S]*?)<\/form>/.exec(page.body);
    if (form?.[1] === undefined) throw new Error(`no form (status ${page.status}): ${page.body.slice(0, 300)}`);
    const hidden = [...(form[2] ?? '').matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)];
    const fields = Object.fromEntries(hidden.map(([, name = '', value = '']) => [name, value]));
    return this.follow(await this.at(url).post(form[1], { ...fields, ...typed }));
  }

  private async follow(page: Page): Promise<Page> {
    const { location } = page;
    return location === undefined || !this.providers.includes(new URL(location).origin) ? page : this.go(location);
  }
}

describe('people who come by oidc-provider, another product', () => {
  let app: TestApp;
  let upstream: RealUpstream;
  let party: StubRelyingParty;
  let applications: readonly [TestClient, TestClient];

  beforeAll(async () => {
    app = await TestApp.start({}, { clock: new RealClock() });
    [upstream, party] = await Promise.all([RealUpstream.start(app), StubRelyingParty.start()]);
    await upstream.register(app);
    applications = [await clientOf(app, party), await clientOf(app, party)];
  });
  afterAll(() => Promise.all([app.stop(), upstream.stop(), party.stop()]));
  beforeEach(() => {
    upstream.outcomes.length = 0;
    party.received.length = 0;
  });

  /** Somebody who is signed in to both applications, having typed a name at the upstream alone. */
  async function signedIn(login: string): Promise<{ readonly person: Person; readonly idTokens: readonly string[] }> {
    const person = new Person([app.issuer, upstream.issuer]);
    const [first, second] = applications;
    const idTokens: string[] = [];
    const page = await person.go(app.issuer + app.authorizeUrl(first));
    const href = /href="([^"]+\/upstream\/corporate)"/.exec(page.body)?.[1] ?? '';
    const form = await person.go(new URL(href, app.issuer).href);
    const consent = await person.send(upstream.issuer, form, { prompt: 'login', login, password: 'any' });
    const back = await person.send(upstream.issuer, consent, { prompt: 'consent' });
    for (const [client, answer] of [
      [first, back],
      // One session: nobody asks again.
      [second, await person.go(app.issuer + app.authorizeUrl(second))],
    ] as const) {
      const code = answer.query.get('code') ?? '';
      const fields = { grant_type: 'authorization_code', code, redirect_uri: client.redirectUri };
      const { status, body } = await app.form('/token', fields, client);
      expect(status).toBe(200);
      idTokens.push(String(body.id_token));
    }
    return { person, idTokens };
  }

  it('are asked again there when an application demands it, and auth_time is what that one says', async () => {
    const { person } = await signedIn('ada-again');
    const [first] = applications;
    const before = Math.floor(Date.now() / 1000);
    const page = await person.go(app.issuer + app.authorizeUrl(first, { prompt: 'login' }));
    const href = /href="([^"]+\/upstream\/corporate)"/.exec(page.body)?.[1] ?? '';
    const form = await person.go(new URL(href, app.issuer).href);
    let back = await person.send(upstream.issuer, form, { prompt: 'login', login: 'ada-again', password: 'any' });
    if (back.status === 200) back = await person.send(upstream.issuer, back, { prompt: 'consent' });
    const code = back.query.get('code') ?? '';
    const fields = { grant_type: 'authorization_code', code, redirect_uri: first.redirectUri };
    const { status, body } = await app.form('/token', fields, first);
    expect(status).toBe(200);
    expect(decodeJwt(String(body.id_token)).auth_time).toBeGreaterThanOrEqual(before);
  });

  /** What an application learns when it asks without a page. */
  async function promptNone(person: Person, client: TestClient): Promise<string> {
    const page = await person.go(app.issuer + app.authorizeUrl(client, { prompt: 'none' }));
    return page.query.get('error') ?? 'signed in';
  }

  async function accountOf(sub: string): Promise<string> {
    const [row] = await app.db.query<{ account_id: string }>(
      'SELECT account_id FROM upstream_identities WHERE issuer = $1 AND sub = $2',
      [upstream.issuer, sub],
    );
    return row?.account_id ?? '';
  }

  async function expectBothTold(sub: string): Promise<void> {
    await party.waitFor(2);
    await app.sendDue();
    const told = party.received.map(({ claims }) => `${String(claims.aud)} ${claims.sub}`);
    const account = await accountOf(sub);
    expect(told.sort()).toEqual(applications.map(({ clientId }) => `${clientId} ${account}`).sort());
  }

  async function resultsOf(): Promise<string[]> {
    const { text } = await app.json('GET', '/metrics');
    return [...text.matchAll(/^exeunt_upstream_logout_tokens_total\{result="(\w+)"\} [1-9]/gm)].map(
      ([, result = '']) => result,
    );
  }

  it('are signed out of every application when they sign out there', async () => {
    const { person } = await signedIn('ada');
    for (const client of applications) expect(await promptNone(person, client)).toBe('signed in');

    const ask = await person.go(`${upstream.issuer}/session/end`);
    await person.send(upstream.issuer, ask, { logout: 'yes' });

    expect(upstream.outcomes).toEqual(['backchannel.success']);
    await expectBothTold('ada');
    for (const client of applications) expect(await promptNone(person, client)).toBe('login_required');
    expect(await resultsOf()).toEqual(['ended']);
  });

  it('are signed out there too when they wish so here, and both sides are calm about the second notice', async () => {
    const { person } = await signedIn('grace');
    const dialog = await person.go(`${app.issuer}/session/end_session`);
    expect(dialog.body).toContain('Also sign out of corporate');
    const here = await person.at(app.issuer).submit(dialog, 'logout-yes', { upstream: 'logout' });
    expect(here.status).toBe(200);
    await expectBothTold('grace');

    const url = refreshOf(here);
    expect(url.startsWith(`${upstream.issuer}/session/end?`)).toBe(true);
    const ask = await person.go(url);
    const back = await person.send(upstream.issuer, ask, { logout: 'yes' });
    expect(back.status).toBe(200);
    expect(back.body).toContain('corporate');

    expect(upstream.outcomes).toEqual(['backchannel.success']);
    expect(await resultsOf()).toEqual(['ended', 'nothing_to_end']);
    await app.sendDue();
    expect(party.received).toHaveLength(2);
    expect(await promptNone(person, applications[0])).toBe('login_required');
    // There the session is over as well: it asks for a name again.
    const page = await person.go(app.issuer + app.authorizeUrl(applications[0]));
    const href = /href="([^"]+\/upstream\/corporate)"/.exec(page.body)?.[1] ?? '';
    expect((await person.go(new URL(href, app.issuer).href)).body).toContain('name="login"');
  });

  it('go back to the application that asked for the logout, by way of the upstream', async () => {
    const { person, idTokens } = await signedIn('edsger');
    const query = new URLSearchParams({
      id_token_hint: idTokens[0] ?? '',
      post_logout_redirect_uri: party.postLogoutRedirectUri,
      state: 'a-state',
    });
    const dialog = await person.go(`${app.issuer}/session/end_session?${query}`);
    const here = await person.at(app.issuer).submit(dialog, 'logout-yes', { upstream: 'logout' });
    await expectBothTold('edsger');
    const ask = await person.go(refreshOf(here));
    const back = await person.send(upstream.issuer, ask, { logout: 'yes' });
    expect(back.location).toBe(`${party.postLogoutRedirectUri}?state=a-state`);
    expect(upstream.outcomes).toEqual(['backchannel.success']);
  });

  it('are not shown an error when the back channel was faster than their own click (threat-model#federated-race)', async () => {
    const { person } = await signedIn('barbara');
    const dialog = await person.go(`${app.issuer}/session/end_session`);
    const ask = await person.go(`${upstream.issuer}/session/end`);
    await person.send(upstream.issuer, ask, { logout: 'yes' });
    await expectBothTold('barbara');
    const here = await person.at(app.issuer).submit(dialog, 'logout-yes', { upstream: 'logout' });
    expect(here.status).toBe(200);
    const back = await person.send(upstream.issuer, await person.go(refreshOf(here)), { logout: 'yes' });
    expect(back.status).toBe(200);
    await app.sendDue();
    expect(party.received).toHaveLength(2);
  });
});

/** Where the page sends the browser on to. */
function refreshOf(page: Page): string {
  return /^0;url=(.+)$/.exec(page.headers.get('refresh') ?? '')?.[1] ?? '';
}
