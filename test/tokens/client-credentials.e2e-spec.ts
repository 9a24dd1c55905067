import { createRemoteJWKSet, jwtVerify } from 'jose';
import { TestApp } from '../support/app.js';
import { claimsOf, tokenState } from './token-requests.js';

const MACHINE = { grant_types: ['client_credentials'], redirect_uris: [], scope: 'openid reports:read reports:write' };

describe('client_credentials (RFC 6749 §4.4)', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.stop());

  const ask = (client: { clientId: string; clientSecret: string }, fields: Record<string, string> = {}) =>
    app.form('/token', { grant_type: 'client_credentials', ...fields }, client);

  it('gives a JWT about the client itself, no refresh token and no ID token (RFC 9068 §2.2)', async () => {
    const client = await app.createClient(MACHINE);
    const before = await tokenState(app);
    const { status, body } = await ask(client);
    expect(status).toBe(200);
    expect(body).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 600,
      scope: 'reports:read reports:write',
    });
    expect(await tokenState(app)).toEqual(before);
    const { payload, protectedHeader } = await jwtVerify(
      String(body.access_token),
      createRemoteJWKSet(new URL(`${app.issuer}/jwks`)),
      {
        currentDate: app.clock.now(),
      },
    );
    expect(protectedHeader).toMatchObject({ typ: 'at+jwt', alg: 'ES256' });
    expect(payload).toEqual({
      iss: app.issuer,
      sub: client.clientId,
      aud: app.issuer,
      client_id: client.clientId,
      iat: app.clock.seconds(),
      exp: app.clock.seconds() + 600,
      jti: expect.any(String),
      scope: 'reports:read reports:write',
    });
    expect(await app.isActive(client, String(body.access_token))).toBe(true);
  });

  it('narrows to the scope that is asked for', async () => {
    const { body } = await ask(await app.createClient(MACHINE), { scope: 'reports:read' });
    expect(body.scope).toBe('reports:read');
    expect(claimsOf(body.access_token).scope).toBe('reports:read');
  });

  it.each(['reports:delete', 'reports:read exeunt:admin', 'openid', 'offline_access'])(
    'refuses the scope %j: not registered, or about a person who is not there',
    async (scope) => {
      const { status, body } = await ask(await app.createClient(MACHINE), { scope });
      expect(status).toBe(400);
      expect(body).toEqual({ error: 'invalid_scope', error_description: expect.any(String) });
    },
  );

  it('refuses a client that is not registered for it', async () => {
    const { status, body } = await ask(await app.createClient());
    expect(status).toBe(400);
    expect(body.error).toBe('unauthorized_client');
  });

  it('is no token for the admin API without its scope, nor for userinfo', async () => {
    const { body } = await ask(await app.createClient(MACHINE));
    const token = String(body.access_token);
    expect((await app.json('GET', '/admin/v1/keys', { token })).status).toBe(403);
    expect((await app.json('GET', '/userinfo', { token })).status).toBe(403);
  });

  it('takes its audience from the registration', async () => {
    const audience = ['https://api.example.com', 'https://other.example.com'];
    const { body } = await ask(await app.createClient({ ...MACHINE, audience }));
    expect(claimsOf(body.access_token).aud).toEqual(audience);
  });

  it('dies with its client', async () => {
    const client = await app.createClient(MACHINE);
    const asker = await app.createClient({ resource_server: true });
    const { body } = await ask(client);
    expect(await app.isActive(asker, String(body.access_token))).toBe(true);
    expect(
      (await app.json('DELETE', `/admin/v1/clients/${client.clientId}`, { token: await app.adminToken() })).status,
    ).toBeLessThan(300);
    expect(await app.isActive(asker, String(body.access_token))).toBe(false);
    expect((await ask(client)).status).toBe(401);
  });
});
