import { decodeJwt } from 'jose';
import { DatabaseTime } from '../../src/platform/database/database-time.js';
import { Retention } from '../../src/platform/database/retention.js';
import { ADMIN, PASSWORD, TestApp, type TestClient } from '../support/app.js';
import { MINUTE, SECOND } from '../support/clock.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { SkewedClock } from '../support/skewed-clock.js';
import { StubRelyingParty, type ReceivedLogout } from '../support/stub-relying-party.js';
import { signOut } from '../rp-initiated-logout/end-session.js';
import { clientOf, deliveriesTo, dueNotices, someoneAt } from '../back-channel-logout/scene.js';

const NOTICES = 20;
const offsetOf = async (node: TestApp): Promise<number> =>
  Number(/^exeunt_clock_offset_seconds (\S+)$/m.exec((await node.json('GET', '/metrics')).text)?.[1]);

/** Whether an application that allows no difference at all would take it, by the real time. */
function isDatedNow({ claims }: ReceivedLogout): boolean {
  const now = Date.now() / SECOND;
  return Math.abs(now - (claims.iat ?? 0)) < 5 && (claims.exp ?? 0) > now;
}

describe.each([300, -300, 5, -5])('a node whose machine has a clock that is off by %i seconds', (seconds) => {
  let db: TestDatabase;
  let right: TestApp;
  let wrong: TestApp;
  let party: StubRelyingParty;
  let client: TestClient;
  let ways: readonly (readonly [TestApp, TestApp])[];

  beforeAll(async () => {
    db = await createTestDatabase();
    // The wrong one is the first in a new database, and makes its keys.
    const settings = { sessionIdleMs: 180 * SECOND, accessTokenTtlSeconds: 60 };
    wrong = await TestApp.start(settings, { db, clock: new SkewedClock(seconds * SECOND) });
    right = await TestApp.start({ ...settings, issuer: wrong.issuer }, { db, clock: new SkewedClock(0) });
    ways = [
      [right, wrong],
      [wrong, right],
    ];
    party = await StubRelyingParty.start();
    client = await clientOf(right, party);
  });
  afterAll(async () => {
    await Promise.all([right.stop(), wrong.stop(), party.stop()]);
    await db.drop();
  });

  it('knows it, and says so', async () => {
    expect(await offsetOf(wrong)).toBeCloseTo(seconds, 0);
    expect(await offsetOf(right)).toBeCloseTo(0, 0);
    const words = `the clock of this machine is ${Math.abs(seconds)}.0 s ${seconds > 0 ? 'ahead of' : 'behind'} that of the database`;
    const warnings = ({ logger }: TestApp): string[] => logger.lines.filter((line) => line.includes('clock of this'));
    await wrong.app.get(DatabaseTime).compare();
    expect(warnings(wrong)).toEqual([expect.stringContaining(words)]);
    expect(warnings(right)).toEqual([]);
  });

  it('signs in the people of the other one, whose code and form are good at both', async () => {
    for (const [here, there] of ways) {
      const { login } = await here.createAccount();
      const browser = here.browser();
      const form = (await browser.follow(await browser.get(here.authorizeUrl(client)))).formWith('login-submit');
      const page = await browser.post(`${there.issuer}${form.action}`, { ...form.fields, login, password: PASSWORD });
      expect(page.status).toBe(303);
      const code = await here.codeFor(browser, client, login);
      const answer = await there.form(
        '/token',
        { grant_type: 'authorization_code', code, redirect_uri: client.redirectUri },
        client,
      );
      expect(answer.status).toBe(200);
      const { access_token, id_token } = answer.body as { access_token: string; id_token: string };
      expect(await here.isActive(client, access_token)).toBe(true);
      expect(Math.abs(Number(decodeJwt(id_token).iat) - Date.now() / SECOND)).toBeLessThan(3);
    }
  });

  it('takes a refresh that is repeated at the other node for what it is', async () => {
    for (const [here, there] of ways) {
      const { login } = await here.createAccount();
      const { refresh_token } = await here.signInTo(here.browser(), client, login);
      const first = await here.refresh(client, refresh_token);
      const again = await there.refresh(client, refresh_token);
      expect([first.status, again.status]).toEqual([200, 200]);
      expect(await here.isActive(client, String(first.body.access_token))).toBe(true);
      expect((await there.refresh(client, String(again.body.refresh_token))).status).toBe(200);
    }
  });

  it('sends notices that are accepted at once, whichever node sends them', async () => {
    for (const node of [right, wrong]) {
      const strict = await StubRelyingParty.start();
      strict.always((_request, response) => {
        response.writeHead(isDatedNow(strict.received.at(-1)!) ? 200 : 400).end();
      });
      const application = await clientOf(right, strict);
      await dueNotices(node, application.clientId, NOTICES);
      for (let round = 0; round < 10; round += 1) await node.sendDue();
      const rows = await deliveriesTo(node, application.clientId);
      expect(rows.map(({ state, attempts }) => `${state} ${attempts}`)).toEqual(Array(NOTICES).fill('delivered 1'));
      expect(strict.received).toHaveLength(NOTICES);
      await strict.stop();
    }
  });

  it('leaves alone what the other node is sending', async () => {
    for (const [here, there] of ways) {
      const slow = await StubRelyingParty.start();
      let answer = (): void => undefined;
      slow.answerNext((_request, response) => (answer = () => void response.writeHead(200).end()));
      const application = await clientOf(here, slow);
      await dueNotices(here, application.clientId, 1);
      const sending = here.sendDue();
      await slow.waitFor(1);
      await there.sendDue();
      expect(slow.received).toHaveLength(1);
      answer();
      await sending;
      await there.sendDue();
      expect(slow.received).toHaveLength(1);
      await slow.stop();
    }
  });

  it('rotates immediately without an outage of a moment: the old is refused and the new is taken, at both', async () => {
    for (const [here, there] of ways) {
      const { login } = await here.createAccount();
      const tokens = await here.signInTo(here.browser(), client, login);
      const token = await here.adminToken();
      const rotated = await here.json('POST', '/admin/v1/keys/rotate', { token, body: { immediately: true } });
      expect(rotated.status).toBe(200);
      for (const node of [here, there]) {
        const own = await node.form('/token', { grant_type: 'client_credentials' }, ADMIN);
        expect(own.status).toBe(200);
      }
      expect(await here.isActive(client, tokens.access_token)).toBe(false);
      await vi.waitUntil(async () => !(await there.isActive(client, tokens.access_token)), { timeout: 10_000 });
      const fresh = await there.adminToken();
      for (const node of [here, there])
        expect((await node.json('GET', '/admin/v1/keys', { token: fresh })).status).toBe(200);
    }
  });

  it('orders everybody out: what began before is dead, what began after lives', async () => {
    for (const [here, there] of ways) {
      const { login } = await there.createAccount();
      const before = await there.signInTo(there.browser(), client, login);
      const token = await here.adminToken();
      const order = await here.json('POST', '/admin/v1/logout-orders', {
        token,
        body: { everyone: true, reason: 'x' },
      });
      expect(order.status).toBe(201);
      const after = await there.signInTo(there.browser(), client, login);
      for (const node of [here, there]) {
        expect(await node.isActive(client, before.access_token)).toBe(false);
        expect(await node.isActive(client, after.access_token)).toBe(true);
      }
    }
  });

  it('ends no session before its time, and removes nothing that is not due', async () => {
    const { login } = await right.createAccount();
    const browser = right.browser();
    const { access_token } = await right.signInTo(browser, client, login);
    const before = await db.query('SELECT count(*) FROM sessions WHERE terminated_at IS NULL');
    expect(await wrong.sweepExpired()).toBe(0);
    await wrong.app.get(Retention).sweep();
    expect(await db.query('SELECT count(*) FROM sessions WHERE terminated_at IS NULL')).toEqual(before);
    expect(await right.isActive(client, access_token)).toBe(true);
  });

  it('issues receipts in turn with the other one, and the chain never goes back in time', async () => {
    const strict = await StubRelyingParty.start();
    const application = await clientOf(right, strict);
    for (const [here, there] of [...ways, ...ways]) {
      const { browser } = await someoneAt(here, [application]);
      await signOut(browser);
      await here.sendDue();
      await there.issueReceipts();
    }
    const times = await db.query<{ issued_at: Date; real: boolean }>(
      `SELECT issued_at, abs(extract(epoch FROM clock_timestamp() - issued_at)) < 60 AS real FROM logout_receipts ORDER BY sequence`,
    );
    expect(times.length).toBeGreaterThanOrEqual(4);
    expect(times.every(({ real }) => real)).toBe(true);
    expect(times.map(({ issued_at }) => issued_at.getTime())).toEqual(
      times.map(({ issued_at }) => issued_at.getTime()).toSorted((a, b) => a - b),
    );
    await strict.stop();
  });
});

