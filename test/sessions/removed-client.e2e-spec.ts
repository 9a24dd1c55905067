import pg from 'pg';
import type { QueryRunner } from 'typeorm';
import { RecountParticipants1795260800001 } from '../../migrations/1795260800001-RecountParticipants.js';
import { Retention } from '../../src/platform/database/retention.js';
import { LogoutOrderJob } from '../../src/domain/logout/orders/logout-order.job.js';
import { TestApp, type TestClient } from '../support/app.js';
import { untilWaiting } from '../support/locks.js';
import { DAY, SECOND } from '../support/clock.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { clientOf, someoneAt, terminationsOf, type SignedIn } from '../back-channel-logout/scene.js';
import { seed } from '../bulk/scene.js';
import { signOut } from '../rp-initiated-logout/end-session.js';

describe('a session that is older than the memory of a deleted application in it', () => {
  let app: TestApp;
  let party: StubRelyingParty;
  let stays: TestClient;

  beforeAll(async () => {
    party = await StubRelyingParty.start();
    app = await TestApp.start({ sessionTtlMs: 60 * DAY, sessionIdleMs: 60 * DAY });
    stays = await clientOf(app, party);
  });
  afterAll(() => Promise.all([app.stop(), party.stop()]));

  /** Somebody at two applications, of which one was deleted and is removed by retention while the session lives. */
  async function aScene(): Promise<SignedIn> {
    const goes = await clientOf(app, party);
    const scene = await someoneAt(app, [stays, goes]);
    const token = await app.adminToken();
    expect((await app.json('DELETE', `/admin/v1/clients/${goes.clientId}`, { token })).status).toBe(204);
    // No row of it is in use when it is to go.
    await app.sendDue();
    app.clock.advance(30 * DAY + SECOND);
    await app.app.get(Retention).sweep();
    expect(await app.db.query('SELECT 1 FROM clients WHERE client_id = $1', [goes.clientId])).toEqual([]);
    expect(await participants(scene.accountId)).toEqual([{ client_count: 1, rows: 1, terminated: false }]);
    return scene;
  }
  const participants = (accountId: string) =>
    app.db.query(
      `SELECT s.client_count, (SELECT count(*)::int FROM session_clients c WHERE c.session_id = s.id) AS rows,
              s.terminated_at IS NOT NULL AS terminated FROM sessions s WHERE s.account_id = $1`,
      [accountId],
    );
  const sessionIdOf = async (accountId: string): Promise<string> =>
    (await app.db.query<{ id: string }>('SELECT id FROM sessions WHERE account_id = $1', [accountId]))[0]?.id ?? '';

  async function expectEnded(scene: SignedIn, cause: string): Promise<void> {
    expect(await participants(scene.accountId)).toMatchObject([{ terminated: true }]);
    const terminations = await terminationsOf(app, scene.accountId);
    expect(terminations.filter((row) => row.cause === cause)).toMatchObject([{ sessions: 1, deliveries: 1 }]);
    await app.sendDue();
    const told = party.received.filter(({ claims }) => claims.sub === scene.accountId);
    expect(told.filter(({ claims }) => claims.aud === stays.clientId)).toHaveLength(1);
  }

  it('ends by the dialog', async () => {
    const scene = await aScene();
    await signOut(scene.browser);
    await expectEnded(scene, 'end_session');
  });

  it('ends by an administrator', async () => {
    const scene = await aScene();
    const token = await app.adminToken();
    const path = `/admin/v1/sessions/${await sessionIdOf(scene.accountId)}`;
    expect((await app.json('DELETE', path, { token })).status).toBeLessThan(300);
    await expectEnded(scene, 'admin');
  });

  it('ends when the account is disabled', async () => {
    const scene = await aScene();
    const token = await app.adminToken();
    const answer = await app.json('POST', `/admin/v1/accounts/${scene.accountId}/disable`, { token });
    expect(answer.status).toBeLessThan(300);
    await expectEnded(scene, 'account_disabled');
  });

  it('ends by age', async () => {
    const scene = await aScene();
    app.clock.advance(31 * DAY);
    expect(await app.sweepExpired()).toBe(1);
    await expectEnded(scene, 'session_expired');
  });

  it('ends by an order', async () => {
    const scene = await aScene();
    const token = await app.adminToken();
    const order = { account_id: scene.accountId, reason: 'Incident 7' };
    expect((await app.json('POST', '/admin/v1/logout-orders', { token, body: order })).status).toBe(201);
    await app.app.get(LogoutOrderJob).run();
    app.clock.advance(SECOND);
    await expectEnded(scene, 'logout_order');
  });

  it.each([-1, 1, 7])('ends also where the number kept beside the participants is off by %i', async (off) => {
    const [first, second] = [await someoneAt(app, [stays]), await someoneAt(app, [stays])];
    const accounts = [first.accountId, second.accountId];
    await app.db.query('UPDATE sessions SET client_count = client_count + $2 WHERE account_id = ANY($1)', [
      accounts,
      off,
    ]);
    await signOut(first.browser);
    await expectEnded(first, 'end_session');
    app.clock.advance(61 * DAY);
    expect(await app.sweepExpired()).toBe(1);
    await expectEnded(second, 'session_expired');
  });

  it('removes the participants in pieces, before the client, and leaves what is younger', async () => {
    const [goes, younger] = [await clientOf(app, party), await clientOf(app, party)];
    const scene = await someoneAt(app, [stays, goes, younger]);
    const token = await app.adminToken();
    await app.json('DELETE', `/admin/v1/clients/${goes.clientId}`, { token });
    app.clock.advance(30 * DAY - SECOND);
    await app.json('DELETE', `/admin/v1/clients/${younger.clientId}`, { token: await app.adminToken() });
    await app.app.get(Retention).sweep();
    expect(await participants(scene.accountId)).toMatchObject([{ client_count: 3, rows: 3 }]);
    app.clock.advance(2 * SECOND);
    await app.app.get(Retention).sweep();
    expect(await participants(scene.accountId)).toMatchObject([{ client_count: 2, rows: 2 }]);
    expect(await app.db.query('SELECT 1 FROM grants WHERE client_id = $1', [goes.clientId])).toEqual([]);
    await signOut(scene.browser);
  });
});

