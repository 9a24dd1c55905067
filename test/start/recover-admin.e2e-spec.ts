import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createTestDatabase } from '../support/database.js';
import { aDataDirectory, ADMIN_ENV, buildOnce, Operator, remove, Service, tokenRequest } from './service.js';

vi.setConfig({ testTimeout: 60_000 });

const RECOVER = ['dist/src/cli/recover-admin.js'];
const SECRET = /client id {12}(\S+)\n {2}client secret {8}(\S+)\n/;

describe('npm run admin:recover', () => {
  let dataDir: string;

  beforeAll(buildOnce);
  beforeEach(() => {
    dataDir = aDataDirectory();
  });
  afterEach(() => remove(dataDir));

  async function recover(env: Record<string, string>, ...args: string[]) {
    const command = await Service.launch(env, { args: [...RECOVER, ...args] });
    const { code } = await command.ended;
    const [, clientId = '', secret = ''] = SECRET.exec(command.output) ?? [];
    return { code, output: command.output, clientId, secret };
  }

  it('beside a running service: the secret that it prints works at once, the one before does not', async () => {
    const env = { EXEUNT_DATA_DIR: dataDir, ...ADMIN_ENV };
    const service = await Service.start(env);
    const recovered = await recover(env);
    expect(recovered).toMatchObject({ code: 0, clientId: ADMIN_ENV.EXEUNT_ADMIN_CLIENT_ID });
    const operator = await Operator.at(service.base, recovered.clientId, recovered.secret);
    const { items } = await operator.call<{ items: unknown[] }>('GET', '/audit-events?event=admin_recovered');
    expect(items).toMatchObject([{ outcome: 'done', details: { client_id: recovered.clientId } }]);
    await vi.waitFor(async () =>
      expect((await tokenRequest(service.base, recovered.clientId, ADMIN_ENV.EXEUNT_ADMIN_CLIENT_SECRET)).status).toBe(
        401,
      ),
    );
    await service.stop();
    const again = await Service.start(env);
    await Operator.at(again.base, recovered.clientId, recovered.secret);
    await again.stop();
  });

  it('makes a client of another id where it is named, in the database of DATABASE_URL', async () => {
    const db = await createTestDatabase();
    const recovered = await recover({ DATABASE_URL: db.url }, '--client-id', 'back-door-key');
    expect(recovered).toMatchObject({ code: 0, clientId: 'back-door-key' });
    const rows = await db.query("SELECT metadata ->> 'scope' AS scope FROM clients WHERE client_id = 'back-door-key'");
    expect(rows).toEqual([{ scope: 'exeunt:admin' }]);
    expect(await db.query("SELECT 1 FROM audit_events WHERE event = 'admin_recovered'")).toHaveLength(1);
    await db.drop();
  });

  it('makes no database: it says that there is none, and where to set which one is meant', async () => {
    const recovered = await recover({ EXEUNT_DATA_DIR: dataDir });
    expect(recovered.code).toBe(1);
    expect(recovered.output).toContain('DATABASE_URL');
    expect(existsSync(join(dataDir, 'postgres'))).toBe(false);
    const db = await createTestDatabase({ empty: true });
    const empty = await recover({ DATABASE_URL: db.url });
    expect([empty.code, empty.output]).toEqual([1, expect.stringContaining('start the service')]);
    expect(await db.query("SELECT 1 FROM information_schema.tables WHERE table_schema = 'public'")).toEqual([]);
    await db.drop();
  });
});