describe('a machine whose clock changes while the service runs', () => {
  let app: TestApp;
  let clock: SkewedClock;
  let time: DatabaseTime;

  beforeEach(async () => {
    clock = new SkewedClock(0);
    app = await TestApp.start({}, { clock });
    time = app.app.get(DatabaseTime);
  });
  afterEach(() => app.stop());

  const off = (): number => clock.now().getTime() - Date.now();

  it.each([MINUTE, -MINUTE])('is set by %i ms: the time goes on as if nothing had been', async (ms) => {
    clock.wrong.set(ms);
    expect(Math.abs(off())).toBeLessThan(SECOND);
    await vi.waitUntil(() => app.logger.lines.some((line) => line.includes('the clock of this machine is 60.0 s')), {
      timeout: 10_000,
    });
    expect(Math.abs(off())).toBeLessThan(SECOND);
    expect(app.logger.lines.filter((line) => line.includes('the time went'))).toEqual([]);
    expect(await offsetOf(app)).toBeCloseTo(ms / SECOND, 0);
  });

  it('sleeps for an hour: noticed at once, taken at once, and said', async () => {
    clock.wrong.sleep(60 * MINUTE);
    expect(clock.reading() - Date.now()).toBeLessThan(-59 * MINUTE);
    await vi.waitUntil(() => app.logger.lines.some((line) => line.includes('the time went forward by 3600.0 s')), {
      timeout: 10_000,
    });
    expect(Math.abs(off())).toBeLessThan(SECOND);
  });

  it('is in another place than its database is now: compared when the connection is there again', async () => {
    // As after a failover to a machine with another clock: nothing here has changed.
    clock.slew(-MINUTE);
    await app.db.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'exeunt-changes' AND datname = current_database()`,
    );
    await vi.waitUntil(() => app.logger.lines.some((line) => line.includes('the time went forward by 60.0 s')), {
      timeout: 8000,
    });
    expect(Math.abs(off())).toBeLessThan(SECOND);
  });

  it('catches up with a small difference gradually, and never goes back', async () => {
    clock.slew(400);
    let last = clock.now().getTime();
    await time.compare();
    for (let n = 0; n < 60; n += 1) {
      time.tick();
      const now = clock.now().getTime();
      expect(now).toBeGreaterThanOrEqual(last);
      last = now;
    }
    await vi.waitUntil(() => Math.abs(off()) < 50, { timeout: 10_000 });
    expect(app.logger.lines.filter((line) => line.includes('the time went'))).toEqual([]);
  });

  it('does not make a refusal final that its own wrong dates may have caused', async () => {
    const party = await StubRelyingParty.start();
    const client = await clientOf(app, party);
    await dueNotices(app, client.clientId, 1);
    party.answerNext((_request, response) => void response.writeHead(400).end());
    // As after a machine was brought back from a snapshot: both of its times are behind, and nothing tells.
    clock.slew(-10 * MINUTE);
    await app.db.query(`UPDATE logout_deliveries SET next_attempt_at = next_attempt_at - interval '1 hour'`);
    await app.sendDue();
    expect(await deliveriesTo(app, client.clientId)).toMatchObject([
      { state: 'pending', attempts: 1, last_error: 'http_400' },
    ]);
    expect(app.logger.lines.join('\n')).toContain('the time went forward by 600.0 s');
    await app.db.query(`UPDATE logout_deliveries SET next_attempt_at = now() - interval '1 second'`);
    await app.sendDue();
    expect(await deliveriesTo(app, client.clientId)).toMatchObject([{ state: 'delivered', attempts: 2 }]);
    await party.stop();
  });

  it('nor one while it cannot find out whether they caused it; the next one is final', async () => {
    const party = await StubRelyingParty.start();
    const client = await clientOf(app, party);
    await dueNotices(app, client.clientId, 1);
    party.always((_request, response) => void response.writeHead(400).end());
    vi.spyOn(time, 'compare').mockRejectedValueOnce(Object.assign(new Error('silent'), { code: 'ETIMEDOUT' }));
    await app.sendDue();
    expect(await deliveriesTo(app, client.clientId)).toMatchObject([
      { state: 'pending', attempts: 1, last_error: 'http_400' },
    ]);
    expect(app.logger.lines.join('\n')).toContain('the clock was not compared with the database: ETIMEDOUT');
    await app.db.query(`UPDATE logout_deliveries SET next_attempt_at = now() - interval '1 second'`);
    await app.sendDue();
    expect(await deliveriesTo(app, client.clientId)).toMatchObject([{ state: 'rejected', attempts: 2 }]);
    await party.stop();
  });
});
