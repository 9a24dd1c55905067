import { TestApp, type Answer, type TestClient } from '../support/app.js';
import type { Page } from '../support/http.js';
import { Pair } from '../support/pair.js';
import { StatementCounter } from '../support/statement-counter.js';
import { declaredStatements } from '../../src/platform/database/statement.js';
import { atPrimary, durably } from '../../src/platform/database/durability.js';
import { Replication } from '../../src/platform/database/replication.js';
import { describe as describeStatement } from '../../src/platform/database/statement-check.js';
import pg from 'pg';

vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

/** What a promise has come to so far. */
function watch<Answered extends { readonly status: number }>(
  work: Promise<Answered>,
): { readonly done: Promise<Answered>; status: number | undefined } {
  const watched = { done: work, status: undefined as number | undefined };
  void work.then(({ status }) => (watched.status = status));
  return watched;
}

describe('LOGOUT_DURABILITY, on a primary with one standby', () => {
  let pair: Pair;
  let unset: TestApp;
  let local: TestApp;
  let replicated: TestApp;
  const admins = new Map<TestApp, string>();
  let client: TestClient;

  beforeAll(async () => {
    pair = await Pair.start();
    // The commits of everything else wait for no standby.
    await pair.db.query(`ALTER ROLE exeunt SET synchronous_commit = 'local'`);
    const shared = { db: pair.db };
    unset = await TestApp.start({}, shared);
    const { clock } = unset;
    local = await TestApp.start({ logoutDurability: 'local' }, { ...shared, clock });
    replicated = await TestApp.start({ logoutDurability: 'replicated' }, { ...shared, clock });
    await pair.synchronous(true);
    for (const app of [unset, local, replicated]) admins.set(app, await app.adminToken());
    client = await replicated.createClient();
  });
  afterAll(async () => {
    pair.answer();
    await Promise.all([unset.stop(), local.stop(), replicated.stop()]);
    await pair.stop();
  });
  afterEach(() => pair.answer());

  async function signedIn(app: TestApp) {
    const { login, id } = await app.createAccount();
    const tokens = await app.signInTo(app.browser(), client, login);
    const [session] = await pair.db.query<{ id: string }>('SELECT id FROM sessions WHERE account_id = $1', [id]);
    return { id, login, tokens, session: session?.id ?? '' };
  }
  const end = (app: TestApp, session: string): Promise<Answer> =>
    app.json('DELETE', `/admin/v1/sessions/${session}`, { token: admins.get(app) });

  it('replicated: a logout waits for the standby; sign-ins and introspection do not', async () => {
    const { session, tokens, login } = await signedIn(replicated);
    await pair.silence();
    const logout = watch(end(replicated, session));
    await vi.waitFor(async () => expect(await pair.waiting()).toHaveLength(1));
    expect(await replicated.isActive(client, tokens.access_token)).toBe(true);
    expect(await replicated.codeFor(replicated.browser(), client, login)).not.toBe('');
    expect(logout.status).toBeUndefined();
    pair.answer();
    expect((await logout.done).status).toBeLessThan(300);
    expect(await replicated.isActive(client, tokens.access_token)).toBe(false);
  });

  it.each(['unset', 'local'] as const)('%s: it is answered at once', async (name) => {
    const app = { unset, local }[name];
    const { session } = await signedIn(app);
    await pair.silence();
    expect((await end(app, session)).status).toBeLessThan(300);
  });

  it('local: also where the cluster waits for everything', async () => {
    const { session } = await signedIn(local);
    const waits = `SET synchronous_commit TO 'on'`;
    await pair.db.query(`ALTER ROLE exeunt ${waits}`);
    const strict = await TestApp.start({ logoutDurability: 'local' }, { db: pair.db, clock: unset.clock });
    admins.set(strict, await strict.adminToken());
    await pair.silence();
    expect((await end(strict, session)).status).toBeLessThan(300);
    pair.answer();
    await pair.db.query(`ALTER ROLE exeunt SET synchronous_commit = 'local'`);
    await strict.stop();
  });

  it('replicated: a wait that is cancelled is no success, and a repeat waits again', async () => {
    const { session, tokens } = await signedIn(replicated);
    await pair.silence();
    const logout = watch(end(replicated, session));
    await vi.waitFor(async () => expect(await pair.waiting()).toHaveLength(1));
    const [pid] = await pair.waiting();
    await pair.db.query('SELECT pg_cancel_backend($1)', [pid]);
    const { status, headers } = await logout.done;
    expect(status).toBe(503);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    // It is over here, and a failover may undo that.
    expect(await replicated.isActive(client, tokens.access_token)).toBe(false);
    const repeated = watch(end(replicated, session));
    await vi.waitFor(async () => expect(await pair.waiting()).toHaveLength(1));
    expect(repeated.status).toBeUndefined();
    pair.answer();
    expect((await repeated.done).status).toBeLessThan(300);
  });

  it('replicated: so does the page that finds nothing left to end', async () => {
    const { login } = await replicated.createAccount();
    const browser = replicated.browser();
    await replicated.signInTo(browser, client, login);
    const dialog = await browser.get('/session/end_session');
    const yes = (): Promise<Page> => browser.submit(dialog, 'logout-yes');
    await pair.silence();
    const logout = watch(yes());
    await vi.waitFor(async () => expect(await pair.waiting()).toHaveLength(1));
    const [pid] = await pair.waiting();
    await pair.db.query('SELECT pg_cancel_backend($1)', [pid]);
    expect((await logout.done).status).toBe(503);
    const repeated = watch(yes());
    await vi.waitFor(async () => expect(await pair.waiting()).toHaveLength(1));
    expect(repeated.status).toBeUndefined();
    pair.answer();
    expect((await repeated.done).status).toBeLessThan(400);
  });

  it('replicated: so in a transaction of several statements', async () => {
    const { id, tokens } = await signedIn(replicated);
    const disable = (): Promise<Answer> =>
      replicated.json('POST', `/admin/v1/accounts/${id}/disable`, { token: admins.get(replicated) });
    await pair.silence();
    const disabled = watch(disable());
    await vi.waitFor(async () => expect(await pair.waiting()).toHaveLength(1));
    const [pid] = await pair.waiting();
    await pair.db.query('SELECT pg_cancel_backend($1)', [pid]);
    expect((await disabled.done).status).toBe(503);
    pair.answer();
    expect((await disable()).status).toBeLessThan(300);
    expect(await replicated.isActive(client, tokens.access_token)).toBe(false);
  });

  it('replicated: a standby that never answers makes it 503, and nothing is left waiting', async () => {
    const { session } = await signedIn(replicated);
    await pair.silence();
    expect((await end(replicated, session)).status).toBe(503);
    await vi.waitFor(async () => expect(await pair.waiting()).toEqual([]), { timeout: 5000 });
  });

  it('replicated: revocation and refresh wait, each in one statement', async () => {
    const { tokens } = await signedIn(replicated);
    const counter = new StatementCounter();
    const requests = [
      () => replicated.refresh(client, tokens.refresh_token),
      () => replicated.form('/revoke', { token: tokens.access_token }, client),
    ];
    const { statements } = await counter.during(async () => {
      for (const request of requests) {
        await pair.silence();
        const waiting = watch(request());
        await vi.waitFor(async () => expect(await pair.waiting()).toHaveLength(1));
        expect(waiting.status).toBeUndefined();
        pair.answer();
        expect((await waiting.done).status).toBe(200);
      }
    });
    counter.restore();
    expect(statements.filter((name) => name.endsWith('_replicated'))).toHaveLength(2);
  });

  it('what a failover can undo is in the log and the metrics, once, and again when it changes', async () => {
    // Nest logs by the application that was started last, whoever speaks.
    const last = await TestApp.start({}, { db: pair.db, clock: unset.clock });
    const { lines } = last.logger;
    const said = async (app: TestApp): Promise<string[]> => {
      lines.length = 0;
      await app.app.get(Replication).look();
      return lines.filter((line) => /failover|waits for a standby again/.test(line));
    };
    const metric = async (app: TestApp, name: string) =>
      new RegExp(`^${name} (\\S+)$`, 'm').exec((await app.json('GET', '/metrics')).text)?.[1];
    await Promise.all([unset, local, replicated].map(said));
    // The role's own setting waits for nobody.
    expect(await metric(unset, 'exeunt_logout_replicated')).toBe('0');
    expect(await metric(local, 'exeunt_logout_replicated')).toBe('0');
    expect(await metric(replicated, 'exeunt_logout_replicated')).toBe('1');
    expect(await metric(replicated, 'exeunt_standbys')).toBe('1');
    await pair.synchronous(false);
    expect(await said(local)).toEqual([]);
    expect(await said(replicated)).toEqual([expect.stringContaining('LOGOUT_DURABILITY=replicated cannot be kept')]);
    expect(await said(replicated)).toEqual([]);
    expect(await metric(replicated, 'exeunt_logout_replicated')).toBe('0');
    expect(await said(unset)).toEqual([expect.stringContaining('waits for none of its standbys')]);
    await pair.synchronous(true);
    expect(await said(replicated)).toEqual([expect.stringContaining('waits for a standby again')]);
    await last.stop();
  });

  it('a standby refuses what only reads, where a pooler may lead to one', async () => {
    const standby = new pg.Client({ connectionString: pair.standby.url });
    await standby.connect();
    expect((await standby.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    await expect(standby.query(atPrimary('SELECT 1 AS n'))).rejects.toMatchObject({ code: '25006' });
    await standby.end();
    expect(await pair.db.query(atPrimary('SELECT 1 AS n'))).toEqual([{ n: 1 }]);
  });

  it('Postgres takes every statement in each form that the settings give it', async () => {
    const postgres = new pg.Client({ connectionString: pair.db.url });
    await postgres.connect();
    onTestFinished(() => postgres.end());
    const statements = declaredStatements().map(({ statement }) => statement);
    expect(statements.filter(({ ends }) => ends).length).toBeGreaterThan(40);
    expect(statements.filter(({ writes }) => !writes).length).toBeGreaterThan(80);
    for (const { text, ends, writes } of statements) {
      const described = await describeStatement(postgres, text);
      const forms = [
        ...(ends ? [durably(text, 'local'), durably(text, 'replicated')] : []),
        ...(writes ? [] : [atPrimary(text)]),
      ];
      for (const form of forms) {
        const { parameters, columns } = await describeStatement(postgres, form);
        expect(parameters).toEqual(described.parameters);
        expect(columns.map(({ name }) => name)).toEqual(described.columns.map(({ name }) => name));
      }
    }
  });
});
