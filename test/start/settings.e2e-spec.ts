import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { aDataDirectory, ADMIN_ENV, buildOnce, remove, Service, tokenRequest } from './service.js';

vi.setConfig({ testTimeout: 60_000 });

const STRONG = 'a-secret-of-thirty-two-characters-or-more';

describe('a start with settings that cannot be used', () => {
  let dataDir: string;

  beforeAll(() => {
    buildOnce();
    dataDir = aDataDirectory();
  });
  afterAll(() => remove(dataDir));

  it.each<[string, Record<string, string>, string]>([
    ['a port that is no number', { PORT: 'eighty' }, 'PORT'],
    ['a port that the system is to choose, which no issuer could name', { PORT: '0' }, 'PORT'],
    ['no workers', { WORKERS: '0' }, 'WORKERS'],
    ['workers that are no number', { WORKERS: 'many' }, 'WORKERS'],
    ['an issuer that is no URL', { ISSUER: 'example' }, 'ISSUER'],
    ['a short secret', { EXEUNT_SECRET: 'short' }, 'EXEUNT_SECRET'],
    ['a database that is not Postgres', { DATABASE_URL: 'mysql://localhost/x' }, 'DATABASE_URL'],
    ['an administrator’s secret without its id', { EXEUNT_ADMIN_CLIENT_SECRET: STRONG }, 'EXEUNT_ADMIN_CLIENT_ID'],
    [
      'a short secret of the administrator',
      { EXEUNT_ADMIN_CLIENT_ID: 'operator', EXEUNT_ADMIN_CLIENT_SECRET: 'fifteen letters' },
      'EXEUNT_ADMIN_CLIENT_SECRET',
    ],
    ['an egress rule that is no network', { EXEUNT_EGRESS_ALLOW: 'nowhere/99' }, 'EXEUNT_EGRESS_ALLOW'],
    ['a switch that is neither on nor off', { EXEUNT_DOCS: 'perhaps' }, 'EXEUNT_DOCS'],
    ['production without a secret', { NODE_ENV: 'production', ISSUER: 'https://id.example.com' }, 'EXEUNT_SECRET'],
    [
      'production behind a plain http issuer',
      { NODE_ENV: 'production', ISSUER: 'http://id.example.com', EXEUNT_SECRET: STRONG },
      'ISSUER',
    ],
    [
      'the example’s secret in production',
      {
        NODE_ENV: 'production',
        ISSUER: 'https://id.example.com',
        EXEUNT_SECRET: 'change-me-change-me-change-me-change-me',
      },
      'EXEUNT_SECRET',
    ],
    [
      'the example’s administrator in production',
      {
        NODE_ENV: 'production',
        ISSUER: 'https://id.example.com',
        EXEUNT_SECRET: STRONG,
        EXEUNT_ADMIN_CLIENT_ID: 'operator',
        EXEUNT_ADMIN_CLIENT_SECRET: 'Change-me-too-change-me-too',
      },
      'EXEUNT_ADMIN_CLIENT_SECRET',
    ],
  ])('stops with exit code 1, the variable’s name and no database: %s', async (_, env, variable) => {
    const service = await Service.launch({ EXEUNT_DATA_DIR: dataDir, ...env });
    expect(await service.ended).toEqual({ code: 1, signal: null });
    expect(service.output).toMatch(new RegExp(`\\b${variable}\\b`));
    expect(service.output).not.toContain(STRONG);
    expect(existsSync(join(dataDir, 'postgres'))).toBe(false);
  });

  it('says that the database cannot be reached, and ends', async () => {
    const service = await Service.launch({
      EXEUNT_DATA_DIR: dataDir,
      DATABASE_URL: 'postgres://nobody:hidden-password@127.0.0.1:9/none',
      DATABASE_WAIT_SECONDS: '2',
    });
    expect(await service.ended).toEqual({ code: 1, signal: null });
    expect(service.output).toContain('ECONNREFUSED');
    expect(service.output).toContain('Postgres at 127.0.0.1:9/none (DATABASE_URL) cannot be reached');
    expect(service.output).toContain('Trying again for 2 seconds');
    expect(service.output).not.toContain('hidden-password');
    expect(service.output).not.toMatch(/^\s+at /m);
  });

  it.each<[string, Record<string, string>]>([
    ['no database at all', {}],
    [
      'one that cannot be reached',
      { DATABASE_URL: 'postgres://n:hidden-password@127.0.0.1:9/x', DATABASE_WAIT_SECONDS: '0' },
    ],
  ])('a command with %s says what to set, makes nothing, and ends', async (_, env) => {
    const directory = join(dataDir, 'of-no-service');
    const command = await Service.launch(
      { EXEUNT_DATA_DIR: directory, ...env },
      { args: ['dist/src/cli/rotate-keys.js'] },
    );
    expect(await command.ended).toEqual({ code: 1, signal: null });
    expect(command.output).toContain('DATABASE_URL');
    expect(command.output).not.toContain('hidden-password');
    expect(command.output).not.toMatch(/^\s+at /m);
    expect(existsSync(directory)).toBe(false);
  });
});

