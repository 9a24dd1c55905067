import { TestApp } from '../support/app.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

const SECRET = 'a secret of at least thirty-two characters';

describe('signing keys at rest', () => {
  let db: TestDatabase;

  beforeEach(async () => {
    db = await createTestDatabase();
  });
  afterEach(() => db.drop());

  const stored = async () =>
    (await db.query<{ private_jwk: string }>('SELECT private_jwk FROM signing_keys ORDER BY kid')).map(
      (row) => row.private_jwk,
    );

  it('are encrypted under EXEUNT_SECRET, and the same service starts again with it', async () => {
    const first = await TestApp.start({ secret: SECRET }, { db });
    const { keys } = (await first.json('GET', '/jwks')).body;
    const client = await first.createClient();
    const { login } = await first.createAccount();
    const { access_token } = await first.signInTo(first.browser(), client, login);
    await first.stop();

    const values = await stored();
    // Three pairs, the key that seals and the one that routes.
    expect(values).toHaveLength(5);
    for (const value of values) {
      expect(value).toMatch(/^[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/);
      expect(value).not.toContain('"d"');
      expect(value).not.toContain('"k"');
      expect(JSON.parse(Buffer.from(value.split('.')[0] ?? '', 'base64url').toString())).toEqual({
        alg: 'dir',
        enc: 'A256GCM',
      });
    }

    const again = await TestApp.start({ secret: SECRET, issuer: first.issuer }, { db, clock: first.clock });
    expect((await again.json('GET', '/jwks')).body.keys).toEqual(keys);
    expect(await again.isActive(client, access_token)).toBe(true);
    await again.stop();
  });

  it('are encrypted at the next start when the secret was set later', async () => {
    const first = await TestApp.start({}, { db });
    const { keys } = (await first.json('GET', '/jwks')).body;
    await first.stop();
    const clear = await stored();
    expect(clear.length).toBeGreaterThan(0);
    for (const value of clear) expect(value).toMatch(/^\{/);
    const second = await TestApp.start({ secret: SECRET }, { db });
    expect((await second.json('GET', '/jwks')).body.keys).toEqual(keys);
    await second.stop();
    const encrypted = await stored();
    expect(encrypted).toHaveLength(clear.length);
    for (const value of encrypted) expect(value).toMatch(/^ey/);
  });

  it.each([
    [
      'another secret',
      'another secret of thirty-two characters',
      /EXEUNT_SECRET is not the secret they were stored under/,
    ],
    ['no secret', undefined, /set EXEUNT_SECRET/],
  ])('the start stops with %s, says why, and changes no key', async (_what, secret, message) => {
    await (await TestApp.start({ secret: SECRET }, { db })).stop();
    const before = await stored();
    const error = await TestApp.start({ secret }, { db }).then(
      () => undefined,
      (reason: Error) => reason,
    );
    expect(error?.message).toMatch(message);
    expect(error?.message).not.toContain(SECRET);
    expect(await stored()).toEqual(before);
  });
});
