import { createHash } from 'node:crypto';
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { ClientsService } from '../../src/domain/clients/clients.service.js';
import { TestApp, type TestClient } from '../support/app.js';
import { HOUR, SECOND } from '../support/clock.js';
import { claimsOf } from './token-requests.js';

describe('ID tokens (OpenID Connect Core 1.0 §2)', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.stop());

  it('says who, for whom, since when and in which session, and by the strict reading nothing else (§2, §5.4)', async () => {
    const account = await app.createAccount(undefined, { given_name: 'Mia', phone_number: '+49 1' });
    const client = await app.createClient({ id_token_claims: 'conform' });
    const browser = app.browser();
    const signedInAt = app.clock.seconds();
    await app.signInTo(browser, await app.createClient(), account.login);
    app.clock.advance(90 * SECOND);
    const tokens = await app.signInTo(browser, client, account.login, {
      scope: 'openid profile email phone',
      nonce: 'n-0S6_WzA2Mj',
    });
    const now = app.clock.seconds();
    expect(claimsOf(tokens.id_token)).toEqual({
      iss: app.issuer,
      sub: account.id,
      aud: client.clientId,
      iat: now,
      exp: now + app.settings.idTokenTtlSeconds,
      auth_time: signedInAt,
      acr: 'urn:exeunt:acr:password',
      amr: ['pwd'],
      nonce: 'n-0S6_WzA2Mj',
      sid: expect.stringMatching(/^[\w-]{48}$/),
      at_hash: expect.any(String),
    });
  });

  it('has no nonce where the request had none', async () => {
    const account = await app.createAccount();
    const tokens = await app.signInTo(app.browser(), await app.createClient(), account.login);
    expect(claimsOf(tokens.id_token)).not.toHaveProperty('nonce');
  });

  it('carries a claim that the claims parameter asks for there, and lets none replace a protocol claim (§5.5)', async () => {
    const account = await app.createAccount(undefined, { given_name: 'Mia' });
    const claims = JSON.stringify({
      id_token: { given_name: null, iss: { value: 'https://evil.example' }, sid: null, exp: { value: 1 } },
    });
    const tokens = await app.signInTo(app.browser(), await app.createClient(), account.login, { claims });
    expect(claimsOf(tokens.id_token)).toMatchObject({
      given_name: 'Mia',
      iss: app.issuer,
      sid: expect.stringMatching(/./),
    });
    expect(claimsOf(tokens.id_token)).not.toHaveProperty('name');
    expect(claimsOf(tokens.id_token).exp).toBe(app.clock.seconds() + app.settings.idTokenTtlSeconds);
  });

  it.each([
    ['RS256', undefined, 'sha256'],
    ['RS256', 'RS256', 'sha256'],
    ['ES256', 'ES256', 'sha256'],
    ['EdDSA', 'EdDSA', 'sha512'],
  ])(
    'is signed with %s when %s is registered, by a published key (§15.1), with its at_hash (§3.1.3.6)',
    async (alg, registered, digest) => {
      const account = await app.createAccount();
      const client = await app.createClient(
        registered === undefined ? {} : { id_token_signed_response_alg: registered },
      );
      const tokens = await app.signInTo(app.browser(), client, account.login);
      const header = decodeProtectedHeader(tokens.id_token);
      const { keys } = (await app.json('GET', '/jwks')).body as { keys: { kid: string; alg: string }[] };
      expect(header).toEqual({ alg, typ: 'JWT', kid: keys.find((key) => key.alg === alg)?.kid });
      const { payload } = await jwtVerify(tokens.id_token, createRemoteJWKSet(new URL(`${app.issuer}/jwks`)), {
        issuer: app.issuer,
        audience: client.clientId,
        algorithms: [alg],
        currentDate: app.clock.now(),
      });
      const hash = createHash(digest).update(tokens.access_token).digest();
      expect(payload.at_hash).toBe(hash.subarray(0, hash.length / 2).toString('base64url'));
    },
  );

  it('keeps one sid for a client in a session, across codes and refreshes, and another one for another client', async () => {
    const account = await app.createAccount();
    const [a, b] = await Promise.all([app.createClient(), app.createClient()]);
    const browser = app.browser();
    const first = await app.signInTo(browser, a, account.login);
    const second = await app.signInTo(browser, a, account.login);
    const refreshed = (await app.refresh(a, first.refresh_token)).body;
    const { sid } = claimsOf(first.id_token);
    expect(claimsOf(second.id_token).sid).toBe(sid);
    expect(claimsOf(refreshed.id_token).sid).toBe(sid);
    expect(claimsOf(refreshed.access_token).sid).toBe(sid);
    expect(claimsOf((await app.signInTo(browser, b, account.login)).id_token).sid).not.toBe(sid);
    expect(claimsOf((await app.signInTo(app.browser(), a, account.login)).id_token).sid).not.toBe(sid);
  });

  it('keeps auth_time and sid at a refresh, and issues no nonce there (§12.2)', async () => {
    const account = await app.createAccount();
    const client = await app.createClient();
    const tokens = await app.signInTo(app.browser(), client, account.login, { nonce: 'n1' });
    const before = claimsOf(tokens.id_token);
    app.clock.advance(HOUR);
    const after = claimsOf((await app.refresh(client, tokens.refresh_token)).body.id_token);
    expect(after).toMatchObject({
      iss: before.iss,
      sub: before.sub,
      aud: before.aud,
      auth_time: before.auth_time,
      sid: before.sid,
    });
    expect(after.iat).toBe(before.iat! + 3600);
    expect(after).not.toHaveProperty('nonce');
  });

  it('comes with no token when openid was not asked for', async () => {
    const account = await app.createAccount();
    const client = await app.createClient({ scope: 'reports' });
    const tokens = await app.signInTo(app.browser(), client, account.login, { scope: 'reports' });
    expect(tokens).not.toHaveProperty('id_token');
    expect((await app.refresh(client, tokens.refresh_token)).body).not.toHaveProperty('id_token');
  });

  describe('claims of the person', () => {
    const PROTOCOL = ['iss', 'sub', 'aud', 'exp', 'iat', 'auth_time', 'acr', 'amr', 'sid', 'at_hash'];
    const CLAIMS = { given_name: 'Mia', email_verified: true, phone_number: '+49 1', address: { country: 'DE' } };
    const PROFILE = ['name', 'given_name', 'preferred_username', 'updated_at'];
    const EMAIL = ['email', 'email_verified'];
    const clients: Record<string, () => Promise<TestClient>> = {
      'an administrator registered': () => app.createClient(),
      'an administrator registered as strict': () => app.createClient({ id_token_claims: 'conform' }),
      'registered itself': () => selfRegistered({}),
      'registered itself and asked for them': () => selfRegistered({ id_token_claims: 'scope' }),
    };

    async function selfRegistered(metadata: object): Promise<TestClient> {
      const redirectUri = 'http://127.0.0.1:9/callback';
      const { status, body } = await app.json('POST', '/register', {
        token: await app.adminToken(),
        body: { redirect_uris: [redirectUri], grant_types: ['authorization_code', 'refresh_token'], ...metadata },
      });
      expect(status).toBe(201);
      return { clientId: String(body.client_id), clientSecret: String(body.client_secret), redirectUri };
    }

    const told = (idToken: unknown) =>
      Object.keys(claimsOf(idToken)).filter((name) => !PROTOCOL.includes(name) && name !== 'nonce');

    it.each([
      ['an administrator registered', 'openid profile email', [...PROFILE, ...EMAIL]],
      ['an administrator registered', 'openid email', EMAIL],
      ['an administrator registered', 'openid phone address', ['address', 'phone_number']],
      ['an administrator registered', 'openid', []],
      ['an administrator registered as strict', 'openid profile email', []],
      ['registered itself', 'openid profile email', []],
      ['registered itself and asked for them', 'openid profile email', [...PROFILE, ...EMAIL]],
    ])(
      'of a client that %s: for %j %j, also after a refresh, and userinfo says no less',
      async (who, scope, expected) => {
        const client = await clients[who]!();
        const account = await app.createAccount(undefined, CLAIMS);
        const tokens = await app.signInTo(app.browser(), client, account.login, { scope });
        const refreshed = (await app.refresh(client, tokens.refresh_token)).body;
        for (const idToken of [tokens.id_token, refreshed.id_token])
          expect(told(idToken).sort()).toEqual(expected.sort());
        const userinfo = (await app.json('GET', '/userinfo', { token: tokens.access_token })).body;
        expect(userinfo).toMatchObject(
          Object.fromEntries(expected.map((name) => [name, claimsOf(tokens.id_token)[name]])),
        );
      },
    );

    it('follow the scope to which a refresh is narrowed', async () => {
      const client = await app.createClient();
      const { login } = await app.createAccount(undefined, CLAIMS);
      const tokens = await app.signInTo(app.browser(), client, login, { scope: 'openid profile email' });
      const refreshed = await app.refresh(client, tokens.refresh_token, { scope: 'openid email' });
      expect(told(refreshed.body.id_token).sort()).toEqual(EMAIL);
    });

    it('are what they are today when the token is refreshed', async () => {
      const client = await app.createClient();
      const { id, login } = await app.createAccount(undefined, CLAIMS);
      const tokens = await app.signInTo(app.browser(), client, login, { scope: 'openid profile' });
      const body = { claims: { name: 'Mia Other' } };
      await app.json('PATCH', `/admin/v1/accounts/${id}`, { token: await app.adminToken(), body });
      expect(claimsOf((await app.refresh(client, tokens.refresh_token)).body.id_token).name).toBe('Mia Other');
    });

    it('asked for by name are there by the strict reading too (§5.5)', async () => {
      const client = await app.createClient({ id_token_claims: 'conform' });
      const { login } = await app.createAccount(undefined, CLAIMS);
      const claims = JSON.stringify({ id_token: { given_name: null } });
      const tokens = await app.signInTo(app.browser(), client, login, { scope: 'openid email', claims });
      expect(told(tokens.id_token)).toEqual(['given_name']);
    });

    it('keep the token short enough for a URL: long ones are left to userinfo, and none is cut', async () => {
      const long = 'ü'.repeat(900);
      const { login } = await app.createAccount(undefined, { ...CLAIMS, picture: long, profile: long, website: long });
      const client = await app.createClient({ post_logout_redirect_uris: ['http://127.0.0.1:9/bye'] });
      const browser = app.browser();
      const tokens = await app.signInTo(browser, client, login, { scope: 'openid profile email' });
      expect(tokens.id_token.length).toBeLessThan(4096);
      expect(told(tokens.id_token)).toEqual(expect.arrayContaining([...PROFILE, ...EMAIL]));
      const { picture, profile, website } = claimsOf(tokens.id_token);
      const fitting = [picture, profile, website].filter((value) => value !== undefined);
      expect(fitting).toEqual([long]);
      const userinfo = (await app.json('GET', '/userinfo', { token: tokens.access_token })).body;
      expect(userinfo).toMatchObject({ picture: long, profile: long, website: long });

      const hint = new URLSearchParams({ id_token_hint: tokens.id_token });
      expect((await browser.get(`/session/end_session?${hint}`)).status).toBe(200);
    });

    it('of clients from before: as the installation says, and strict where they registered themselves', async () => {
      const itself = await selfRegistered({});
      await app.db.query(`UPDATE clients SET metadata = metadata - 'id_token_claims' WHERE client_id = $1`, [
        itself.clientId,
      ]);
      app.app.get(ClientsService).forget(itself.clientId);
      const account = await app.createAccount();
      const tokens = await app.signInTo(app.browser(), itself, account.login, { scope: 'openid profile' });
      expect(told(tokens.id_token)).toEqual([]);

      const strict = await TestApp.start({ idTokenClaims: 'conform' });
      try {
        const { login } = await strict.createAccount();
        const told2 = async (metadata: object) =>
          told(
            (
              await strict.signInTo(strict.browser(), await strict.createClient({ ...metadata }), login, {
                scope: 'openid email',
              })
            ).id_token,
          );
        expect(await told2({})).toEqual([]);
        expect(await told2({ id_token_claims: 'scope' })).toEqual(['email']);
      } finally {
        await strict.stop();
      }
    });
  });
});