describe('a deleted application that everybody used', () => {
  it('goes in pieces: its row last, and not before anything of it is left', async () => {
    const app = await TestApp.start();
    const goes = await app.createClient();
    await seed(app, 'many', 1500, [goes.clientId]);
    await app.db.query(
      `INSERT INTO consents (account_id, client_id, scope, claims, granted_at)
       SELECT id, $1, '{openid}', '{}', $2 FROM accounts`,
      [goes.clientId, app.clock.now()],
    );
    await app.json('DELETE', `/admin/v1/clients/${goes.clientId}`, { token: await app.adminToken() });
    app.clock.advance(30 * DAY + SECOND);
    const holder = new pg.Client({ connectionString: app.db.url });
    await holder.connect();
    await holder.query('BEGIN');
    await holder.query('SELECT 1 FROM sessions LIMIT 1 FOR UPDATE');
    const left = () =>
      app.db.query(
        `SELECT (SELECT count(*)::int FROM session_clients WHERE client_id = $1) AS participants,
                (SELECT count(*)::int FROM grants WHERE client_id = $1) AS grants,
                (SELECT count(*)::int FROM consents WHERE client_id = $1) AS consents,
                (SELECT count(*)::int FROM clients WHERE client_id = $1) AS clients`,
        [goes.clientId],
      );
    await app.app.get(Retention).sweep();
    expect(await left()).toEqual([{ participants: 1, grants: 0, consents: 0, clients: 1 }]);
    await holder.query('ROLLBACK');
    await holder.end();
    await app.app.get(Retention).sweep();
    expect(await left()).toEqual([{ participants: 0, grants: 0, consents: 0, clients: 0 }]);
    const counts = await app.db.query('SELECT DISTINCT client_count FROM sessions');
    expect(counts).toEqual([{ client_count: 0 }]);
    await app.stop();
  });
});

describe('an application that joins a session while its logout waits for the lock', () => {
  it('is told, too', async () => {
    const party = await StubRelyingParty.start();
    const app = await TestApp.start();
    const [first, joining] = [await clientOf(app, party), await clientOf(app, party)];
    const { accountId, browser } = await someoneAt(app, [first]);
    const holder = new pg.Client({ connectionString: app.db.url });
    await holder.connect();
    await holder.query('BEGIN');
    const { rows } = await holder.query<{ id: string }>(
      'UPDATE sessions SET client_count = client_count + 1 WHERE account_id = $1 RETURNING id',
      [accountId],
    );
    const signedOut = signOut(browser);
    await untilWaiting(app.db);
    await holder.query(
      `INSERT INTO session_clients (account_id, session_id, client_id, sid, joined_at) VALUES ($1, $2, $3, 'late', now())`,
      [accountId, rows[0]?.id, joining.clientId],
    );
    await holder.query('COMMIT');
    await holder.end();
    await signedOut;
    await app.sendDue();
    const told = party.received
      .filter(({ claims }) => claims.sub === accountId)
      .map(({ claims }) => String(claims.aud));
    expect(told.toSorted()).toEqual([first.clientId, joining.clientId].toSorted());
    await app.stop();
    await party.stop();
  });
});

describe('the migration that counts participants again', () => {
  it('mends what is wrong and leaves the rest as it is', async () => {
    const app = await TestApp.start();
    const client = await app.createClient();
    const [wrong, right] = [await someoneAt(app, [client]), await someoneAt(app, [client])];
    const countOf = async ({ accountId }: SignedIn) =>
      (await app.db.query('SELECT client_count, xmin::text FROM sessions WHERE account_id = $1', [accountId]))[0];
    await app.db.query('UPDATE sessions SET client_count = 2 WHERE account_id = $1', [wrong.accountId]);
    const untouched = await countOf(right);
    const runner = { query: (sql: string) => app.db.query(sql) } as unknown as QueryRunner;
    await new RecountParticipants1795260800001().up(runner);
    expect(await countOf(wrong)).toMatchObject({ client_count: 1 });
    expect(await countOf(right)).toEqual(untouched);
    await app.stop();
  });
});
