import { decodeProtectedHeader } from 'jose';
import { KeyMaintenance } from '../../src/platform/keys/key-maintenance.js';
import { KeysService } from '../../src/platform/keys/keys.service.js';
import { TestApp, type TestClient } from '../support/app.js';
import { DAY, MINUTE, SECOND, TestClock } from '../support/clock.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

describe.each([
  ['5 seconds', 5 * SECOND],
  ['5 minutes', 5 * MINUTE],
])('a rotation where one node’s clock is %s behind the other’s', (_words, apart) => {
  let db: TestDatabase;
  let ahead: TestApp;
  let behind: TestApp;
  let client: TestClient;

  beforeEach(async () => {
    db = await createTestDatabase();
    const [fast, slow] = [new TestClock(), new TestClock()];
    fast.advance(apart);
    // The node that is ahead makes the first keys: by the other's clock they are not to sign yet.
    ahead = await TestApp.start({}, { db, clock: fast });
    behind = await TestApp.start({ issuer: ahead.issuer }, { db, clock: slow });
    client = await ahead.createClient({ grant_types: ['client_credentials'], redirect_uris: [], scope: 'reports' });
  });
  afterEach(async () => {
    await Promise.all([ahead.stop(), behind.stop()]);
    await db.drop();
  });

  /** The key that this node signs with, which both nodes must believe. */
  async function kidAt(app: TestApp): Promise<string> {
    const { status, body } = await app.form('/token', { grant_type: 'client_credentials' }, client);
    expect(status).toBe(200);
    const token = String(body.access_token);
    expect(await app.isActive(client, token)).toBe(true);
    return String(decodeProtectedHeader(token).kid);
  }
  /** Both have heard of what has just been changed. */
  const bothKnow = (): Promise<unknown> =>
    vi.waitUntil(
      () =>
        JSON.stringify(
          behind.app
            .get(KeysService)
            .list()
            .map(({ kid }) => kid),
        ) ===
        JSON.stringify(
          ahead.app
            .get(KeysService)
            .list()
            .map(({ kid }) => kid),
        ),
      { timeout: 10_000 },
    );
  const privateHalves = async (kid: string): Promise<number> =>
    (await db.query('SELECT 1 FROM signing_keys WHERE kid = $1 AND private_jwk IS NOT NULL', [kid])).length;

  it('a new database: the node that is behind signs, too', async () => {
    expect(await kidAt(behind)).toBe(await kidAt(ahead));
  });

  it.each([
    ['ahead', () => ahead],
    ['behind', () => behind],
  ])(
    'at once, by the node that is %s: both sign with the new key, and no old token is good at either',
    async (_, by) => {
      const before = await kidAt(behind);
      const { body } = await ahead.form('/token', { grant_type: 'client_credentials' }, client);
      await by().app.get(KeyMaintenance).rotate(true);
      await bothKnow();
      const after = await kidAt(ahead);
      expect(after).not.toBe(before);
      expect(await kidAt(behind)).toBe(after);
      expect(await privateHalves(before)).toBe(0);
      for (const app of [ahead, behind]) {
        expect(await app.isActive(client, String(body.access_token))).toBe(false);
        expect((await app.json('GET', '/jwks')).text).not.toContain(before);
      }
    },
  );

  it('by age: there is always a key that signs, and the old one’s private half is gone a minute after it was replaced', async () => {
    const before = await kidAt(behind);
    for (const app of [ahead, behind]) app.clock.advance(ahead.settings.keyRotationDays * DAY);
    await maintain(ahead);
    for (const app of [ahead, behind]) app.clock.advance(ahead.settings.keyPublishLeadMs);
    await maintain(ahead);
    await bothKnow();
    const after = await kidAt(ahead);
    expect(after).not.toBe(before);
    expect([before, after]).toContain(await kidAt(behind));
    expect(await privateHalves(before)).toBe(1);
    if (apart === 5 * MINUTE) {
      // Known to others: what still has its private half is withdrawn with the rest.
      await ahead.app.get(KeyMaintenance).rotate(true);
      expect(await privateHalves(before)).toBe(0);
      expect((await ahead.json('GET', '/jwks')).text).not.toContain(before);
      return;
    }
    for (const app of [ahead, behind]) app.clock.advance(MINUTE);
    await maintain(ahead);
    expect(await privateHalves(before)).toBe(0);
    await behind.app.get(KeysService).reload();
    expect(await kidAt(behind)).toBe(after);
    expect(await kidAt(ahead)).toBe(after);
  });

  /** Another node with this one's clock starts, and looks after the keys. */
  async function maintain(app: TestApp): Promise<void> {
    const node = await TestApp.start({ issuer: app.issuer }, { db, clock: app.clock });
    await node.stop();
  }
});
