import { TransactionRunner } from '../../src/platform/database/transaction.js';
import { TestApp } from '../support/app.js';
import { Pair } from '../support/pair.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 90_000 });

const LISTS = ['sessions', 'terminations', 'deliveries', 'accounts', 'clients', 'audit-events', 'logout-orders'];

describe('DATABASE_REPLICA_URL', () => {
  let pair: Pair;
  let app: TestApp;
  let token: string;

  beforeAll(async () => {
    pair = await Pair.start();
    await pair.db.query(`ALTER ROLE exeunt SET synchronous_commit = 'local'`);
    app = await TestApp.start({ databaseReplicaUrl: pair.standby.url }, { db: pair.db });
    token = await app.adminToken();
  });
  afterAll(async () => {
    pair.answer();
    await app.stop();
    await pair.stop();
  });
  afterEach(() => pair.answer());

  const answered = (): number => app.app.get(TransactionRunner).replica?.answered ?? 0;
  const list = async (path: string): Promise<string> => {
    const { status, text } = await app.json('GET', `/admin/v1/${path}`, { token });
    expect(status).toBe(200);
    return text;
  };

  it.each(LISTS)('the list of %s is read from the replica', async (path) => {
    // Whatever is under way when a test begins may hold the replica up for longer than a list waits.
    await vi.waitFor(async () => {
      const before = answered();
      await list(path);
      expect(answered()).toBeGreaterThan(before);
    });
  });

  it('shows what was done before, whether or not the replica has it yet', async () => {
    for (let i = 0; i < 10; i += 1) {
      const { login } = await app.createAccount();
      expect(await list('accounts?limit=100')).toContain(login);
    }
    await pair.silence();
    const { login } = await app.createAccount();
    const before = answered();
    expect(await list('accounts?limit=100')).toContain(login);
    expect(answered()).toBe(before);
  });

  it('decides nothing: introspection is of the primary while the replica is behind', async () => {
    const client = await app.createClient();
    const account = await app.createAccount();
    const tokens = await app.signInTo(app.browser(), client, account.login);
    await pair.silence();
    await app.json('DELETE', `/admin/v1/sessions?account_id=${account.id}`, { token });
    expect(await app.isActive(client, tokens.access_token)).toBe(false);
  });

  it('is done without when it is away', async () => {
    const lonely = await TestApp.start(
      { databaseReplicaUrl: 'postgres://exeunt@127.0.0.1:1/exeunt' },
      { db: pair.db, clock: app.clock },
    );
    const answer = await lonely.json('GET', '/admin/v1/accounts', { token: await lonely.adminToken() });
    expect(answer.status).toBe(200);
    expect(lonely.logger.lines.join('\n')).toContain('lists are read from the primary: ECONNREFUSED');
    await lonely.stop();
  });
});
