import { randomBytes } from 'node:crypto';
import { TestApp, type TestClient } from '../support/app.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { DAY, SECOND } from '../support/clock.js';
import { claimsOf, terminationsOf, tokenState } from './token-requests.js';

const GENERATION = 52;
const PROOF = 56;

/** How many processes of Postgres still serve somebody else. */
async function othersAt(db: TestDatabase): Promise<number> {
  const [row] = await db.query<{ others: number }>(
    `SELECT count(*)::int AS others FROM pg_stat_activity
      WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()`,
  );
  return row?.others ?? 0;
}

/** All versions of the grant's row fit on one page, so that none has to be pruned first, which another transaction can hinder. */
const REFRESHES = 10;

describe('what a refresh writes (decisions/0054)', () => {
  it.each(['jwt', 'opaque'])(
    'is one HOT update of the grant, and no other table grows by it (%s)',
    { timeout: 60_000 },
    async (format) => {
      const db = await createTestDatabase();
      try {
        const app = await TestApp.start({}, { db });
        const { login } = await app.createAccount();
        const client = await app.createClient({ access_token_format: format });
        let token: unknown = (await app.signInTo(app.browser(), client, login)).refresh_token;
        const { opaque_access_tokens: opaqueBefore = 0, ...before } = await app.rowCounts();
        for (let n = 0; n < REFRESHES; n += 1) {
          const { status, body } = await app.refresh(client, String(token));
          expect(status).toBe(200);
          token = body.refresh_token;
        }
        const { opaque_access_tokens: opaque = 0, ...after } = await app.rowCounts();
        expect(after).toEqual(before);
        expect(opaque - opaqueBefore).toBe(format === 'opaque' ? REFRESHES : 0);
        // What a connection has written it reports at the latest when it ends.
        await app.stop();
        await expect.poll(() => othersAt(db)).toBe(0);
        const [updates] = await db.query(
          // Of the table, or of its partitions.
          `SELECT sum(n_tup_ins)::int AS made, sum(n_tup_upd)::int AS updates, sum(n_tup_hot_upd)::int AS hot FROM pg_stat_user_tables
            WHERE relid = 'grants'::regclass OR relid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'grants'::regclass)`,
        );
        // The code exchange, too.
        expect(updates).toEqual({ made: 1, updates: REFRESHES + 1, hot: REFRESHES + 1 });
      } finally {
        await db.drop();
      }
    },
  );
});

