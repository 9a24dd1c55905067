import { createRemoteJWKSet, jwtVerify } from 'jose';
import { TestApp } from '../support/app.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';

describe('one sign-out reaches every application', () => {
  let app: TestApp;
  let first: StubRelyingParty;
  let second: StubRelyingParty;

  beforeAll(async () => {
    [app, first, second] = await Promise.all([TestApp.start(), StubRelyingParty.start(), StubRelyingParty.start()]);
  });
  afterAll(() => Promise.all([app.stop(), first.stop(), second.stop()]));

  it('ends the session, kills the tokens, tells both applications and keeps the record', async () => {
    const { login, id } = await app.createAccount();
    const clientOf = (party: StubRelyingParty) =>
      app.createClient({
        redirect_uris: [party.redirectUri],
        post_logout_redirect_uris: [party.postLogoutRedirectUri],
        backchannel_logout_uri: party.backchannelLogoutUri,
      });
    const [a, b] = await Promise.all([clientOf(first), clientOf(second)]);
    const browser = app.browser();
    const tokensA = await app.signInTo(browser, a, login, { nonce: 'n1' });
    const tokensB = await app.signInTo(browser, b, login);
    expect(await app.isActive(a, tokensA.access_token)).toBe(true);

    const query = new URLSearchParams({
      id_token_hint: tokensA.id_token,
      post_logout_redirect_uri: first.postLogoutRedirectUri,
      state: 'x y&z',
    });
    const dialog = await browser.get(`/session/end_session?${query}`);
    expect(dialog.status).toBe(200);
    expect(await app.isActive(a, tokensA.access_token)).toBe(true);

    const done = await browser.submit(dialog, 'logout-yes');
    expect(done.status).toBe(303);
    expect(done.location).toBe(`${first.postLogoutRedirectUri}?state=x%20y%26z`);

    for (const [party, client, tokens] of [
      [first, a, tokensA],
      [second, b, tokensB],
    ] as const) {
      expect(party.received).toHaveLength(1);
      const keys = createRemoteJWKSet(new URL(`${app.issuer}/jwks`));
      const received = party.received[0]!;
      const { payload } = await jwtVerify(received.token, keys, {
        issuer: app.issuer,
        audience: client.clientId,
        typ: 'logout+jwt',
        algorithms: ['RS256'],
        currentDate: app.clock.now(),
      });
      const idToken = (await jwtVerify(tokens.id_token, keys, { currentDate: app.clock.now() })).payload;
      expect(payload).toMatchObject({
        sub: id,
        sid: idToken.sid,
        events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
      });
      expect(await app.isActive(client, tokens.access_token)).toBe(false);
      expect((await app.refresh(client, tokens.refresh_token)).status).toBe(400);
    }

    const token = await app.adminToken();
    const { body } = await app.json('GET', `/admin/v1/terminations?account_id=${id}`, { token });
    expect(body.items).toMatchObject([{ cause: 'end_session', sessions: 1, deliveries: 2, account_id: id }]);
    const deliveries = (await app.json('GET', '/admin/v1/deliveries', { token })).body.items;
    expect(deliveries).toMatchObject([{ state: 'delivered' }, { state: 'delivered' }]);
  });
});
