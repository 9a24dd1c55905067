import { randomBytes, randomUUID } from 'node:crypto';
import { newSecret } from '../../src/platform/oidc/secret.js';
import { AccessTokenRepository } from '../../src/domain/tokens/access-token.repository.js';
import { GrantRepository } from '../../src/domain/tokens/grant.repository.js';
import { PresentedTokens } from '../../src/domain/tokens/presented-tokens.js';
import { RefreshTokenRepository } from '../../src/domain/tokens/refresh-token.repository.js';
import { TestApp, type Answer, type TestClient } from '../support/app.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { redeem, signOut, terminationsOf } from '../tokens/token-requests.js';

const ROUNDS = 15;

describe('tokens under races', () => {
  let app: TestApp;
  let other: TestApp;
  let party: StubRelyingParty;
  let grants: GrantRepository;
  let refreshTokens: RefreshTokenRepository;
  let presentedTokens: PresentedTokens;

  beforeAll(async () => {
    [app, party] = await Promise.all([TestApp.start(), StubRelyingParty.start()]);
    other = await TestApp.start({ issuer: app.issuer }, { db: app.db, clock: app.clock });
    grants = app.app.get(GrantRepository, { strict: false });
    refreshTokens = app.app.get(RefreshTokenRepository, { strict: false });
    presentedTokens = app.app.get(PresentedTokens, { strict: false });
  });
  afterAll(async () => {
    await other.stop();
    await Promise.all([app.stop(), party.stop()]);
  });

  async function signedIn(metadata: Record<string, unknown> = {}) {
    const client = await app.createClient(metadata);
    const account = await app.createAccount();
    const browser = app.browser();
    return { client, account, browser, tokens: await app.signInTo(browser, client, account.login) };
  }

  const minted = (answers: readonly Answer[]) => answers.filter(({ status }) => status === 200).map(({ body }) => body);

  async function expectAllDead(client: TestClient, tokens: readonly Record<string, unknown>[]) {
    for (const token of tokens.flatMap(({ access_token, refresh_token }) => [access_token, refresh_token])) {
      expect(await other.isActive(client, String(token))).toBe(false);
    }
    for (const { refresh_token } of tokens) {
      expect((await app.refresh(client, String(refresh_token))).body.error).toBe('invalid_grant');
    }
  }

  it('of 20 parallel rotations of one refresh token one stores its successor', async () => {
    const { client, tokens } = await signedIn();
    const presented = await presentedTokens.refreshToken(tokens.refresh_token);
    if (presented === undefined) throw new Error('no refresh token');
    const results = await Promise.all(
      Array.from({ length: 20 }, () =>
        refreshTokens.rotate({
          presented,
          clientId: client.clientId,
          scope: undefined,
          successorExpiresAt: app.clock.in(60_000),
          opaque: undefined,
        }),
      ),
    );
    expect(results.filter((result) => result !== undefined)).toHaveLength(1);
    expect(await app.db.query('SELECT refresh_generation FROM grants WHERE client_id = $1', [client.clientId])).toEqual(
      [{ refresh_generation: 1 }],
    );
  });

  it('of 20 parallel code exchanges one issues a refresh token and joins the session', async () => {
    const client = await app.createClient();
    const { login } = await app.createAccount();
    const code = await app.codeFor(app.browser(), client, login);
    const presented = await presentedTokens.code(code);
    if (presented === undefined) throw new Error('no code');
    const results = await Promise.all(
      Array.from({ length: 20 }, () =>
        grants.exchangeCode({
          ...presented,
          clientId: client.clientId,
          redirectUri: client.redirectUri,
          codeChallenge: undefined,
          newSid: newSecret(),
          refreshRootHash: randomBytes(32),
          refreshExpiresAt: app.clock.in(60_000),
          opaque: undefined,
        }),
      ),
    );
    const [won, ...more] = results.filter((result) => result !== undefined);
    expect(more).toEqual([]);
    const rows = await app.db.query<{ sid: string; client_count: number }>(
      'SELECT sc.sid, s.client_count FROM session_clients sc JOIN sessions s ON s.id = sc.session_id WHERE sc.client_id = $1',
      [client.clientId],
    );
    expect(rows).toEqual([{ sid: won?.grant.sid, client_count: 1 }]);
  });

  it('a client that joins a session by several codes at once has one sid and is counted once', async () => {
    const client = await app.createClient();
    const { login } = await app.createAccount();
    const browser = app.browser();
    const codes: string[] = [];
    for (let n = 0; n < 8; n += 1) codes.push(await app.codeFor(browser, client, login));
    const answers = await Promise.all(codes.map((code, n) => redeem(n % 2 === 0 ? app : other, client, code)));
    expect(answers.map(({ status }) => status)).toEqual(codes.map(() => 200));
    const rows = await app.db.query<{ client_count: number }>(
      'SELECT s.client_count FROM session_clients sc JOIN sessions s ON s.id = sc.session_id WHERE sc.client_id = $1',
      [client.clientId],
    );
    expect(rows).toEqual([{ client_count: 1 }]);
  });

  it.each(['jwt', 'opaque'])(
    'refresh against revoke: nothing minted is alive once the revocation was answered (threat-model#issued-during-a-revocation, %s)',
    async (format) => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const { client, tokens } = await signedIn({ access_token_format: format });
        const successor = (await app.refresh(client, tokens.refresh_token)).body;
        const refreshes = [app, other].flatMap((node) => [
          node.refresh(client, tokens.refresh_token),
          node.refresh(client, String(successor.refresh_token)),
        ]);
        const revocation = (round % 2 === 0 ? app : other).form('/revoke', { token: tokens.refresh_token }, client);
        const [revoked, ...answers] = await Promise.all([revocation, ...refreshes]);
        expect(revoked.status).toBe(200);
        await expectAllDead(client, [tokens as unknown as Record<string, unknown>, successor, ...minted(answers)]);
      }
    },
  );

  it('refresh against sign-out: nothing minted is alive once the sign-out was answered (threat-model#issued-during-a-revocation)', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const { client, account, browser, tokens } = await signedIn();
      const [, ...answers] = await Promise.all([
        signOut(browser),
        app.refresh(client, tokens.refresh_token),
        other.refresh(client, tokens.refresh_token),
      ]);
      await expectAllDead(client, [tokens as unknown as Record<string, unknown>, ...minted(answers)]);
      expect((await terminationsOf(app, account.id)).map(({ cause }) => cause)).toEqual(['end_session']);
    }
  });

  it('code exchange against sign-out: either there are no tokens, or they are dead and the client was told', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const client = await app.createClient({ backchannel_logout_uri: party.backchannelLogoutUri });
      const { login } = await app.createAccount();
      const browser = app.browser();
      const code = await app.codeFor(browser, client, login);
      const dialog = await browser.get('/session/end_session');
      const [answer] = await Promise.all([redeem(other, client, code), browser.submit(dialog, 'logout-yes')]);
      await app.sendDue();
      const told = party.received.filter(({ claims }) => claims.aud === client.clientId);
      expect(told).toHaveLength(answer.status === 200 ? 1 : 0);
      await expectAllDead(client, minted([answer]));
    }
  });

  it('several applications redeem their codes while the person signs out: each one that got tokens is told', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const { login } = await app.createAccount();
      const browser = app.browser();
      const clients: TestClient[] = [];
      const codes: string[] = [];
      for (let n = 0; n < 6; n += 1) {
        const client = await app.createClient({ backchannel_logout_uri: party.backchannelLogoutUri });
        clients.push(client);
        codes.push(await app.codeFor(browser, client, login));
      }
      const dialog = await browser.get('/session/end_session');
      const redemptions = clients.map((client, n) => redeem(n % 2 === 0 ? app : other, client, codes[n] ?? ''));
      const [answers] = await Promise.all([Promise.all(redemptions), browser.submit(dialog, 'logout-yes')]);
      await app.sendDue();
      for (const [n, client] of clients.entries()) {
        const told = party.received.filter(({ claims }) => claims.aud === client.clientId);
        expect(told).toHaveLength(answers[n]?.status === 200 ? 1 : 0);
        if (answers[n]?.status === 200) await expectAllDead(client, minted([answers[n]]));
      }
    }
  });

  it('an access token revoked twenty times at once is denied by one row', async () => {
    const repository = app.app.get(AccessTokenRepository, { strict: false });
    const [jti, accountId] = [newSecret(), randomUUID()];
    await Promise.all(
      Array.from({ length: 20 }, () => repository.deny({ accountId, jti, expiresAt: app.clock.in(60_000) })),
    );
    expect(await app.db.query('SELECT 1 FROM revoked_access_tokens WHERE jti = $1', [jti])).toHaveLength(1);
  });
});
