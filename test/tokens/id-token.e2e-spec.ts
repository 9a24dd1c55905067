import { createHash } from 'node:crypto';
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { TestApp } from '../support/app.js';
import { HOUR, SECOND } from '../support/clock.js';
import { claimsOf } from './token-requests.js';

describe('ID tokens (OpenID Connect Core 1.0 §2)', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.stop());

  it('says who, for whom, since when and in which session, and nothing about the person (§2, §5.4)', async () => {
    const account = await app.createAccount(undefined, { given_name: 'Mia', phone_number: '+49 1' });
    const client = await app.createClient();
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
      sid: expect.stringMatching(/^[\w-]{32}$/),
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
});
