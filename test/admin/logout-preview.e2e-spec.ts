import { randomUUID } from 'node:crypto';
import { TransactionRunner, type Tx } from '../../src/platform/database/transaction.js';
import { LogoutPreviewService } from '../../src/domain/logout/insight/logout-preview.service.js';
import { LogoutService } from '../../src/domain/logout/command/logout.service.js';
import type { LogoutPreview } from '../../src/domain/logout/insight/logout-preview.js';
import { type LogoutTarget, type TerminationCause } from '../../src/domain/logout/command/logout.js';
import { clientOf, OFFLINE, someoneAt, type SignedIn } from '../back-channel-logout/scene.js';
import { signOut } from '../rp-initiated-logout/end-session.js';
import { TestApp, type Answer, type TestClient } from '../support/app.js';
import { TERMINATION_CAUSES } from '../support/causes.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';

type Item = Readonly<Record<string, unknown>>;

/** What a logout did, as far as a preview speaks of it. */
interface Effect {
  readonly sessions: readonly string[];
  readonly grants: readonly string[];
  readonly notices: readonly string[];
  readonly counts: readonly number[];
}

class Undo extends Error {}

describe('the preview of a logout', () => {
  let app: TestApp;
  let party: StubRelyingParty;
  let token: string;
  let told: TestClient;
  let silent: TestClient;
  let offline: TestClient;
  let deleted: TestClient;
  let choosy: TestClient;
  let mia: SignedIn;
  let ben: SignedIn;
  let over: SignedIn;
  let upstreamId: string;
  let targets: readonly LogoutTarget[];

  /** Two people, three sessions that go on, one that is over, and clients of every sort. */
  beforeAll(async () => {
    [app, party] = await Promise.all([TestApp.start(), StubRelyingParty.start()]);
    token = await app.adminToken();
    told = await clientOf(app, party);
    silent = await clientOf(app, party, { backchannel_logout_uri: undefined });
    offline = await clientOf(app, party, { scope: 'openid offline_access' });
    deleted = await clientOf(app, party);
    choosy = await clientOf(app, party, { backchannel_logout_causes: ['admin', 'password_changed'] });
    mia = await someoneAt(app, [told, silent, deleted, choosy]);
    await app.signInTo(mia.browser, offline, mia.login, OFFLINE);
    const elsewhere = app.browser();
    await app.signInTo(elsewhere, told, mia.login);
    await app.signInTo(elsewhere, told, mia.login);
    await app.codeFor(elsewhere, silent, mia.login);
    ben = await someoneAt(app, [told]);
    over = await someoneAt(app, [told]);
    await signOut(over.browser);
    await app.sendDue();
    await app.db.query('UPDATE clients SET deleted_at = now() WHERE client_id = $1', [deleted.clientId]);
    upstreamId = randomUUID();
    await app.db.query(
      `INSERT INTO session_upstreams (account_id, session_id, issuer, upstream_id, sub, sid, id_token, authenticated_at)
       SELECT account_id, id, 'https://up.example.com', $2, 'up-sub', 'up-sid', 'x', now() FROM sessions WHERE account_id = $1`,
      [ben.accountId, upstreamId],
    );
    targets = await everyTarget();
  });
  afterAll(async () => {
    await app.stop();
    await party.stop();
  });

  const column = async (sql: string, values: unknown[] = []): Promise<string[]> =>
    (await app.db.query<{ id: string }>(sql, values)).map(({ id }) => id);
  const sessionsOf = (accountId: string): Promise<string[]> =>
    column('SELECT id FROM sessions WHERE account_id = $1 ORDER BY created_at, id', [accountId]);
  const grantsOf = (clientId: string): Promise<string[]> =>
    column('SELECT id FROM grants WHERE client_id = $1 AND account_id = $2 ORDER BY id', [clientId, mia.accountId]);

  async function everyTarget(): Promise<LogoutTarget[]> {
    const sessions = [...(await sessionsOf(mia.accountId)), ...(await sessionsOf(over.accountId)), randomUUID()];
    const grants = [
      ...(await app.db.query<{ accountId: string; grantId: string }>(
        'SELECT account_id AS "accountId", id AS "grantId" FROM grants',
      )),
      { accountId: randomUUID(), grantId: randomUUID() },
    ];
    const cookies = await app.db.query<{ accountId: string; cookieHash: Buffer }>(
      'SELECT account_id AS "accountId", cookie_hash AS "cookieHash" FROM sessions',
    );
    const [part] = await app.db.query<{ accountId: string; sid: string }>(
      'SELECT account_id AS "accountId", sid FROM session_clients WHERE client_id = $1',
      [told.clientId],
    );
    return [
      ...cookies.map((cookie): LogoutTarget => ({ kind: 'cookie', ...cookie })),
      ...sessions.map((sessionId): LogoutTarget => ({ kind: 'session', sessionId })),
      ...grants.map((grant): LogoutTarget => ({ kind: 'grant', ...grant })),
      ...[mia, ben, over].map(({ accountId }): LogoutTarget => ({ kind: 'account', accountId })),
      { kind: 'account', accountId: mia.accountId, exceptSessionId: sessions[0]! },
      { kind: 'account-session', accountId: mia.accountId, sessionId: sessions[0]! },
      { kind: 'account-session', accountId: ben.accountId, sessionId: sessions[0]! },
      ...[told, silent, offline, deleted].map(({ clientId }): LogoutTarget => ({ kind: 'client', clientId })),
      { kind: 'client-session', clientId: told.clientId, ...part! },
      { kind: 'client-session', clientId: told.clientId, accountId: ben.accountId, sid: part!.sid },
      { kind: 'client-offline', clientId: offline.clientId },
      { kind: 'account-client', accountId: mia.accountId, clientId: told.clientId },
      { kind: 'account-client', accountId: mia.accountId, clientId: offline.clientId },
      { kind: 'account-client', accountId: ben.accountId, clientId: offline.clientId },
      { kind: 'surplus', accountId: mia.accountId, newSessionId: sessions[1]!, limit: 1 },
      { kind: 'upstream', upstreamId },
      { kind: 'upstream-session', issuer: 'https://up.example.com', sid: 'up-sid' },
      { kind: 'upstream-session', issuer: 'https://up.example.com', sid: 'up-sid', sub: 'somebody-else' },
      { kind: 'upstream-subject', issuer: 'https://up.example.com', sub: 'up-sub' },
    ];
  }

  /** Does it for good, looks at what happened, and has it undone. */
  async function effectOf(target: LogoutTarget, cause: TerminationCause): Promise<Effect> {
    const ids = async (tx: Tx, sql: string): Promise<string[]> =>
      (await tx.manager.query<{ id: string }[]>(sql)).map(({ id }) => id);
    const ENDED = 'SELECT id FROM sessions WHERE terminated_at IS NOT NULL';
    const REVOKED = 'SELECT id FROM grants WHERE revoked_at IS NOT NULL';
    const before = await app.app
      .get(TransactionRunner)
      .run(async (tx) => [await ids(tx, ENDED), await ids(tx, REVOKED)]);
    let effect: Effect | undefined;
    const command = { target, cause, initiator: { kind: 'system' } } as const;
    const after = async (tx: Tx): Promise<void> => {
      const [record] = await tx.manager.query<
        { id: string; sessions: number; grants_revoked: number; deliveries: number }[]
      >('SELECT * FROM session_terminations ORDER BY id DESC LIMIT 1');
      const notices = await tx.manager.query<{ client_id: string; sid: string }[]>(
        `SELECT client_id, sid FROM logout_deliveries WHERE termination_id = $1 AND state = 'pending'`,
        [record?.id],
      );
      const sessions = (await ids(tx, ENDED)).filter((id) => !before[0]!.includes(id));
      const grants = (await ids(tx, REVOKED)).filter((id) => !before[1]!.includes(id));
      const happened = sessions.length + grants.length + notices.length > 0;
      effect = {
        sessions: sessions.sort(),
        grants: grants.sort(),
        notices: notices.map(({ client_id, sid }) => `${client_id} ${sid}`).sort(),
        counts: happened ? [record!.sessions, record!.grants_revoked, record!.deliveries] : [0, 0, 0],
      };
      throw new Undo();
    };
    await expect(app.app.get(LogoutService).logoutAny(command, { after })).rejects.toThrow(Undo);
    return effect!;
  }

  function foretold(preview: LogoutPreview): Effect {
    const { sessionList, grantList, applicationList } = preview;
    return {
      sessions: sessionList
        .filter(({ reason }) => reason === 'session_ends')
        .map(({ sessionId }) => sessionId)
        .sort(),
      grants: grantList
        .filter(({ reason }) => reason === 'grant_revoked')
        .map(({ grantId }) => grantId)
        .sort(),
      notices: applicationList
        .filter(({ reason }) => reason === 'will_be_notified')
        .map(({ clientId, sid }) => `${clientId} ${sid}`)
        .sort(),
      counts: [preview.sessions, preview.grantsRevoked, preview.deliveries],
    };
  }

  /** Every row of what a logout touches. */
  const world = async (): Promise<unknown> =>
    Promise.all(
      ['sessions', 'grants', 'session_clients', 'session_terminations', 'logout_deliveries', 'audit_events'].map(
        (table) => app.db.query(`SELECT * FROM ${table} t ORDER BY t::text`),
      ),
    );

  it.each(TERMINATION_CAUSES)(
    'agrees with the logout, whatever the target, by %s; and changes nothing',
    async (cause) => {
      const before = [await world(), await app.rowCounts()];
      const kinds = new Set<string>();
      let touched = 0;
      for (const target of targets) {
        const preview = await app.app.get(LogoutPreviewService).preview(target, cause);
        expect([await world(), await app.rowCounts()]).toEqual(before);
        const effect = await effectOf(target, cause);
        expect([target, foretold(preview)]).toEqual([target, effect]);
        kinds.add(target.kind);
        touched += effect.sessions.length + effect.grants.length;
      }
      expect(kinds.size).toBeGreaterThanOrEqual(9);
      expect(touched).toBeGreaterThan(20);
    },
  );

  describe('over HTTP', () => {
    const call = (method: string, path: string, body?: unknown): Promise<Answer> =>
      app.json(method, `/admin/v1${path}`, { token, body });
    const preview = (body: unknown): Promise<Answer> => call('POST', '/logout-preview', body);
    const reasonsOf = (answer: Answer, list: string, key: string): Record<string, string> =>
      Object.fromEntries((answer.body[list] as Record<string, string>[]).map((item) => [item[key]!, item.reason!]));

    it('says of each application, grant and session what becomes of it, and why', async () => {
      const [sessionId] = await sessionsOf(mia.accountId);
      const answer = await preview({ session_id: sessionId, cause: 'admin' });
      expect(answer.status).toBe(200);
      expect(answer.body).toMatchObject({
        cause: 'admin',
        sessions: 1,
        grants_revoked: 4,
        deliveries: 3,
        session_list: [{ session_id: sessionId, account_id: mia.accountId, reason: 'session_ends' }],
      });
      expect(reasonsOf(answer, 'application_list', 'client_id')).toEqual({
        [told.clientId]: 'will_be_notified',
        [offline.clientId]: 'will_be_notified',
        [choosy.clientId]: 'will_be_notified',
        [silent.clientId]: 'no_backchannel_uri',
        [deleted.clientId]: 'client_deleted',
      });
      expect(reasonsOf(answer, 'grant_list', 'client_id')).toEqual({
        [told.clientId]: 'grant_revoked',
        [silent.clientId]: 'grant_revoked',
        [deleted.clientId]: 'grant_revoked',
        [choosy.clientId]: 'grant_revoked',
        [offline.clientId]: 'grant_offline_kept',
      });
      const channels = (answer.body.application_list as Item[]).map(({ client_id: id, channels: by }) => [id, by]);
      expect(Object.fromEntries(channels)).toEqual({
        [told.clientId]: ['back'],
        [offline.clientId]: ['back'],
        [choosy.clientId]: ['back'],
        [silent.clientId]: [],
        [deleted.clientId]: [],
      });
    });

    it('the cause decides about offline grants', async () => {
      const [sessionId] = await sessionsOf(mia.accountId);
      const answer = await preview({ session_id: sessionId, cause: 'password_changed' });
      expect(answer.body).toMatchObject({ grants_revoked: 5 });
      expect(reasonsOf(answer, 'grant_list', 'client_id')[offline.clientId]).toBe('grant_revoked');
    });

    it('the cause decides whether somebody wants to hear of it', async () => {
      const [sessionId] = await sessionsOf(mia.accountId);
      const { body } = await preview({ session_id: sessionId, cause: 'self_service' });
      expect(body).toMatchObject({ deliveries: 2 });
      expect(body.application_list).toContainEqual(
        expect.objectContaining({ client_id: choosy.clientId, reason: 'cause_not_wanted', channels: [] }),
      );
    });

    it('a person at one client: the sessions go on', async () => {
      const answer = await preview({ account_id: mia.accountId, client_id: told.clientId, cause: 'consent_withdrawn' });
      const grants = (answer.body.grant_list as Item[]).map(({ client_id: id, reason }) => [id, reason]);
      expect(answer.body).toMatchObject({ sessions: 0, grants_revoked: grants.length, deliveries: 2 });
      expect(new Set(grants.flat())).toEqual(new Set([told.clientId, 'grant_revoked']));
    });

    it('a client that is deleted: its sessions go on without it', async () => {
      const answer = await preview({ client_id: told.clientId, cause: 'client_deleted' });
      expect(answer.body).toMatchObject({ sessions: 0, deliveries: 3 });
      const sessions = Object.values(reasonsOf(answer, 'session_list', 'session_id'));
      expect(new Set(sessions)).toEqual(new Set(['session_goes_on']));
      const applications = reasonsOf(answer, 'application_list', 'client_id');
      expect(applications).toMatchObject({ [told.clientId]: 'will_be_notified', [silent.clientId]: 'session_goes_on' });
    });

    it('a session that is over already, and a grant', async () => {
      const [sessionId] = await sessionsOf(over.accountId);
      const session = await preview({ session_id: sessionId, cause: 'admin' });
      expect(session.body).toMatchObject({ sessions: 0, grants_revoked: 0, deliveries: 0, application_list: [] });
      expect(session.body.session_list).toMatchObject([{ session_id: sessionId, reason: 'session_already_ended' }]);
      const [grantId] = await column('SELECT id FROM grants WHERE account_id = $1', [over.accountId]);
      const grant = await preview({ grant_id: grantId, cause: 'code_reuse' });
      expect(grant.body.grant_list).toMatchObject([{ grant_id: grantId, reason: 'grant_already_revoked' }]);
    });

    it('a grant that this cause leaves alone', async () => {
      const [grantId] = await grantsOf(offline.clientId);
      const { body } = await preview({ grant_id: grantId, cause: 'admin' });
      expect(body).toMatchObject({
        grants_revoked: 0,
        grant_list: [{ grant_id: grantId, reason: 'grant_offline_kept' }],
      });
    });

    it.each<[string, () => Record<string, string>]>([
      ['session', () => ({ session_id: randomUUID() })],
      ['account', () => ({ account_id: randomUUID() })],
      ['client', () => ({ client_id: 'nobody' })],
      ['grant', () => ({ grant_id: randomUUID() })],
      ['upstream', () => ({ upstream: 'nobody' })],
    ])('404 for a %s that there is not', async (_name, target) => {
      expect((await preview({ ...target(), cause: 'admin' })).status).toBe(404);
    });

    it.each<[string, unknown]>([
      ['no target', { cause: 'admin' }],
      ['two targets', { session_id: randomUUID(), client_id: 'ledger', cause: 'admin' }],
      ['no cause', { session_id: randomUUID() }],
      ['a cause that there is not', { session_id: randomUUID(), cause: 'whim' }],
      ['a session that is no id', { session_id: 'x', cause: 'admin' }],
      ['something unheard of', { session_id: randomUUID(), cause: 'admin', everything: true }],
    ])('400 for %s', async (_name, body) => expect((await preview(body)).status).toBe(400));

    it('the lists are cut, the counts are not', async () => {
      const { accountId } = await someoneAt(app, [told]);
      await app.db.query(
        `INSERT INTO sessions SELECT (s.r).* FROM (
           SELECT jsonb_populate_record(t, jsonb_build_object('id', gen_random_uuid(), 'cookie_hash', '\\x' || encode(sha256(i::text::bytea), 'hex'), 'client_count', 0)) AS r
             FROM sessions t, generate_series(1, 250) i WHERE t.account_id = $1) s`,
        [accountId],
      );
      const { body } = await preview({ account_id: accountId, cause: 'admin' });
      expect([body.sessions, (body.session_list as Item[]).length]).toEqual([251, 200]);
    });

    it('and then the operator does it: the same counts', async () => {
      const body = { account_id: mia.accountId, cause: 'admin' };
      const { sessions, grants_revoked, deliveries } = (await preview(body)).body;
      const done = await call('DELETE', `/sessions?account_id=${mia.accountId}`);
      expect(done.body).toMatchObject({ sessions, grants_revoked, deliveries });
      expect([sessions, deliveries]).toEqual([2, 4]);
      expect((await preview(body)).body).toMatchObject({ sessions: 0, grants_revoked: 0, deliveries: 0 });
    });
  });
});