describe('refresh tokens are generations of their grant (decisions/0054)', () => {
  let app: TestApp;
  let other: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
    other = await TestApp.start({ issuer: app.issuer }, { db: app.db, clock: app.clock });
  });
  afterAll(async () => {
    await other.stop();
    await app.stop();
  });

  async function signedIn(metadata: Record<string, unknown> = {}) {
    const account = await app.createAccount();
    const client = await app.createClient(metadata);
    return { account, client, tokens: await app.signInTo(app.browser(), client, account.login) };
  }

  const bytesOf = (token: unknown): Buffer => Buffer.from(String(token), 'base64url');
  const refreshed = async (client: TestClient, token: unknown, node = app): Promise<string> => {
    const { status, body } = await node.refresh(client, String(token));
    expect(status).toBe(200);
    return String(body.refresh_token);
  };

  it('tells nothing of account and grant, and two of one account share nothing', async () => {
    const { account, client, tokens } = await signedIn();
    const again = await app.signInTo(app.browser(), client, account.login);
    const [grant] = await app.db.query<{ id: string }>('SELECT id FROM grants WHERE client_id = $1', [client.clientId]);
    const [one, two] = [bytesOf(tokens.refresh_token), bytesOf(again.refresh_token)];
    for (const id of [account.id, grant?.id ?? '']) {
      const bytes = Buffer.from(id.replaceAll('-', ''), 'hex');
      for (const token of [one, two]) expect(token.includes(bytes.subarray(0, 6))).toBe(false);
    }
    for (let at = 4; at < GENERATION - 6; at += 1) expect(two.includes(one.subarray(at, at + 6))).toBe(false);
  });

  it('one node’s successor is the other’s, and either rotates it', async () => {
    const { client, tokens } = await signedIn();
    const second = await refreshed(client, tokens.refresh_token);
    expect(await refreshed(client, tokens.refresh_token, other)).toBe(second);
    const third = await refreshed(client, second, other);
    expect(await refreshed(client, second)).toBe(third);
    expect(await refreshed(client, third)).not.toBe(third);
  });

  it.each<[string, (token: Buffer) => void]>([
    ['the generation before', (token) => token.writeUInt32BE(token.readUInt32BE(GENERATION) - 1, GENERATION)],
    ['a generation to come', (token) => token.writeUInt32BE(token.readUInt32BE(GENERATION) + 1, GENERATION)],
    ['another random part', (token) => randomBytes(16).copy(token, 4)],
    ['another account', (token) => token.writeUInt8(token.readUInt8(20) ^ 1, 20)],
    ['another grant', (token) => token.writeUInt8(token.readUInt8(40) ^ 1, 40)],
    ['another proof', (token) => token.writeUInt8(token.readUInt8(PROOF) ^ 1, PROOF)],
    ['a key that there is not', (token) => token.writeUInt8(token.readUInt8(0) ^ 1, 0)],
  ])('forged, with %s: it is refused, kills nothing, and revokes nothing', async (_what, forge) => {
    const { account, client, tokens } = await signedIn();
    const third = await refreshed(client, await refreshed(client, tokens.refresh_token));
    const forged = bytesOf(third);
    forge(forged);
    const text = forged.toString('base64url');
    const before = await tokenState(app);
    app.clock.advance(app.settings.refreshGraceMs + SECOND);
    expect((await app.refresh(client, text)).body.error).toBe('invalid_grant');
    expect((await app.form('/revoke', { token: text }, client)).status).toBe(200);
    expect(await app.isActive(client, text)).toBe(false);
    expect(await tokenState(app)).toEqual(before);
    expect(await terminationsOf(app, account.id)).toEqual([]);
    await refreshed(client, third);
  });

  it('any generation can be revoked, and the grant dies with it (RFC 7009 §2.1)', async () => {
    const { client, tokens } = await signedIn();
    const third = await refreshed(client, await refreshed(client, tokens.refresh_token));
    expect((await app.form('/revoke', { token: tokens.refresh_token }, client)).status).toBe(200);
    expect(await app.isActive(client, third)).toBe(false);
    expect((await app.refresh(client, third)).body.error).toBe('invalid_grant');
  });

  it('all that is stored, with all keys, is no token: the random part is not in it', async () => {
    const { client, tokens } = await signedIn();
    const second = await refreshed(client, tokens.refresh_token);
    const root = bytesOf(second).subarray(4, 20);
    const tables = await app.db.query<{ name: string }>(
      `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'`,
    );
    for (const { name } of tables) {
      const rows = await app.db.query<{ row: string }>(`SELECT to_json(t)::text AS row FROM "${name}" t`);
      const text = rows.map(({ row }) => row).join('\n');
      expect([name, text.includes(root.toString('hex')), text.includes(root.toString('base64url'))]).toEqual([
        name,
        false,
        false,
      ]);
    }
    // What the keys can make of it, with a random part of one's own, is refused.
    const [grant] = await app.db.query<{ account_id: string; id: string }>(
      'SELECT account_id, id FROM grants WHERE client_id = $1',
      [client.clientId],
    );
    const { RefreshTokenForm } = await import('../../src/domain/tokens/refresh-token-form.js');
    const form = app.app.get(RefreshTokenForm, { strict: false });
    const made = form.first({ accountId: grant!.account_id, grantId: grant!.id });
    for (const token of [made.token, form.read(made.token)] as const) {
      const text = typeof token === 'string' ? token : (token as { successor: string }).successor;
      expect((await app.refresh(client, text)).body.error).toBe('invalid_grant');
      await app.form('/revoke', { token: text }, client);
      expect(await app.isActive(client, text)).toBe(false);
    }
    await refreshed(client, second);
  });

  it('the claim `grant` and `sub` of an access token are one account’s, and the claim does not say it', async () => {
    const { account, tokens } = await signedIn();
    const { grant } = claimsOf(tokens.access_token);
    expect(String(grant)).toMatch(/^[0-9a-f-]{36}\.[A-Za-z0-9_-]{27}$/);
    const bytes = Buffer.from(String(grant).split('.')[1] ?? '', 'base64url');
    expect(bytes.includes(Buffer.from(account.id.replaceAll('-', ''), 'hex').subarray(0, 4))).toBe(false);
  });

  it('a grant stays for as long as its last refresh token, and a day', async () => {
    const { client, tokens } = await signedIn();
    const { Retention } = await import('../../src/platform/database/retention.js');
    const rows = () => app.db.query('SELECT 1 FROM grants WHERE client_id = $1', [client.clientId]);
    app.clock.advance(10 * DAY);
    await app.refresh(client, tokens.refresh_token);
    const refreshable = await signedIn();
    const offline = await app.signInTo(app.browser(), client, refreshable.account.login, {
      scope: 'openid offline_access',
      prompt: 'consent',
    });
    app.clock.advance(29 * DAY);
    await app.app.get(Retention).sweep();
    await refreshed(client, offline.refresh_token);
    app.clock.advance(29 * DAY);
    await app.app.get(Retention).sweep();
    expect(await rows()).toHaveLength(1);
    app.clock.advance(4 * DAY);
    await app.app.get(Retention).sweep();
    expect(await rows()).toEqual([]);
  });
});
