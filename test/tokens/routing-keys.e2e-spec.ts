import { randomUUID } from 'node:crypto';
import { AccountRouting } from '../../src/platform/keys/account-routing.js';
import { KeyMaintenance } from '../../src/platform/keys/key-maintenance.js';
import { TestApp } from '../support/app.js';
import { DAY, MINUTE } from '../support/clock.js';
import { createTestDatabase } from '../support/database.js';

const SECRET = 'a secret of at least thirty-two characters';
const NEXT = 'another secret of thirty-two characters or more';
const FORM = { randomBytes: 24, ids: 1 } as const;
const ACCOUNT = randomUUID();

describe('the keys that route to an account', () => {
  let app: TestApp;
  let other: TestApp;

  beforeEach(async () => {
    app = await TestApp.start();
    other = await TestApp.start({ issuer: app.issuer }, { db: app.db, clock: app.clock });
  });
  afterEach(async () => {
    await other.stop();
    await app.stop();
  });

  const stored = () =>
    app.db.query<{ kid: string; secret: boolean; retired: boolean }>(
      `SELECT kid, private_jwk IS NOT NULL AS secret, retired_at IS NOT NULL AS retired FROM signing_keys
        WHERE alg = 'HS256' ORDER BY created_at`,
    );
  const create = (node = app): string => node.app.get(AccountRouting).create(FORM, ACCOUNT);
  const read = (artefact: string, node = app) => node.app.get(AccountRouting).read(FORM, artefact);

  it('there is one from the first start on, and two nodes have the same', async () => {
    expect(await stored()).toEqual([{ kid: expect.any(String), secret: true, retired: false }]);
    expect(read(create(), other)).toEqual([ACCOUNT]);
  });

  it('are not published, neither in the JWK Set nor among the receipts’ keys nor to administrators', async () => {
    const [key] = await stored();
    const token = await app.adminToken();
    const answers = [
      await app.json('GET', '/jwks'),
      await app.json('GET', '/admin/v1/receipts/jwks', { token }),
      await app.json('GET', '/admin/v1/keys', { token }),
    ];
    for (const { status, body } of answers) {
      expect(status).toBe(200);
      expect(JSON.stringify(body)).toContain('ES256');
      expect(JSON.stringify(body)).not.toMatch(/HS256|"oct"|"k"/);
      expect(JSON.stringify(body)).not.toContain(key!.kid);
    }
  });

  it.each([{}, { immediately: true }])(
    'a rotation %j makes a new one, which begins artefacts a minute later; the old one is kept for ever',
    async (body) => {
      const before = create();
      const answer = await app.json('POST', '/admin/v1/keys/rotate', { token: await app.adminToken(), body });
      expect(answer.status).toBe(200);
      const kidOf = (artefact: string): string => Buffer.from(artefact, 'base64url').toString('hex', 0, 4);
      expect(kidOf(create())).toBe(kidOf(before));
      app.clock.advance(MINUTE);
      const after = create();
      expect(kidOf(after)).not.toBe(kidOf(before));
      await vi.waitFor(() => expect(read(after, other)).toEqual([ACCOUNT]));
      app.clock.advance(400 * DAY);
      const third = await TestApp.start({ issuer: app.issuer }, { db: app.db, clock: app.clock });
      await third.app.get(KeyMaintenance).forgetSealingKeys();
      expect(read(before, third)).toEqual([ACCOUNT]);
      expect(read(after, third)).toEqual([ACCOUNT]);
      await third.stop();
      expect(await stored()).toEqual([
        { kid: expect.any(String), secret: true, retired: false },
        { kid: expect.any(String), secret: true, retired: false },
      ]);
    },
  );

  it('another EXEUNT_SECRET encrypts them anew, and what they masked is read on', async () => {
    const db = await createTestDatabase();
    const node = await TestApp.start({ secret: SECRET, nextSecret: NEXT }, { db });
    const before = create(node);
    const resting = () => db.query<{ private_jwk: string }>(`SELECT private_jwk FROM signing_keys WHERE alg = 'HS256'`);
    const [under] = await resting();
    await node.app.get(KeyMaintenance).changeSecret(NEXT);
    const [underNext] = await resting();
    expect(underNext!.private_jwk).toMatch(/^ey/);
    expect(underNext!.private_jwk).not.toBe(under!.private_jwk);
    await node.stop();
    const again = await TestApp.start({ secret: NEXT, issuer: node.issuer }, { db, clock: node.clock });
    expect(read(before, again)).toEqual([ACCOUNT]);
    await again.stop();
    await db.drop();
  });
});
