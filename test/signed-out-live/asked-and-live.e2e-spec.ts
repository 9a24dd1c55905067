import { TestApp, type TestClient } from '../support/app.js';
import { EventStream } from '../support/event-stream.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { clientOf, someoneAt } from '../back-channel-logout/scene.js';
import { endSessionUrl, signOut } from '../rp-initiated-logout/end-session.js';

const ASKED = 'asked in this browser; it has no way to confirm';
const KEEP_TRYING = 'not confirmed yet, we keep trying';
const BACK = 'https://ledger.example.com/signed-out';

/** Each application with its state, as the page says it. */
function statesOf(html: string): Record<string, string> {
  const lines = html.matchAll(/class="name">([^<]*)<\/span>\s*<span class="state">([^<]*)</g);
  return Object.fromEntries([...lines].map(([, name, state]) => [name, state]));
}
const reloadOf = (html: string): string => /href="(\/session\/signed-out\/[^"]+)"/.exec(html)?.[1] ?? '';

describe('the signed-out page with frames, live', () => {
  let app: TestApp;
  let party: StubRelyingParty;
  /** Has a back channel, to the stub. */
  let ledger: TestClient;
  /** Has a front channel alone. */
  let wiki: TestClient;

  beforeAll(async () => {
    [app, party] = await Promise.all([TestApp.start(), StubRelyingParty.start()]);
    ledger = await clientOf(app, party, { client_name: 'Ledger', post_logout_redirect_uris: [BACK] });
    wiki = await app.createClient({
      client_name: 'Wiki',
      redirect_uris: ['https://wiki.example.com/callback'],
      frontchannel_logout_uri: 'https://wiki.example.com/out',
    });
  });
  afterAll(() => Promise.all([app.stop(), party.stop()]));

  async function retry(): Promise<void> {
    await app.db.query('UPDATE logout_deliveries SET next_attempt_at = $1', [app.clock.now()]);
    await app.sendDue();
  }

  it('has both: frames that ask, and what is pending followed; asked stays asked in each update', async () => {
    const { browser } = await someoneAt(app, [ledger, wiki]);
    party.answerNext(503);
    const page = await signOut(browser);
    expect(statesOf(page.body)).toEqual({ Ledger: KEEP_TRYING, Wiki: ASKED });
    expect(page.body).toContain('<iframe src="https://wiki.example.com/out?');
    const policy = page.headers.get('content-security-policy');
    expect(policy).toContain("connect-src 'self';");
    expect(policy).toContain('frame-src https://wiki.example.com;');
    const stream = await EventStream.open(`${app.issuer}${reloadOf(page.body)}/events`);
    expect(statesOf((await stream.next())?.data ?? '')).toEqual({ Ledger: KEEP_TRYING, Wiki: ASKED });
    await retry();
    expect(statesOf((await stream.next())?.data ?? '')).toEqual({ Ledger: 'confirmed', Wiki: ASKED });
    expect(await stream.next()).toEqual({ event: 'end', data: 'done' });
  });

  it('says the same when it is loaded again, and asks nobody a second time', async () => {
    const { browser } = await someoneAt(app, [ledger, wiki]);
    party.answerNext(503);
    const reload = reloadOf((await signOut(browser)).body);
    const again = await browser.get(reload);
    expect(statesOf(again.body)).toEqual({ Ledger: KEEP_TRYING, Wiki: ASKED });
    expect(again.body).not.toContain('<iframe');
    expect(again.headers.get('content-security-policy')).not.toContain('frame-src');
    await retry();
    expect(statesOf((await browser.get(reload)).body)).toEqual({ Ledger: 'confirmed', Wiki: ASKED });
  });

  it('follows nothing when only frames were asked, and nothing while it is about to go on', async () => {
    const framed = await someoneAt(app, [wiki]);
    const stays = await signOut(framed.browser);
    expect([statesOf(stays.body), stays.body.includes('data-events')]).toEqual([{ Wiki: ASKED }, false]);
    const { browser, tokens } = await someoneAt(app, [ledger, wiki]);
    party.answerNext(503);
    const goes = await signOut(browser, { id_token_hint: tokens[0]?.id_token, post_logout_redirect_uri: BACK });
    expect(goes.headers.get('refresh')).toBe(`3;url=${BACK}`);
    expect(goes.body).not.toContain('data-events');
    expect(goes.headers.get('content-security-policy')).not.toContain('connect-src');
  });

  it('loaded again says that one application was left, and not who is signed in here by then', async () => {
    const { browser, login, tokens } = await someoneAt(app, [ledger, wiki]);
    party.answerNext(503);
    const dialog = await browser.get(endSessionUrl({ id_token_hint: tokens[0]?.id_token }));
    const done = await browser.submit(dialog, 'logout-client');
    expect(done.body).toContain(login);
    const again = await app.browser().get(reloadOf(done.body));
    expect(again.body).toContain('<h1>Signed out of Ledger</h1>');
    expect(again.body).toContain('You left this application alone.');
    expect(again.body).not.toContain(login);
    expect(again.body).not.toContain('has ended');
    expect(statesOf(again.body)).toEqual({ Ledger: KEEP_TRYING });
  });

  it('loaded again still says that all devices were signed out', async () => {
    const { browser } = await someoneAt(app, [ledger]);
    party.answerNext(503);
    const done = await browser.submit(await browser.get(endSessionUrl()), 'logout-everywhere');
    const again = await browser.get(reloadOf(done.body));
    expect(again.body).toContain('All your sessions have ended');
  });

  it('holds no name and no address in its own', async () => {
    const { browser, accountId } = await someoneAt(app, [ledger, wiki]);
    party.answerNext(503);
    const reload = reloadOf((await signOut(browser)).body);
    const bytes = Buffer.from(reload.split('/').at(-1) ?? '', 'base64url').toString('latin1');
    for (const secret of [accountId, ledger.clientId, wiki.clientId]) {
      expect(reload).not.toContain(secret);
      expect(bytes).not.toContain(secret);
    }
  });
});
