import { SessionActivity } from '../../src/domain/sessions/session-activity.js';
import { Retention } from '../../src/platform/database/retention.js';
import { SessionTerminationRepository } from '../../src/domain/logout/termination/session-termination.repository.js';
import { TestApp } from '../support/app.js';
import { DAY, MINUTE, SECOND } from '../support/clock.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { promptNone } from '../rp-initiated-logout/end-session.js';
import { clientOf, deliveriesTo, OFFLINE, someoneAt, terminationsOf } from './scene.js';

describe('sessions that expire (threat-model#expiry-unnoticed)', () => {
  let app: TestApp;
  let other: TestApp;
  let party: StubRelyingParty;

  beforeAll(async () => {
    [app, party] = await Promise.all([TestApp.start(), StubRelyingParty.start()]);
    other = await TestApp.start({}, { db: app.db, clock: app.clock });
  });
  afterEach(async () => {
    // Whatever a test has left behind ends with it.
    app.clock.advance(30 * DAY);
    await app.sweepExpired();
  });
  afterAll(async () => {
    await other.stop();
    await Promise.all([app.stop(), party.stop()]);
  });

  const received = (accountId: string) => party.received.filter(({ claims }) => claims.sub === accountId);

  it('idle: on record with its cause, the grant falls, the offline one stays, each application is told once', async () => {
    const [client, offlineClient, silent] = await Promise.all([
      clientOf(app, party),
      clientOf(app, party),
      app.createClient(),
    ]);
    const { accountId, login, browser, tokens } = await someoneAt(app, [client, silent]);
    const offline = await app.signInTo(browser, offlineClient, login, OFFLINE);
    await app.app.get(SessionActivity).flush();
    app.clock.advance(app.settings.sessionIdleMs + MINUTE);
    expect(await promptNone(app, browser, client)).toBe('login_required');
    expect(await terminationsOf(app, accountId)).toEqual([]);

    expect(await app.sweepExpired()).toBe(1);
    expect(await terminationsOf(app, accountId)).toMatchObject([
      { cause: 'session_idle', initiator: { kind: 'system' }, sessions: 1, grants_revoked: 2, deliveries: 2 },
    ]);
    const [termination] = await terminationsOf(app, accountId);
    const [session] = await app.db.query('SELECT * FROM sessions WHERE account_id = $1', [accountId]);
    expect(session).toMatchObject({ termination_id: termination?.id, terminated_at: app.clock.now() });
    const grants = await app.db.query('SELECT offline, revoked_cause FROM grants WHERE account_id = $1 ORDER BY 1', [
      accountId,
    ]);
    expect(grants).toEqual([
      { offline: false, revoked_cause: 'session_idle' },
      { offline: false, revoked_cause: 'session_idle' },
      { offline: true, revoked_cause: null },
    ]);
    expect((await app.refresh(client, tokens[0]!.refresh_token)).status).toBe(400);
    expect((await app.refresh(offlineClient, offline.refresh_token)).status).toBe(200);
    for (const { clientId } of [client, offlineClient])
      expect(await deliveriesTo(app, clientId)).toMatchObject([
        { state: 'delivered', attempts: 1, sub: accountId, termination_id: termination?.id },
      ]);
    expect(await deliveriesTo(app, silent.clientId)).toEqual([]);
    expect(received(accountId)).toHaveLength(2);

    expect(await app.sweepExpired()).toBe(0);
    expect(await terminationsOf(app, accountId)).toHaveLength(1);
    expect(received(accountId)).toHaveLength(2);
  });

  it('full age, however busy: session_expired', async () => {
    const client = await clientOf(app, party);
    const { accountId, browser } = await someoneAt(app, [client]);
    const activity = app.app.get(SessionActivity);
    for (let days = 0; days < 13; days += 1) {
      app.clock.advance(DAY);
      expect(await promptNone(app, browser, client)).toBe('code');
      await activity.flush();
      expect(await app.sweepExpired()).toBe(0);
    }
    app.clock.advance(DAY - SECOND);
    expect(await app.sweepExpired()).toBe(0);
    app.clock.advance(SECOND);
    // At once: no activity that somebody has yet to write could make it longer.
    expect(await app.sweepExpired()).toBe(1);
    expect(await terminationsOf(app, accountId)).toMatchObject([{ cause: 'session_expired', deliveries: 1 }]);
    expect(received(accountId)).toHaveLength(1);
  });

  it('leaves the sessions alone that go on, of the same person too', async () => {
    const client = await clientOf(app, party);
    const { accountId, login } = await someoneAt(app, [client]);
    app.clock.advance(app.settings.sessionIdleMs - MINUTE);
    const phone = app.browser();
    const onPhone = await app.signInTo(phone, client, login);
    app.clock.advance(2 * MINUTE);
    expect(await app.sweepExpired()).toBe(1);
    expect(await app.isActive(client, onPhone.access_token)).toBe(true);
    expect(await promptNone(app, phone, client)).toBe('code');
    expect(await terminationsOf(app, accountId)).toHaveLength(1);
    expect(received(accountId)).toHaveLength(1);
  });

  it('does not end a session for idleness whose activity another node has yet to write', async () => {
    const client = await clientOf(app, party);
    const { accountId, browser } = await someoneAt(app, [client]);
    await app.app.get(SessionActivity).flush();
    app.clock.advance(app.settings.sessionIdleMs - SECOND);
    expect(await promptNone(app, browser, client)).toBe('code');
    app.clock.advance(16 * SECOND);
    expect(await other.sweepExpired()).toBe(0);
    await app.app.get(SessionActivity).flush();
    app.clock.advance(2 * MINUTE);
    expect(await other.sweepExpired()).toBe(0);
    expect(await promptNone(app, browser, client)).toBe('code');
    expect(await terminationsOf(app, accountId)).toEqual([]);
  });

  it('has the applications told within a minute', async () => {
    const client = await clientOf(app, party);
    const { accountId } = await someoneAt(app, [client]);
    await app.app.get(SessionActivity).flush();
    const { loadSettings } = await import('../../src/platform/config/settings.js');
    const sweepMs = loadSettings({}).sessionExpirySweepMs;
    app.clock.advance(app.settings.sessionIdleMs + MINUTE - sweepMs);
    expect(await app.sweepExpired()).toBe(1);
    expect(received(accountId)).toHaveLength(1);
  });

  it('two nodes that sweep at once share the work: each session has one record, each application one notice', async () => {
    const client = await clientOf(app, party);
    const n = 1300;
    const { id } = await app.createAccount();
    const now = app.clock.now();
    await app.db.query(
      `WITH made AS (
         INSERT INTO sessions (id, account_id, cookie_hash, authenticated_at, amr, created_at, last_seen_at, idle_expires_at, expires_at, client_count)
         SELECT gen_random_uuid(), $1, sha256(i::text::bytea), $2, '{pwd}', $2, $2, $2, $2, 1 FROM generate_series(1, $3) i RETURNING id
       )
       INSERT INTO session_clients (account_id, session_id, client_id, sid, joined_at) SELECT $1, id, $4, 'sid-' || id, $2 FROM made`,
      [id, now, n, client.clientId],
    );
    const sweeps = [app, other, app, other].map((node) => node.sweepExpired());
    await Promise.all(sweeps);
    await Promise.all([app.sweepExpired(), other.sweepExpired()]);
    const terminations = await terminationsOf(app, id);
    expect(terminations).toHaveLength(n);
    expect(new Set(terminations.map((row) => `${row.cause} ${row.sessions} ${row.deliveries}`))).toEqual(
      new Set(['session_expired 1 1']),
    );
    const [linked] = await app.db.query<{ n: number }>(
      `SELECT count(DISTINCT s.termination_id)::int AS n FROM sessions s JOIN session_terminations t ON t.id = s.termination_id
        WHERE s.account_id = $1`,
      [id],
    );
    expect(linked?.n).toBe(n);
    while ((await deliveriesTo(app, client.clientId)).some(({ state }) => state === 'pending')) {
      app.clock.advance(MINUTE);
      await Promise.all([app.sendDue(), other.sendDue()]);
    }
    expect(received(id)).toHaveLength(n);
    expect(new Set(received(id).map(({ claims }) => claims.sid)).size).toBe(n);
  });

  it('does not wait for a session that is being ended at the moment, and finds it later', async () => {
    const client = await clientOf(app, party);
    const { accountId } = await someoneAt(app, [client]);
    app.clock.advance(15 * DAY);
    const pg = await import('pg');
    const holder = new pg.default.Client({ connectionString: app.db.url });
    await holder.connect();
    await holder.query('BEGIN');
    await holder.query('SELECT 1 FROM sessions WHERE account_id = $1 FOR UPDATE', [accountId]);
    expect(await app.sweepExpired()).toBe(0);
    await holder.query('COMMIT');
    await holder.end();
    expect(await app.sweepExpired()).toBe(1);
  });

  it('tells an application, too, that joins while the session is about to be swept', async () => {
    const [client, joining] = [await clientOf(app, party), await clientOf(app, party)];
    const { accountId, browser, login } = await someoneAt(app, [client]);
    await app.signInTo(browser, joining, login);
    app.clock.advance(15 * DAY);
    expect(await app.sweepExpired()).toBe(1);
    expect(received(accountId)).toHaveLength(2);
  });

  it('a storage failure ends nothing and is no success', async () => {
    const client = await clientOf(app, party);
    const { accountId } = await someoneAt(app, [client]);
    app.clock.advance(15 * DAY);
    await app.db.query('ALTER TABLE logout_deliveries RENAME TO gone');
    await expect(app.sweepExpired()).rejects.toThrow();
    await app.db.query('ALTER TABLE gone RENAME TO logout_deliveries');
    const [session] = await app.db.query('SELECT terminated_at FROM sessions WHERE account_id = $1', [accountId]);
    expect(session).toEqual({ terminated_at: null });
    expect(await app.sweepExpired()).toBe(1);
    expect(received(accountId)).toHaveLength(1);
  });

  it('retention keeps what has expired until its applications were told', async () => {
    const client = await clientOf(app, party);
    const { accountId } = await someoneAt(app, [client]);
    app.clock.advance(60 * DAY);
    const retention = app.app.get(Retention);
    const count = async () => (await app.db.query('SELECT 1 FROM sessions WHERE account_id = $1', [accountId])).length;
    await retention.sweep();
    expect(await count()).toBe(1);
    expect(await app.sweepExpired()).toBe(1);
    await retention.sweep();
    expect(await count()).toBe(1);
    app.clock.advance(31 * DAY);
    await retention.sweep();
    expect(await count()).toBe(0);
  });

  it('sweeps by itself at the interval that is set, and not at all when it is 0', async () => {
    const terminations = other.app.get(SessionTerminationRepository);
    const swept = vi.spyOn(terminations, 'terminateEach');
    const node = await TestApp.start({ sessionExpirySweepMs: 20 }, { db: app.db, clock: app.clock });
    const client = await clientOf(app, party);
    const { accountId } = await someoneAt(app, [client]);
    app.clock.advance(15 * DAY);
    await vi.waitFor(async () => expect(await terminationsOf(app, accountId)).toHaveLength(1), { timeout: 10_000 });
    await node.stop();
    expect(swept).not.toHaveBeenCalled();
  });
});