describe('a start with DATABASE_URL', () => {
  let db: TestDatabase;
  let dataDir: string;

  beforeAll(buildOnce);
  beforeEach(async () => {
    db = await createTestDatabase({ empty: true });
    dataDir = aDataDirectory();
  });
  afterEach(async () => {
    await db.drop();
    remove(dataDir);
  });

  const environment = (): Record<string, string> => ({
    ...ADMIN_ENV,
    DATABASE_URL: db.url,
    EXEUNT_DATA_DIR: dataDir,
    DATABASE_POOL_SIZE: '3',
  });

  it('uses that Postgres and makes no cluster of its own', async () => {
    const service = await Service.start(environment());
    expect(service.output).toContain('Postgres at DATABASE_URL');
    expect(await db.query('SELECT client_id FROM clients')).toEqual([{ client_id: ADMIN_ENV.EXEUNT_ADMIN_CLIENT_ID }]);
    expect(existsSync(join(dataDir, 'postgres'))).toBe(false);
    expect(await service.stop()).toEqual({ code: 0, signal: null });
  });

  it('ends, with exit code 1, when the signing keys are encrypted under another secret', async () => {
    const first = await Service.start({ ...environment(), EXEUNT_SECRET: STRONG });
    expect(await first.stop()).toEqual({ code: 0, signal: null });
    const second = await Service.launch({ ...environment(), EXEUNT_SECRET: `another-${STRONG}` });
    expect(await second.ended).toEqual({ code: 1, signal: null });
    expect(second.output).toContain('EXEUNT_SECRET is not the secret they were stored under');
    expect(second.output).not.toContain(STRONG);
    expect(second.output).not.toMatch(/^\s+at /m);
  });

  it('lets two nodes start at once on one empty database: one makes the schema, both serve', async () => {
    const nodes = await Promise.all([Service.start(environment()), Service.start(environment())]);
    const migrated = nodes.filter((node) => node.output.includes('Schema brought up to date'));
    expect(migrated).toHaveLength(1);
    const { EXEUNT_ADMIN_CLIENT_ID: id, EXEUNT_ADMIN_CLIENT_SECRET: secret } = ADMIN_ENV;
    for (const node of nodes) expect((await tokenRequest(node.base, id, secret)).status).toBe(200);
    const jwks = await Promise.all(nodes.map(async (node) => (await fetch(`${node.base}/jwks`)).json()));
    expect(jwks[0]).toEqual(jwks[1]);
    expect(await db.query('SELECT count(*)::int AS n FROM clients')).toEqual([{ n: 1 }]);
    await Promise.all(nodes.map((node) => node.stop()));
  });

  it('a command on a database that is not of the service says so and changes nothing in it', async () => {
    const command = await Service.launch(environment(), { args: ['dist/src/cli/rotate-keys.js'] });
    expect(await command.ended).toEqual({ code: 1, signal: null });
    expect(command.output).toContain('is not one of Exeunt');
    expect(command.output).not.toMatch(/^\s+at /m);
    expect(await db.query(`SELECT 1 FROM information_schema.tables WHERE table_schema = 'public'`)).toEqual([]);
  });

  it('rotates the signing keys by command beside the running service, which publishes them at once', async () => {
    const service = await Service.start(environment());
    const kids = async (): Promise<string[]> => {
      const { keys } = (await (await fetch(`${service.base}/jwks`)).json()) as { keys: { kid: string }[] };
      return keys.map(({ kid }) => kid);
    };
    const before = await kids();
    const command = await Service.launch(environment(), { args: ['dist/src/cli/rotate-keys.js', '--immediately'] });
    expect(await command.ended).toEqual({ code: 0, signal: null });
    await vi.waitUntil(async () => (await kids()).some((kid) => !before.includes(kid)), { timeout: 15_000 });
    // For a key that others may know: the old ones are gone from the set.
    expect((await kids()).filter((kid) => before.includes(kid))).toEqual([]);
    const added = (await kids()).filter((kid) => !before.includes(kid));
    expect(added).toHaveLength(before.length);
    for (const kid of added) expect(command.output).toContain(kid);
    expect(await db.query(`SELECT details FROM audit_events WHERE event = 'keys_rotated'`)).toEqual([
      { details: { by: 'command', change: 'rotated', immediately: true } },
    ]);
    expect(await service.stop()).toEqual({ code: 0, signal: null });
  });
});
