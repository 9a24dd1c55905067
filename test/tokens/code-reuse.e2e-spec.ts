import { TestApp } from '../support/app.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { claimsOf, redeem, terminationsOf } from './token-requests.js';

describe('a code that is used twice (RFC 6749 §4.1.2)', () => {
  let app: TestApp;
  let party: StubRelyingParty;

  beforeAll(async () => {
    [app, party] = await Promise.all([TestApp.start(), StubRelyingParty.start()]);
  });
  afterAll(() => Promise.all([app.stop(), party.stop()]));

  it('code replay: is refused, revokes what the first use issued, is recorded, and the client is told', async () => {
    const account = await app.createAccount();
    const client = await app.createClient({ backchannel_logout_uri: party.backchannelLogoutUri });
    const code = await app.codeFor(app.browser(), client, account.login);
    const first = (await redeem(app, client, code)).body;

    const again = await redeem(app, client, code);
    expect(again.status).toBe(400);
    expect(again.body.error).toBe('invalid_grant');

    expect(await app.isActive(client, String(first.access_token))).toBe(false);
    expect((await app.refresh(client, String(first.refresh_token))).body.error).toBe('invalid_grant');
    expect(await terminationsOf(app, account.id)).toMatchObject([
      {
        cause: 'code_reuse',
        sessions: 0,
        grants_revoked: 1,
        deliveries: 1,
        initiator: { kind: 'client', client_id: client.clientId },
      },
    ]);
    const [received] = await party.waitFor(1);
    expect(received?.claims.sid).toBe(claimsOf(first.id_token).sid);
    expect(received?.claims.aud).toBe(client.clientId);
  });

  it('leaves the session and the other grants of the person alone', async () => {
    const account = await app.createAccount();
    const [client, other] = await Promise.all([app.createClient(), app.createClient()]);
    const browser = app.browser();
    const kept = await app.signInTo(browser, other, account.login);
    const code = await app.codeFor(browser, client, account.login);
    await redeem(app, client, code);
    await redeem(app, client, code);
    expect(await app.isActive(other, kept.access_token)).toBe(true);
    expect((await browser.get(app.authorizeUrl(client, { prompt: 'none' }))).query.get('code')).not.toBeNull();
  });

  it('a third use changes nothing more', async () => {
    const account = await app.createAccount();
    const client = await app.createClient();
    const code = await app.codeFor(app.browser(), client, account.login);
    await redeem(app, client, code);
    await redeem(app, client, code);
    expect((await redeem(app, client, code)).status).toBe(400);
    expect(await terminationsOf(app, account.id)).toHaveLength(1);
  });

  it('race: of 20 parallel redemptions exactly one succeeds, and the reuse is recorded once', async () => {
    const account = await app.createAccount();
    const client = await app.createClient();
    const code = await app.codeFor(app.browser(), client, account.login);
    const answers = await Promise.all(Array.from({ length: 20 }, () => redeem(app, client, code)));
    const won = answers.filter(({ status }) => status === 200);
    expect(won).toHaveLength(1);
    expect(answers.filter(({ status, body }) => status === 400 && body.error === 'invalid_grant')).toHaveLength(19);
    expect(await app.isActive(client, String(won[0]?.body.access_token))).toBe(false);
    expect((await terminationsOf(app, account.id)).map(({ cause }) => cause)).toEqual(['code_reuse']);
    const sids = await app.db.query('SELECT sid FROM session_clients WHERE client_id = $1', [client.clientId]);
    expect(sids).toHaveLength(1);
  });
});
