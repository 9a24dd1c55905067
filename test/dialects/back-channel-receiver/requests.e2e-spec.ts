import type { Answer } from '../../support/app.js';
import { expectAnswer, expectDone, receive, RECEIVER, Scene, type Visitor } from './scene.js';

describe('requests to the receiver (Back-Channel Logout 1.0 §2.5, §2.8)', () => {
  let scene: Scene;
  let victim: Visitor;

  beforeAll(async () => {
    scene = await Scene.start();
    victim = await scene.visitor();
    // The limiter's row is there from the first request on.
    await receive(scene.app, 'x');
  });
  afterAll(() => scene.stop());

  const token = (): Promise<string> => scene.upstream.logoutToken({ sid: victim.subject.sid });

  async function request(init: RequestInit, query = ''): Promise<Answer> {
    const response = await fetch(`${scene.app.issuer}${RECEIVER}${query}`, { method: 'POST', ...init });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: JSON.parse(text) };
  }

  /** Not even a record of it: what is no logout token at all was not refused as one. */
  async function expectRefused(send: () => Promise<Answer>, words: RegExp, status = 400): Promise<Answer> {
    const [rows, results] = [await scene.app.rowCounts(), await scene.results()];
    const answer = await send();
    expectAnswer(answer, status);
    expect(answer.body).toEqual({ error: 'invalid_request', error_description: expect.stringMatching(words) });
    expect(await scene.app.rowCounts()).toEqual(rows);
    expect(await scene.results()).toEqual(results);
    expect(await scene.isSignedIn(victim)).toBe(true);
    return answer;
  }

  it.each([
    ['nothing', '', /^logout_token is missing/],
    ['an empty logout_token', 'logout_token=', /^logout_token is missing or empty\.$/],
    ['another field alone', 'id_token_hint=x', /^logout_token is missing/],
    ['a field that looks like an object', 'logout_token[x]=y', /logout_token/],
    ['a NUL character', 'logout_token=a%00b', /NUL/],
    ['more than 16 KiB', `logout_token=${'x'.repeat(16_385)}`, /logout_token must be shorter/],
    ['more than any body may have', `logout_token=${'x'.repeat(70_000)}`, /too large/],
  ])('refuses %s', async (_what, body, words) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    await expectRefused(() => request({ body, headers }), words);
  });

  it('refuses a good token that is sent twice', async () => {
    const body = new URLSearchParams([
      ['logout_token', await token()],
      ['logout_token', await token()],
    ]);
    await expectRefused(() => request({ body }), /^logout_token must be sent once\.$/);
  });

  it('refuses a good token in the query', async () => {
    const query = `?logout_token=${await token()}`;
    await expectRefused(() => request({}, query), /logout_token/);
    await expectRefused(() => request({ body: new URLSearchParams({ x: 'y' }) }, query), /logout_token/);
  });

  it.each([
    ['JSON', 'application/json', (logout: string) => JSON.stringify({ logout_token: logout })],
    ['broken JSON', 'application/json', () => '{"logout_token":'],
    ['a JWT', 'application/logout+jwt', (logout: string) => logout],
    ['a text', 'text/plain', (logout: string) => `logout_token=${logout}`],
  ])('refuses %s with a good token, with the one status that §2.8 knows', async (_what, type, body) => {
    const text = body(await token());
    await expectRefused(() => request({ body: text, headers: { 'content-type': type } }), /./);
  });

  it('refuses a form in parts', async () => {
    const body = new FormData();
    body.set('logout_token', await token());
    await expectRefused(() => request({ body }), /application\/x-www-form-urlencoded/);
  });

  it.each(['GET', 'PUT', 'PATCH', 'DELETE'])('answers 405 to %s and says what it takes', async (method) => {
    const answer = await expectRefused(
      async () => request({ method }, `?logout_token=${await token()}`),
      /^Send logout_token by POST\.$/,
      405,
    );
    expect(answer.headers.get('allow')).toBe('POST');
  });

  it('answers 404 below its own path', async () => {
    const response = await fetch(`${scene.app.issuer}${RECEIVER}-of-others`, { method: 'POST' });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: 'not_found' });
  });

  it('is for servers: it allows no origin and reads no cookie', async () => {
    const visitor = await scene.visitor();
    const body = new URLSearchParams({ logout_token: await scene.upstream.logoutToken({ sid: 'nobody' }) });
    const cookie = `exeunt_session=${visitor.browser.cookie('exeunt_session')}`;
    const answer = await request({ body, headers: { cookie, origin: 'https://evil.example.org' } });
    await scene.expectDone(answer, 0);
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    expect(await scene.isSignedIn(visitor)).toBe(true);
  });

  it('takes the form with a charset, and ignores fields that it does not know', async () => {
    const { subject } = await scene.visitor();
    const body = `a=b&a=c&logout_token=${await scene.upstream.logoutToken({ sid: subject.sid })}&state=x`;
    const headers = { 'content-type': 'Application/X-WWW-Form-Urlencoded; charset=UTF-8' };
    const answer = await request({ body, headers });
    await scene.expectDone(answer, 1);
  });

  it('slows an address down that sends too many, and says for how long', async () => {
    const node = await scene.node({ backchannelLogoutPerMinute: 1 });
    const rows = await scene.rowCounts();
    const answer = await receive(node, await token());
    expectAnswer(answer, 429);
    expect(answer.body).toEqual({ error: 'too_many_requests', error_description: 'Too many requests.' });
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await scene.rowCounts()).toEqual(rows);
    expect(await scene.isSignedIn(victim)).toBe(true);
    await node.stop();
  });

  it('obeys the victim’s own upstream in the end', async () => {
    expectDone(await receive(scene.app, await token()));
    expect(await scene.isSignedIn(victim)).toBe(false);
    expect(scene.log().join('\n')).not.toContain('eyJ');
  });
});
