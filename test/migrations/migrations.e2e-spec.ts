import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../../src/database/data-source-options.js';
import { migrate } from '../../src/database/migrate.js';
import { AccountEntity } from '../../src/accounts/entities/account.entity.js';
import { ENTITIES } from '../../src/entities.js';
import { SessionEntity } from '../../src/sessions/entities/session.entity.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

describe('migrations', () => {
  let db: TestDatabase;
  let dataSource: DataSource;

  beforeAll(async () => {
    db = await createTestDatabase({ empty: true });
    dataSource = await new DataSource(dataSourceOptions(db.url, 2, ENTITIES)).initialize();
  });
  afterAll(async () => {
    await dataSource.destroy();
    await db.drop();
  });

  const tables = () =>
    db.query(
      `SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2`,
    );

  it('go up, down to nothing, and up again to the same schema', async () => {
    const names = await migrate(db.url);
    expect(names.length).toBeGreaterThan(0);
    const first = await tables();
    for (const _ of names) await dataSource.undoLastMigration();
    const left = (
      await db.query<{ table_name: string }>(
        `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'`,
      )
    ).map((table) => table.table_name);
    expect(left.filter((name) => name !== 'migrations' && name !== 'typeorm_metadata')).toEqual([]);
    await migrate(db.url);
    expect(await tables()).toEqual(first);
  });

  it('make what the entities describe', async () => {
    await migrate(db.url);
    const { upQueries } = await dataSource.driver.createSchemaBuilder().log();
    expect(upQueries.map(({ query }) => query)).toEqual([]);
  });

  it('run once when several nodes start at the same moment', async () => {
    const empty = await createTestDatabase({ empty: true });
    const runs = await Promise.all([migrate(empty.url), migrate(empty.url), migrate(empty.url)]);
    expect(runs.filter((names) => names.length > 0)).toHaveLength(1);
    await empty.drop();
  });
});

describe('a criterion without a value', () => {
  let db: TestDatabase;
  let dataSource: DataSource;

  beforeAll(async () => {
    db = await createTestDatabase();
    dataSource = await new DataSource(dataSourceOptions(db.url, 2, ENTITIES)).initialize();
  });
  afterAll(async () => {
    await dataSource.destroy();
    await db.drop();
  });

  it.each([undefined, null])('is refused and never means "all": %s', async (value) => {
    const { manager } = dataSource;
    const accountId = value as unknown as string;
    await expect(manager.findBy(SessionEntity, { accountId })).rejects.toThrow();
    await expect(manager.countBy(SessionEntity, { accountId })).rejects.toThrow();
    await expect(manager.update(AccountEntity, { id: accountId }, { disabledAt: new Date() })).rejects.toThrow();
    await expect(manager.delete(AccountEntity, { id: accountId })).rejects.toThrow();
    await expect(manager.delete(AccountEntity, {})).rejects.toThrow();
  });
});
