import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import { TestApp, type Answer, type TestClient } from '../support/app.js';
import { tokenState } from './token-requests.js';

const TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const MACHINE = {
  grant_types: ['client_credentials'],
  redirect_uris: [],
  scope: 'reports',
  token_endpoint_auth_method: 'private_key_jwt',
};

interface Key {
  readonly privateKey: CryptoKey;
  readonly jwk: JWK & { readonly kid: string };
}

async function aKey(alg = 'ES256'): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid: randomUUID(), alg } };
}

describe('private_key_jwt (OpenID Connect Core 1.0 §9, RFC 7523 §3)', () => {
  let app: TestApp;
  let other: TestApp;
  let published: Server;
  let publishedKeys: JWK[] = [];
  let fetches = 0;
  let key: Key;
  let client: TestClient;

  beforeAll(async () => {
    app = await TestApp.start();
    other = await TestApp.start({ issuer: app.issuer }, { db: app.db, clock: app.clock });
    published = createServer((_request, response) => {
      fetches += 1;
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: publishedKeys }));
    });
    await new Promise<void>((resolve) => published.listen(0, '127.0.0.1', resolve));
    key = await aKey();
    client = await app.createClient({ ...MACHINE, jwks: { keys: [key.jwk] } });
  });
  afterAll(async () => {
    await other.stop();
    await app.stop();
    await new Promise((resolve) => published.close(resolve));
  });

  const jwksUri = (): string => `http://127.0.0.1:${(published.address() as AddressInfo).port}/${randomUUID()}.json`;

  function assertion(
    claims: Record<string, unknown> = {},
    { by = key, header = {}, of = client }: { by?: Key; header?: Record<string, unknown>; of?: TestClient } = {},
  ): Promise<string> {
    const now = app.clock.seconds();
    const payload = {
      iss: of.clientId,
      sub: of.clientId,
      aud: app.issuer,
      jti: randomUUID(),
      iat: now,
      exp: now + 60,
      ...claims,
    };
    return new SignJWT(payload)
      .setProtectedHeader({ alg: String(by.jwk.alg), kid: by.jwk.kid, ...header })
      .sign(by.privateKey);
  }

  const ask = (client_assertion: string, fields: Record<string, string> = {}, at = app): Promise<Answer> =>
    at.form('/token', { grant_type: 'client_credentials', client_assertion, client_assertion_type: TYPE, ...fields });

  async function expectRefused(answer: Answer, before: Record<string, string>): Promise<void> {
    expect(answer.status).toBe(401);
    expect(answer.body.error).toBe('invalid_client');
    expect(await tokenState(app)).toEqual(before);
  }

  it('takes an assertion for the issuer, as one string', async () => {
    expect((await ask(await assertion({ aud: app.issuer }))).status).toBe(200);
  });

  const OLDER: [string, () => unknown][] = [
    ['the token endpoint', () => `${app.issuer}/token`],
    ['both', () => [app.issuer, `${app.issuer}/token`]],
    ['a list of the issuer alone', () => [app.issuer]],
    ['the issuer and somebody else', () => [app.issuer, 'https://other.example']],
  ];
  it.each([...OLDER, ['the issuer with a slash', () => `${app.issuer}/`], ['nobody', () => undefined]])(
    'refuses one for %s, which may be meant for another server (RFC 7523bis)',
    async (_what, aud) => {
      const before = await tokenState(app);
      await expectRefused(await ask(await assertion({ aud: aud() })), before);
    },
  );

  it('takes these of older libraries where the setting says so, and no others', async () => {
    const lenient = await TestApp.start(
      { issuer: app.issuer, acceptAssertionsForEndpoint: true },
      { db: app.db, clock: app.clock },
    );
    for (const [, aud] of OLDER) expect((await ask(await assertion({ aud: aud() }), {}, lenient)).status).toBe(200);
    for (const aud of ['https://other.example', `${app.issuer}/`, ['https://other.example']])
      expect((await ask(await assertion({ aud }), {}, lenient)).status).toBe(401);
    await lenient.stop();
  });

  describe('RSA keys', () => {
    /** An RSA key of any size and exponent: for registering it nobody needs the private one. */
    const rsa = (bits: number, exponent: bigint, leadingZeros = 0): JWK => ({
      kty: 'RSA',
      kid: randomUUID(),
      n: Buffer.concat([Buffer.alloc(leadingZeros), unsigned((1n << BigInt(bits - 1)) | 1n)]).toString('base64url'),
      e: unsigned(exponent).toString('base64url'),
    });
    function unsigned(value: bigint): Buffer {
      const hex = value.toString(16);
      return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
    }
    const F4 = 65537n;
    const register = async (jwk: unknown): Promise<Answer> =>
      app.json('POST', '/admin/v1/clients', {
        token: await app.adminToken(),
        body: { ...MACHINE, jwks: { keys: [jwk] } },
      });

    it.each<[string, unknown]>([
      ['an exponent as long as the modulus', rsa(3072, (1n << 3071n) | 1n)],
      ['an exponent above 2^32', rsa(2048, (1n << 32n) + 1n)],
      ['the exponent 1, which signs everything', rsa(2048, 1n)],
      ['the exponent 0', rsa(2048, 0n)],
      ['an even exponent', rsa(2048, 4n)],
      ['2047 bits', rsa(2047, F4)],
      ['4097 bits', rsa(4097, F4)],
      ['16384 bits', rsa(16384, F4)],
      ['512 bits after zeros', rsa(512, F4, 256)],
      ['no modulus', { kty: 'RSA', e: 'AQAB' }],
      ['no exponent', { kty: 'RSA', n: rsa(2048, F4).n }],
      ['a modulus that is a number', { kty: 'RSA', n: 5, e: 'AQAB' }],
      ['a modulus that is no base64url', { kty: 'RSA', n: '***', e: 'AQAB' }],
    ])('are refused with %s', async (_what, jwk) => {
      const answer = await register(jwk);
      expect([answer.status, answer.body.error]).toEqual([400, 'invalid_client_metadata']);
    });

    it.each([
      [2048, F4],
      [3072, 3n],
      [4096, (1n << 32n) - 1n],
    ])('of %s bits with the exponent %s are taken', async (bits, exponent) => {
      expect((await register(rsa(bits, exponent))).status).toBe(201);
    });

    it('beyond these bounds are not used either where a jwks_uri has them, or the registration from before', async () => {
      const huge = rsa(3072, (1n << 3071n) | 1n);
      const good = await aKey('RS256');
      publishedKeys = [huge, good.jwk];
      const fetched = await app.createClient({ ...MACHINE, jwks_uri: jwksUri() });
      const stored = await app.createClient({ ...MACHINE, jwks: { keys: [good.jwk] } });
      await app.db.query(
        `UPDATE clients SET metadata = jsonb_set(metadata, '{jwks,keys}', $2::jsonb) WHERE client_id = $1`,
        [stored.clientId, JSON.stringify([huge, good.jwk])],
      );
      for (const of of [fetched, stored]) {
        const before = await tokenState(app);
        const forged = await assertion({}, { by: good, of, header: { kid: huge.kid } });
        const asked = performance.now();
        await expectRefused(await ask(forged), before);
        expect(performance.now() - asked).toBeLessThan(5000);
        expect((await ask(await assertion({}, { by: good, of }))).status).toBe(200);
      }
    });
  });

  it.each(['RS256', 'PS256', 'EdDSA'])('takes %s', async (alg) => {
    const by = await aKey(alg);
    const of = await app.createClient({ ...MACHINE, jwks: { keys: [by.jwk] } });
    expect((await ask(await assertion({}, { by, of }))).status).toBe(200);
  });

  it.each<[string, Record<string, unknown> | (() => Record<string, unknown>)]>([
    ['another audience', { aud: 'https://other.example' }],
    ['another issuer', { iss: 'somebody' }],
    ['an unknown subject', { sub: 'somebody' }],
    ['no subject', { sub: undefined }],
    ['no jti', { jti: undefined }],
    ['no exp', { exp: undefined }],
    ['a past exp', () => ({ exp: app.clock.seconds() - 60 })],
    ['an exp two hours ahead', () => ({ exp: app.clock.seconds() + 7200 })],
    ['an nbf ten minutes ahead', () => ({ nbf: app.clock.seconds() + 600 })],
  ])('refuses an assertion with %s', async (_what, claims) => {
    const before = await tokenState(app);
    await expectRefused(await ask(await assertion(typeof claims === 'function' ? claims() : claims)), before);
  });

  it('stolen identity: refuses an assertion about another client, signed with one’s own key', async () => {
    const victim = await app.createClient({ ...MACHINE, jwks: { keys: [(await aKey()).jwk] } });
    const before = await tokenState(app);
    await expectRefused(await ask(await assertion({ sub: victim.clientId })), before);
    await expectRefused(await ask(await assertion({ iss: victim.clientId, sub: victim.clientId })), before);
    await expectRefused(await ask(await assertion(), { client_id: victim.clientId }), before);
  });

  it('refuses a key that is not registered, under the kid of one that is', async () => {
    const before = await tokenState(app);
    const forged = { privateKey: (await aKey()).privateKey, jwk: key.jwk };
    await expectRefused(await ask(await assertion({}, { by: forged })), before);
  });

  it('refuses alg none, and HS256 with the public key as its secret (threat-model#unsigned-tokens)', async () => {
    const before = await tokenState(app);
    const claims = (await assertion()).split('.')[1];
    const none = Buffer.from(JSON.stringify({ alg: 'none', kid: key.jwk.kid })).toString('base64url');
    await expectRefused(await ask(`${none}.${claims}.`), before);
    const now = app.clock.seconds();
    const confused = await new SignJWT({
      iss: client.clientId,
      sub: client.clientId,
      aud: app.issuer,
      jti: 'x',
      exp: now + 60,
    })
      .setProtectedHeader({ alg: 'HS256', kid: key.jwk.kid })
      .sign(new TextEncoder().encode(JSON.stringify(key.jwk)));
    await expectRefused(await ask(confused), before);
    await expectRefused(await ask('no.jwt'), before);
  });

  it('refuses another algorithm than the registered one', async () => {
    const [rsa, ec] = await Promise.all([aKey('RS256'), aKey('ES256')]);
    const of = await app.createClient({
      ...MACHINE,
      token_endpoint_auth_signing_alg: 'ES256',
      jwks: { keys: [rsa.jwk, ec.jwk] },
    });
    expect((await ask(await assertion({}, { by: ec, of }))).status).toBe(200);
    const before = await tokenState(app);
    await expectRefused(await ask(await assertion({}, { by: rsa, of })), before);
  });

  it('replay: an assertion is good once, on any node (threat-model#assertion-replay)', async () => {
    const once = await assertion();
    expect((await ask(once)).status).toBe(200);
    const before = await tokenState(app);
    await expectRefused(await ask(once), before);
    await expectRefused(await ask(once, {}, other), before);
  });

  it('replay race: of 20 parallel uses on two nodes exactly one succeeds (threat-model#assertion-replay)', async () => {
    const once = await assertion();
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => ask(once, {}, n % 2 === 0 ? app : other)));
    expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([
      200,
      ...Array.from({ length: 19 }, () => 401),
    ]);
  });

  it('two clients may use the same jti', async () => {
    const of = await app.createClient({ ...MACHINE, jwks: { keys: [key.jwk] } });
    expect((await ask(await assertion({ jti: 'same' }))).status).toBe(200);
    expect((await ask(await assertion({ jti: 'same' }, { of }))).status).toBe(200);
  });

  it('refuses another or no client_assertion_type, and an assertion beside a secret', async () => {
    const wrong: Record<string, string>[] = [
      { client_assertion_type: 'saml' },
      { client_assertion_type: '' },
      { client_secret: 'x' },
    ];
    for (const fields of wrong) {
      const answer = await ask(await assertion(), fields);
      expect(answer.status).toBe(400);
      expect(answer.body.error).toBe('invalid_request');
    }
  });

  it('refuses an assertion from a client that registered a secret, and a secret from one that registered keys', async () => {
    const secretClient = await app.createClient({
      grant_types: ['client_credentials'],
      redirect_uris: [],
      scope: 'reports',
    });
    const before = await tokenState(app);
    await expectRefused(await ask(await assertion({}, { of: secretClient })), before);
    await expectRefused(
      await app.form('/token', { grant_type: 'client_credentials' }, { ...client, clientSecret: 'x' }),
      before,
    );
  });

  it('reads jwks_uri once, and again for an unknown kid, but not at every forged one', async () => {
    const start = app.clock.steady();
    const steady = vi.spyOn(app.clock, 'steady').mockReturnValue(start);
    try {
      const [first, second] = await Promise.all([aKey(), aKey()]);
      publishedKeys = [first.jwk];
      fetches = 0;
      const of = await app.createClient({ ...MACHINE, jwks_uri: jwksUri() });
      expect((await ask(await assertion({}, { by: first, of }))).status).toBe(200);
      expect((await ask(await assertion({}, { by: first, of }))).status).toBe(200);
      expect(fetches).toBe(1);

      publishedKeys = [first.jwk, second.jwk];
      expect((await ask(await assertion({}, { by: second, of }))).status).toBe(401);
      expect(fetches).toBe(1);
      steady.mockReturnValue(start + 11_000);
      expect((await ask(await assertion({}, { by: second, of }))).status).toBe(200);
      expect(fetches).toBe(2);
      const stranger = await aKey();
      for (const _again of [1, 2, 3]) expect((await ask(await assertion({}, { by: stranger, of }))).status).toBe(401);
      expect(fetches).toBe(2);
    } finally {
      steady.mockRestore();
    }
  });

  it('a burst of assertions asks jwks_uri once', async () => {
    const by = await aKey();
    publishedKeys = [by.jwk];
    fetches = 0;
    const of = await app.createClient({ ...MACHINE, jwks_uri: jwksUri() });
    const answers = await Promise.all(Array.from({ length: 20 }, async () => ask(await assertion({}, { by, of }))));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(fetches).toBe(1);
  });

  it.each([
    ['answers nonsense', '{"keys": 1}', 200],
    ['answers 500', '{}', 500],
  ])('refuses the client, and does not fail itself, when its jwks_uri %s', async (_what, body, status) => {
    const broken = createServer((_request, response) => response.writeHead(status).end(body));
    await new Promise<void>((resolve) => broken.listen(0, '127.0.0.1', resolve));
    try {
      const uri = `http://127.0.0.1:${(broken.address() as AddressInfo).port}/jwks.json`;
      const of = await app.createClient({ ...MACHINE, jwks_uri: uri });
      const before = await tokenState(app);
      await expectRefused(await ask(await assertion({}, { of })), before);
    } finally {
      await new Promise((resolve) => broken.close(resolve));
    }
  });
});
