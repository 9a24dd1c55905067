import { TestApp, type Answer, type TestClient, type Tokens } from '../support/app.js';
import { stoppedAt, untilWaiting } from '../support/locks.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { clientOf, deliveriesTo, someoneAt } from '../back-channel-logout/scene.js';
import { promptNone } from '../rp-initiated-logout/end-session.js';
import { redeem } from '../tokens/token-requests.js';
import { placed, progressOf, runJob } from './scene.js';

/**
 * Requests that are within their statement when an order is answered: they began before it. Each is stopped by a trigger
 * when it has seen the database and is about to write.
 */
describe('requests under way when an order is answered', () => {
  let app: TestApp;
  let other: TestApp;
  let party: StubRelyingParty;
  let ledger: TestClient;

  beforeAll(async () => {
    [app, party] = await Promise.all([TestApp.start(), StubRelyingParty.start()]);
    other = await TestApp.start({ issuer: app.issuer }, { db: app.db, clock: app.clock });
  });
  afterAll(async () => {
    await other.stop();
    await Promise.all([app.stop(), party.stop()]);
  });
  beforeEach(async () => {
    await app.db.query('DELETE FROM sessions');
    ledger = await clientOf(app, party);
  });

  async function expectDead(tokens: Tokens, client = ledger): Promise<void> {
    for (const node of [app, other]) {
      expect(await node.isActive(client, tokens.access_token)).toBe(false);
      expect(await node.isActive(client, tokens.refresh_token)).toBe(false);
      expect((await node.json('GET', '/userinfo', { token: tokens.access_token })).status).toBe(401);
      expect((await node.refresh(client, tokens.refresh_token)).body.error).toBe('invalid_grant');
    }
  }

  const tokensOf = (answer: Answer): Tokens => {
    expect(answer.status).toBe(200);
    return answer.body as unknown as Tokens;
  };

  it('a sign-in: its session is dead when it begins, its code is worth nothing, and the next one lives', async () => {
    const { id, login } = await app.createAccount();
    const browser = app.browser();
    const form = await browser.get(app.authorizeUrl(ledger));
    const page = await stoppedAt(
      app.db,
      'sessions',
      () => app.signIn(browser, form, login),
      () => placed(other, { account_id: id }),
    );
    const code = page.query.get('code') ?? '';
    expect({ status: page.status, code: code.length > 0 }).toEqual({ status: 303, code: true });
    for (const node of [app, other]) expect((await redeem(node, ledger, code)).body.error).toBe('invalid_grant');
    expect(await promptNone(app, browser, ledger)).toBe('login_required');
    const tokens = await app.signInTo(browser, ledger, login);
    expect(await other.isActive(ledger, tokens.access_token)).toBe(true);
  });

  it.each(['account_id', 'client_id', 'everyone'])(
    'an authorization (%s): its code is worth nothing',
    async (target) => {
      const mia = await someoneAt(app, [ledger]);
      const code = await stoppedAt(
        app.db,
        'grants',
        () => app.codeFor(mia.browser, ledger, mia.login),
        () => placed(other, bodyOf(target, mia.accountId)),
      );
      for (const node of [app, other]) expect((await redeem(node, ledger, code)).body.error).toBe('invalid_grant');
    },
  );

  it.each(['account_id', 'client_id', 'everyone'])(
    'a code exchange (%s): its tokens are dead when they are answered, and the application is told',
    async (target) => {
      const { id, login } = await app.createAccount();
      const browser = app.browser();
      const code = await app.codeFor(browser, ledger, login);
      let job = Promise.resolve();
      let orderId = '';
      const answer = await stoppedAt(
        app.db,
        'session_clients',
        () => redeem(app, ledger, code),
        async () => {
          orderId = await placed(other, bodyOf(target, id));
          // The job comes to the session, or to the grant, and waits: the application is not in it yet.
          job = runJob(other);
          await untilWaiting(app.db, 2);
        },
      );
      await expectDead(tokensOf(answer));
      await job;
      expect(await deliveriesTo(app, ledger.clientId)).toHaveLength(1);
      expect((await progressOf(app, orderId)).applications).toMatchObject([
        { client_id: ledger.clientId, deliveries: 1 },
      ]);
      await app.sendDue();
      expect(party.received.filter(({ claims }) => claims.aud === ledger.clientId)).toHaveLength(1);
    },
  );

  it.each(['account_id', 'client_id', 'everyone'])(
    'a refresh (%s): what it answers is dead, also when the job came before it had written',
    async (target) => {
      // What is stored for an opaque token is written after the grant's row, which is locked by then.
      const opaque = await app.createClient({ access_token_format: 'opaque' });
      const mia = await someoneAt(app, [opaque], { scope: 'openid offline_access', prompt: 'consent' });
      let job = Promise.resolve();
      const answer = await stoppedAt(
        app.db,
        'opaque_access_tokens',
        () => app.refresh(opaque, mia.tokens[0]!.refresh_token),
        async () => {
          await placed(other, bodyOf(target, mia.accountId, opaque));
          job = runJob(other);
          await untilWaiting(app.db, 2);
        },
      );
      await expectDead(tokensOf(answer), opaque);
      await job;
      await expectDead(tokensOf(answer), opaque);
      const grants = await app.db.query('SELECT revoked_cause FROM grants WHERE account_id = $1', [mia.accountId]);
      expect(grants).toEqual([{ revoked_cause: 'logout_order' }]);
    },
  );

  function bodyOf(target: string, accountId: string, client = ledger): Record<string, unknown> {
    if (target === 'everyone') return { everyone: true };
    return { [target]: target === 'client_id' ? client.clientId : accountId };
  }
});
