import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { ClientsService } from '../../src/domain/clients/clients.service.js';
import { ADMIN, basic, TestApp, type Answer } from '../support/app.js';
import { MINUTE } from '../support/clock.js';
import { holding, untilWaiting } from '../support/locks.js';

const LIMIT = 4;

describe('guesses at a client’s secret', () => {
  let app: TestApp;
  const admin = { clientId: ADMIN.clientId, clientSecret: ADMIN.clientSecret };
  const wrong = (n: number) => ({ clientId: ADMIN.clientId, clientSecret: `guess-number-${n}-of-many` });

  beforeAll(async () => {
    app = await TestApp.start({ trustProxy: 'loopback', clientAuthenticationFailuresPerMinute: LIMIT });
  });
  afterAll(() => app.stop());
  beforeEach(async () => {
    await app.db.query('TRUNCATE rate_limits, audit_events');
    app.clock.advance(2 * MINUTE);
  });

  const from = (address: string): Record<string, string> => ({ 'x-forwarded-for': address });
  const ask = (path: string, client: { clientId: string; clientSecret: string }, address = '192.0.2.1') =>
    app.form(path, { grant_type: 'client_credentials', token: 'x' }, client, from(address));

  const SURFACES: ReadonlyArray<
    readonly [name: string, send: (client: { clientId: string; clientSecret: string }) => Promise<Answer>]
  > = [
    ['/token', (client) => ask('/token', client)],
    ['/revoke', (client) => ask('/revoke', client)],
    ['/introspect', (client) => ask('/introspect', client)],
    [
      '/token by form',
      ({ clientId, clientSecret }) =>
        app.form(
          '/token',
          { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret },
          undefined,
          from('192.0.2.1'),
        ),
    ],
    [
      '_security',
      async (client) => {
        const response = await fetch(`${app.issuer}/_security/_authenticate`, {
          headers: { authorization: basic(client), ...from('192.0.2.1') },
        });
        return { status: response.status, headers: response.headers, text: '', body: {} };
      },
    ],
  ];

  it.each(SURFACES)(
    '%s: after as many as are allowed not even the right one is looked at, for a minute',
    async (_, send) => {
      for (let n = 0; n < LIMIT; n += 1) expect((await send(wrong(n))).status).toBe(401);
      const refused = await send(admin);
      expect([refused.status, Number(refused.headers.get('retry-after')) > 0]).toEqual([429, true]);
      // Somebody else is not held up.
      expect((await ask('/token', admin, '198.51.100.7')).status).toBe(200);
      app.clock.advance(2 * MINUTE);
      expect((await send(admin)).status).not.toBe(429);
    },
  );

  it('the surfaces share one count', async () => {
    for (const [n, [, send]] of SURFACES.slice(0, LIMIT).entries()) expect((await send(wrong(n))).status).toBe(401);
    for (const [, send] of SURFACES) expect((await send(admin)).status).toBe(429);
  });

  it('however many come at once, no more are looked at', async () => {
    const answers = await Promise.all(Array.from({ length: 60 }, (_, n) => ask('/token', wrong(n))));
    const count = (status: number): number => answers.filter((answer) => answer.status === status).length;
    expect([count(401), count(429)]).toEqual([LIMIT, 60 - LIMIT]);
  });

  it('whoever is right is never held up, however many ask at once', async () => {
    const answers = await Promise.all(Array.from({ length: 60 }, () => ask('/token', admin)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(60);
    expect(await app.db.query('SELECT 1 FROM rate_limits')).toEqual([]);
  });

  it('nor when all of them have waited for storage, and are looked at in one turn', async () => {
    // As after a lost change feed, twice: what is remembered of the client is read again, and what is being read is not kept.
    const forget = (): void => app.app.get(ClientsService).forget(ADMIN.clientId);
    forget();
    const asked = await holding(app.db, 'LOCK TABLE clients IN ACCESS EXCLUSIVE MODE', [], async () => {
      const asking = Array.from({ length: 60 }, () => ask('/token', admin));
      await untilWaiting(app.db);
      forget();
      return asking;
    });
    expect((await Promise.all(asked)).filter(({ status }) => status === 200)).toHaveLength(60);
    expect(await app.db.query('SELECT 1 FROM rate_limits')).toEqual([]);
  });

  it('nor those who prove themselves by an assertion, which takes a round trip', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
    const { clientId } = await app.createClient({
      grant_types: ['client_credentials'],
      redirect_uris: [],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: '1', alg: 'ES256' }] },
    });
    const assertion = (n: number): Promise<string> =>
      new SignJWT({ iss: clientId, sub: clientId, aud: app.issuer, jti: `jti-${n}`, exp: app.clock.seconds() + 60 })
        .setProtectedHeader({ alg: 'ES256', kid: '1' })
        .sign(privateKey);
    const answers = await Promise.all(
      Array.from({ length: 40 }, async (_, n) =>
        app.form(
          '/token',
          {
            grant_type: 'client_credentials',
            client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
            client_assertion: await assertion(n),
          },
          undefined,
          from('192.0.2.1'),
        ),
      ),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(40);
  });

  it('one network that guesses at many clients is stopped as well, and a /64 is one network', async () => {
    const statuses: number[] = [];
    for (let n = 0; n < 5 * LIMIT + 3; n += 1)
      statuses.push(
        (await ask('/token', { clientId: `client-${n}`, clientSecret: 'x' }, `2001:db8::${n.toString(16)}`)).status,
      );
    expect(statuses.filter((status) => status === 401)).toHaveLength(5 * LIMIT);
    expect(statuses.slice(-3)).toEqual([429, 429, 429]);
  });

  it('holds on the next node, which needs one guess to find out', async () => {
    const node = await TestApp.start(
      { trustProxy: 'loopback', clientAuthenticationFailuresPerMinute: LIMIT },
      { db: app.db, clock: app.clock },
    );
    for (let n = 0; n < LIMIT; n += 1) await ask('/token', wrong(n));
    const there = (client: typeof admin) =>
      node.form('/token', { grant_type: 'client_credentials' }, client, from('192.0.2.1'));
    expect((await there(wrong(9))).status).toBe(401);
    expect((await there(admin)).status).toBe(429);
    await node.stop();
  });

  it('are on record with the client, not with what was typed, and counted', async () => {
    await ask('/token', wrong(1));
    await ask('/token', { clientId: 'typed-in-the-wrong-field', clientSecret: 'typed-too' });
    const rows = await app.db.query<{ details: object }>(
      `SELECT details FROM audit_events WHERE event = 'client_authentication' ORDER BY id`,
    );
    expect(rows.map(({ details }) => details)).toEqual([
      { reason: 'wrong_credentials', client_id: ADMIN.clientId, address: '192.0.2.1' },
      { reason: 'wrong_credentials', address: '192.0.2.1' },
    ]);
    const { text } = await app.json('GET', '/metrics');
    expect(text).toMatch(/exeunt_client_authentication_failures_total\{result="failed"\} \d+/);
    expect(text).toMatch(/exeunt_client_authentication_failures_total\{result="limited"\} [1-9]/);
  });

  it('a guess that cannot be counted is not answered as wrong or right', async () => {
    await app.db.query('ALTER TABLE rate_limits RENAME TO away');
    const answer = await ask('/token', wrong(1));
    await app.db.query('ALTER TABLE away RENAME TO rate_limits');
    expect(answer.status).toBe(503);
  });
});
