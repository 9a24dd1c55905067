import { TestApp, type TestClient, type Tokens } from '../support/app.js';
import { SECOND } from '../support/clock.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { claimsOf, terminationsOf } from './token-requests.js';

describe('a refresh token that is used twice (RFC 9700 §4.14.2)', () => {
  let app: TestApp;
  let party: StubRelyingParty;

  beforeAll(async () => {
    [app, party] = await Promise.all([TestApp.start(), StubRelyingParty.start()]);
  });
  afterAll(() => Promise.all([app.stop(), party.stop()]));

  async function signedIn(metadata: Record<string, unknown> = {}) {
    const account = await app.createAccount();
    const client = await app.createClient(metadata);
    return { account, client, tokens: await app.signInTo(app.browser(), client, account.login) };
  }

  async function expectDead(client: TestClient, ...all: (Tokens | Record<string, unknown>)[]) {
    for (const tokens of all) {
      expect(await app.isActive(client, String(tokens.access_token))).toBe(false);
      expect(await app.isActive(client, String(tokens.refresh_token))).toBe(false);
      expect((await app.refresh(client, String(tokens.refresh_token))).body.error).toBe('invalid_grant');
    }
  }

  /** How often the refresh tokens of the client's grants were used. */
  const generations = (client: TestClient) =>
    app.db.query('SELECT refresh_generation FROM grants WHERE client_id = $1', [client.clientId]);

  it('within the grace it gets the same successor, however often, and never a second one', async () => {
    const { account, client, tokens } = await signedIn();
    const first = (await app.refresh(client, tokens.refresh_token)).body;
    for (const _again of [1, 2, 3]) {
      // An answer that was lost in a failover is asked for again after minutes.
      app.clock.advance(100 * SECOND);
      const again = await app.refresh(client, tokens.refresh_token);
      expect(again.status).toBe(200);
      expect(again.body.refresh_token).toBe(first.refresh_token);
    }
    expect(await generations(client)).toEqual([{ refresh_generation: 1 }]);
    expect((await app.refresh(client, String(first.refresh_token))).status).toBe(200);
    expect(await terminationsOf(app, account.id)).toEqual([]);
  });

  it('stolen token: after the grace the grant dies, it is recorded, and the client is told', async () => {
    const { account, client, tokens } = await signedIn({ backchannel_logout_uri: party.backchannelLogoutUri });
    const second = (await app.refresh(client, tokens.refresh_token)).body;
    app.clock.advance(app.settings.refreshGraceMs + SECOND);
    const again = await app.refresh(client, tokens.refresh_token);
    expect(again.status).toBe(400);
    expect(again.body.error).toBe('invalid_grant');
    await expectDead(client, second);
    expect(await terminationsOf(app, account.id)).toMatchObject([
      {
        cause: 'refresh_token_reuse',
        sessions: 0,
        grants_revoked: 1,
        deliveries: 1,
        initiator: { kind: 'client', client_id: client.clientId },
      },
    ]);
    const [received] = await party.waitFor(1);
    expect(received?.claims).toMatchObject({
      sub: account.id,
      sid: claimsOf(tokens.id_token).sid,
      aud: client.clientId,
    });
  });

  it('stolen token: once the successor was used, the old one kills the grant inside the grace too', async () => {
    const { account, client, tokens } = await signedIn();
    const second = (await app.refresh(client, tokens.refresh_token)).body;
    const third = (await app.refresh(client, String(second.refresh_token))).body;
    app.clock.advance(SECOND);
    expect((await app.refresh(client, tokens.refresh_token)).body.error).toBe('invalid_grant');
    await expectDead(client, third, second);
    expect((await terminationsOf(app, account.id)).map(({ cause }) => cause)).toEqual(['refresh_token_reuse']);
  });

  it('a repeat that asks for too much is refused and kills nothing', async () => {
    const { account, client, tokens } = await signedIn();
    const second = (await app.refresh(client, tokens.refresh_token)).body;
    expect((await app.refresh(client, tokens.refresh_token, { scope: 'openid phone' })).body.error).toBe(
      'invalid_scope',
    );
    expect((await app.refresh(client, String(second.refresh_token))).status).toBe(200);
    expect(await terminationsOf(app, account.id)).toEqual([]);
  });

  it('reuse in one grant leaves the person’s session and other grants alone', async () => {
    const account = await app.createAccount();
    const [client, other] = await Promise.all([app.createClient(), app.createClient()]);
    const browser = app.browser();
    const tokens = await app.signInTo(browser, client, account.login);
    const kept = await app.signInTo(browser, other, account.login);
    await app.refresh(client, tokens.refresh_token);
    app.clock.advance(app.settings.refreshGraceMs + SECOND);
    await app.refresh(client, tokens.refresh_token);
    expect(await app.isActive(other, kept.access_token)).toBe(true);
    expect((await browser.get(app.authorizeUrl(client, { prompt: 'none' }))).query.get('code')).not.toBeNull();
  });

  it('a token used again after its grant was revoked is refused and records nothing more', async () => {
    const { account, client, tokens } = await signedIn();
    await app.refresh(client, tokens.refresh_token);
    await app.form('/revoke', { token: tokens.refresh_token }, client);
    app.clock.advance(app.settings.refreshGraceMs + SECOND);
    expect((await app.refresh(client, tokens.refresh_token)).body.error).toBe('invalid_grant');
    expect(await terminationsOf(app, account.id)).toEqual([]);
  });

  it('race: 100 parallel refreshes of one token give at most one distinct successor (threat-model#reuse-race)', async () => {
    const { client, tokens } = await signedIn();
    const answers = await Promise.all(Array.from({ length: 100 }, () => app.refresh(client, tokens.refresh_token)));
    const won = answers.filter(({ status }) => status === 200);
    expect(won.length).toBeGreaterThan(0);
    expect(answers.filter(({ status }) => status !== 200 && status !== 400)).toEqual([]);
    expect(new Set(won.map(({ body }) => body.refresh_token)).size).toBe(1);
    expect(await generations(client)).toEqual([{ refresh_generation: 1 }]);
  });

  it('race: the old token and its successor in parallel end with one live chain or none (threat-model#reuse-race)', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { client, tokens } = await signedIn();
      const second = (await app.refresh(client, tokens.refresh_token)).body;
      await Promise.all(
        [tokens.refresh_token, String(second.refresh_token)].flatMap((token) =>
          Array.from({ length: 5 }, () => app.refresh(client, token)),
        ),
      );
      const [grant] = await app.db.query<{ refresh_generation: number }>(
        'SELECT refresh_generation FROM grants WHERE client_id = $1',
        [client.clientId],
      );
      // The first use, and at most one of its successor.
      expect([1, 2]).toContain(grant?.refresh_generation);
    }
  });
});
