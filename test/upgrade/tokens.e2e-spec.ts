import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Retention } from '../../src/platform/database/retention.js';
import { migrate } from '../../src/platform/database/migrate.js';
import { newSecret, sha256 } from '../../src/platform/oidc/secret.js';
import { ClientsService } from '../../src/domain/clients/clients.service.js';
import { IssuedTokensService } from '../../src/domain/tokens/issued-tokens.service.js';
import { TestApp } from '../support/app.js';
import { DAY, SECOND, TestClock } from '../support/clock.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { claimsOf, redeem, terminationsOf } from '../tokens/token-requests.js';
import { SECRET, type Known } from './fill.js';

const fixture = (file: string): string => readFileSync(new URL(`fixtures/${file}`, import.meta.url), 'utf8');
const known = JSON.parse(fixture('0.1.0.json')) as Known;
const NEW_FORM = /^[\w-]{96}$/;

/** Three refresh tokens of one grant, as decision 4 made them: two were used before the upgrade. */
interface Chain {
  readonly first: string;
  readonly second: string;
  readonly third: string;
}

describe('tokens and codes of before they named the account (decisions/0054)', () => {
  let db: TestDatabase;
  let app: TestApp;
  let other: TestApp;
  let chain: Chain;
  const { opaque: client, noah, mia, confidential } = known;

  /** Noah's refresh token is replaced by the third of a chain; the second was used ten seconds before the upgrade. */
  async function chained(): Promise<Chain> {
    const salts = [Buffer.from('a'.repeat(16)), Buffer.from('b'.repeat(16))] as const;
    const next = (token: string, salt: Buffer) => createHmac('sha256', token).update(salt).digest('base64url');
    const first = newSecret();
    const second = next(first, salts[0]);
    const third = next(second, salts[1]);
    const [grant] = await db.query<{ id: string }>(
      `DELETE FROM refresh_tokens WHERE token_hash = $1 RETURNING grant_id AS id`,
      [sha256(noah.tokens?.refresh_token ?? '')],
    );
    const insert = (token: string, usedSecondsAgo: number | null, salt: Buffer | null) =>
      db.query(
        `INSERT INTO refresh_tokens (token_hash, grant_id, created_at, expires_at, consumed_at, successor_salt)
         VALUES ($1, $2, $3, $3::timestamptz + interval '30 days', $3::timestamptz - make_interval(secs => $4), $5)`,
        [sha256(token), grant?.id, known.now, usedSecondsAgo, salt],
      );
    await insert(first, 20, salts[0]);
    await insert(second, 10, salts[1]);
    await insert(third, null, null);
    return { first, second, third };
  }

  beforeEach(async () => {
    db = await createTestDatabase({ empty: true });
    await db.query(fixture('0.1.0.sql'));
    chain = await chained();
    await migrate(db.url);
    const clock = new TestClock();
    clock.advance(new Date(known.now).getTime() - clock.now().getTime());
    const settings = { issuer: known.issuer, secret: SECRET };
    app = await TestApp.start(settings, { db, clock });
    other = await TestApp.start(settings, { db, clock });
  });
  afterEach(async () => {
    await other.stop();
    await app.stop();
    await db.drop();
  });

  /** Why grants of Noah's ended since the upgrade: a client of his was deleted before. */
  const causes = async () =>
    (await terminationsOf(app, noah.id)).map(({ cause }) => cause).filter((cause) => cause !== 'client_deleted');
  const refreshed = async (token: string, node = app): Promise<string> => {
    const { status, body } = await node.refresh(client, token);
    expect(status).toBe(200);
    return String(body.refresh_token);
  };

  it('the grace of a rotation goes on over the upgrade: the same successor, of the old form', async () => {
    expect(await refreshed(chain.second)).toBe(chain.third);
    expect(await refreshed(chain.second, other)).toBe(chain.third);
    expect(await app.isActive(client, chain.third)).toBe(true);
    for (const used of [chain.first, chain.second]) expect(await app.isActive(client, used)).toBe(false);
  });

  it('the first rotation gives a generation, the same to all who ask within the grace, on every node', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? app : other).refresh(client, chain.third)),
    );
    const successors = new Set(answers.filter(({ status }) => status === 200).map(({ body }) => body.refresh_token));
    expect([...successors]).toEqual([expect.stringMatching(NEW_FORM)]);
    const fifth = await refreshed(String([...successors][0]));
    expect(fifth).toMatch(NEW_FORM);
    expect(await app.isActive(client, fifth)).toBe(true);
  });

  it.each<[string, keyof Chain, boolean]>([
    ['the one that was used before the upgrade, after its successor was used', 'second', true],
    ['the one before that', 'first', false],
  ])('reuse: %s ends the grant', async (_what, which, afterwards) => {
    const next = afterwards ? await refreshed(chain.third) : chain.third;
    expect((await app.refresh(client, chain[which])).body.error).toBe('invalid_grant');
    expect((await app.refresh(client, next)).body.error).toBe('invalid_grant');
    expect(await causes()).toEqual(['refresh_token_reuse']);
  });

  it('reuse: after the grace', async () => {
    app.clock.advance(app.settings.refreshGraceMs + SECOND);
    expect((await app.refresh(client, chain.second)).body.error).toBe('invalid_grant');
    expect((await app.refresh(client, chain.third)).body.error).toBe('invalid_grant');
  });

  it.each(['first', 'second', 'third'] as const)('any of them can be revoked with its grant: the %s', async (which) => {
    expect((await app.form('/revoke', { token: chain[which] }, client)).status).toBe(200);
    expect((await app.refresh(client, chain.third)).body.error).toBe('invalid_grant');
    expect(await causes()).toEqual([]);
  });

  it('counts them among what a client invalidates at once, and one by one', async () => {
    const issued = app.app.get(IssuedTokensService, { strict: false });
    const found = await app.app.get(ClientsService, { strict: false }).get(client.clientId);
    expect(await issued.invalidateRefreshToken(found, chain.first)).toEqual({ invalidated: 0, previously: 1 });
    expect(await issued.invalidateAll(found, { username: noah.login })).toMatchObject({ invalidated: 2 });
    expect((await app.refresh(client, chain.third)).body.error).toBe('invalid_grant');
  });

  it('an invalidated one is refused, and nothing is taken for reuse', async () => {
    const issued = app.app.get(IssuedTokensService, { strict: false });
    const found = await app.app.get(ClientsService, { strict: false }).get(client.clientId);
    expect(await issued.invalidateRefreshToken(found, chain.third)).toEqual({ invalidated: 1, previously: 0 });
    expect((await app.refresh(client, chain.third)).body.error).toBe('invalid_grant');
    expect(await issued.invalidateRefreshToken(found, chain.third)).toEqual({ invalidated: 0, previously: 1 });
    expect(await causes()).toEqual([]);
  });

  it('a JWT names its grant alone, and is good until it is revoked', async () => {
    const token = mia.tokens?.access_token ?? '';
    expect(claimsOf(token).grant).toMatch(/^[0-9a-f-]{36}$/);
    expect(await app.isActive(confidential, token)).toBe(true);
    expect((await app.form('/revoke', { token }, confidential)).status).toBe(200);
    for (const node of [app, other]) expect(await node.isActive(confidential, token)).toBe(false);
  });

  it('a JWT that was revoked before stays so', async () => {
    const token = mia.tokens?.access_token ?? '';
    // As the migration leaves what it finds.
    await db.query(
      `INSERT INTO revoked_access_tokens (account_id, jti, expires_at) VALUES ('00000000-0000-0000-0000-000000000000', $1, $2)`,
      [claimsOf(token).jti, app.clock.in(DAY)],
    );
    expect(await app.isActive(confidential, token)).toBe(false);
    expect((await app.json('GET', '/userinfo', { token })).status).toBe(401);
  });

  it('denials of before are under no account', async () => {
    const rows = await db.query<{ account_id: string }>('SELECT account_id FROM revoked_access_tokens');
    expect(rows).toEqual([{ account_id: '00000000-0000-0000-0000-000000000000' }]);
  });

  it('a code of before is redeemed once; its replay ends what it gave', async () => {
    const code = known.unredeemedCode;
    const { status, body } = await redeem(app, confidential, code);
    expect(status).toBe(200);
    expect(body.refresh_token).toMatch(NEW_FORM);
    expect((await redeem(other, confidential, code)).body.error).toBe('invalid_grant');
    expect(await app.isActive(confidential, String(body.access_token))).toBe(false);
    expect(await causes()).toEqual(['code_reuse']);
  });

  it('nothing of it is kept once it has expired', async () => {
    const third = await refreshed(chain.third);
    // What was there at the upgrade goes with the last refresh token of then, and not before this day.
    const [last] = await db.query<{ day: Date }>('SELECT max(keep_until) AS day FROM grants');
    app.clock.advance((last?.day.getTime() ?? 0) + 2 * DAY - app.clock.now().getTime());
    await app.app.get(Retention).sweep();
    expect((await app.refresh(client, third)).body.error).toBe('invalid_grant');
    for (const table of ['old_refresh_tokens', 'grants', 'opaque_access_tokens', 'revoked_access_tokens'])
      expect([table, await db.query(`SELECT 1 FROM ${table} LIMIT 1`)]).toEqual([table, []]);
  });
});
