import pg from 'pg';
import { DataSource } from 'typeorm';
import { inject } from 'vitest';
import { declaredStatements, type Statement } from '../../src/platform/database/statement.js';
import { sqlTypeOf } from '../../src/platform/database/sql-types.js';
import { SessionActivity } from '../../src/domain/sessions/session-activity.js';
import { TestApp } from '../support/app.js';
import { TestClock } from '../support/clock.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { neverAnalyzed } from '../support/pages.js';
import { partition, PERSON_TABLES, tablesKeyedByAccount } from '../support/partitions.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { redeem } from '../tokens/token-requests.js';
import { PATHS, Scene } from './hot-paths.js';
import { literalOf, PageReader, type PlanNode, type Reading } from './page-reader.js';
import { partitionsOf, remaindersOf, scannedIn, scansOfMany, touchedBy, type Partitions } from './partition-scans.js';

const PARTITIONS = 4;

/** What has no account asks all partitions (docs/decisions/0053-keys-that-begin-with-the-person.md). */
const OF_NO_ACCOUNT = new Set(['logout by an administrator']);

/** Besides the hot paths that `growth` reads: what a person ends, and statements of several persons. */
const MORE: typeof PATHS = {
  'activity of several persons': async (scene) => {
    await manyPersons(scene, async (person) => person.tokensOf(person.client));
    await scene.app.app.get(SessionActivity).flush();
  },
  'introspections and revocations of several persons': async (scene) => {
    const { app, client, opaque } = scene;
    const tokens = (await manyPersons(scene, (person) => person.tokensOf(client))).map((x) => x.access_token);
    expect(await Promise.all(tokens.map((token) => app.isActive(client, token)))).not.toContain(false);
    await Promise.all(tokens.map((token) => app.form('/revoke', { token }, client)));
    expect(await app.isActive(opaque, (await scene.tokensOf(opaque)).access_token)).toBe(true);
  },
  'authorization without a page, by a hint': async ({ app, asking, login }) => {
    const browser = app.browser();
    const { id_token: hint } = await app.signInTo(browser, asking, login);
    const answer = await browser.get(app.authorizeUrl(asking, { prompt: 'none', id_token_hint: hint }));
    expect(answer.query.get('code')).not.toBeNull();
  },
  'a code that is used twice': async ({ app, client, login }) => {
    const code = await app.codeFor(app.browser(), client, login);
    expect([(await redeem(app, client, code)).status, (await redeem(app, client, code)).status]).toEqual([200, 400]);
  },
  'what a person ends': async (scene) => {
    const { app, client, asking, login } = scene;
    const [here, there] = [app.browser(), app.browser()];
    for (const browser of [here, there]) await app.signInTo(browser, asking, login);
    const { fields } = (await here.get('/session/end_session')).formWith('logout-yes');
    const csrf = fields.csrf ?? '';
    await here.post('/account/sessions/end-others', { csrf });
    await here.post('/account/applications/withdraw', { csrf, client_id: asking.clientId });
    const { id_token: hint } = await app.signInTo(here, client, login);
    const dialog = await here.get(`/session/end_session?id_token_hint=${hint}`);
    expect((await here.submit(dialog, 'logout-yes')).status).toBe(200);
  },
};
const READ = Object.entries({ ...PATHS, ...MORE }).filter(([name]) => !OF_NO_ACCOUNT.has(name));

/** That these are among what is read: a path that sends none of them would prove nothing. */
const HOT = [
  'access_tokens_deny',
  'access_tokens_find_opaque',
  'access_tokens_live_grant',
  'consents_covers',
  'grants_answer_with_code',
  'grants_begin_session_with_code',
  'grants_create_with_code',
  'grants_exchange_code',
  'grants_revoke_by_token',
  'grants_rotate_refresh_token',
  'logout_terminate_cookie',
  'sessions_find_by_cookie',
  'sessions_list_of_account',
  'sessions_touch',
];

describe('partitions of a person’s tables that a statement looks at', () => {
  let db: TestDatabase;
  let partitions: Partitions;

  beforeAll(async () => {
    db = await createTestDatabase();
    if (inject('partitions') === 0) await partition(db.url, PARTITIONS);
    // A plan for any values, so that one partition can only be chosen when it is run.
    await db.query(`ALTER DATABASE ${db.name} SET plan_cache_mode = force_generic_plan`);
    await neverAnalyzed(db);
    partitions = await partitionsOf(db);
  }, 60_000);
  afterAll(() => db.drop());

  it('are of every table whose key begins with the account', async () => {
    expect(await tablesKeyedByAccount(db)).toEqual(PERSON_TABLES);
    expect(new Set(partitions.values()).size).toBeGreaterThan(1);
  });

  describe('by its text, whatever plan is made', () => {
    let client: pg.Client;
    beforeAll(async () => {
      client = new pg.Client({ connectionString: db.url });
      await client.connect();
    });
    afterAll(() => client.end());

    async function planOf({ text, parameters }: Statement<never, unknown>): Promise<PlanNode> {
      await client.query(`PREPARE asked AS ${text}`);
      try {
        const { rows } = await client.query<{ 'QUERY PLAN': { Plan: PlanNode }[] }>(
          `EXPLAIN (FORMAT JSON) EXECUTE asked(${Object.values(parameters).map(exampleOf).join(', ')})`,
        );
        return rows[0]?.['QUERY PLAN'][0]?.Plan as PlanNode;
      } finally {
        await client.query('DEALLOCATE asked');
      }
    }

    it.each(
      declaredStatements()
        .filter(({ statement: { parameters } }) => parameters.accountId !== undefined && isOne(parameters.accountId))
        .map(({ statement }) => [statement.name, statement] as const),
    )('%s: one', async (_name, statement) => {
      const scanned = scannedIn(await planOf(statement), partitions);
      expect(remaindersOf(scanned, partitions).size, scanned.join(', ')).toBeLessThanOrEqual(1);
    });
  });

  describe('by requests, with plans that were kept', () => {
    let app: TestApp;
    let party: StubRelyingParty;
    let reader: PageReader;
    const readings: Record<string, readonly Reading[]> = {};

    beforeAll(async () => {
      party = await StubRelyingParty.start();
      reader = new PageReader(pg.Client.prototype);
      app = await TestApp.start({ databasePoolSize: 1 }, { db, clock: new TestClock() });
      // One connection has all plans, and does not end because nothing is sent for a while.
      const { driver } = app.app.get(DataSource) as { driver: { master: { options: pg.PoolConfig } } };
      driver.master.options.idleTimeoutMillis = 0;
      const scene = await Scene.start(app, party);
      for (const [, path] of READ) {
        await path(await scene.at(app));
        await app.issueReceipts();
      }
      for (const [name, path] of READ) {
        const fresh = await scene.at(app);
        readings[name] = await reader.during(() => path(fresh));
        await app.issueReceipts();
      }
    }, 120_000);
    afterAll(async () => {
      reader.restore();
      await Promise.all([app.stop(), party.stop()]);
    });

    it('were read without an error, each hot statement among them', () => {
      expect(reader.errors).toEqual([]);
      const read = new Set(Object.values(readings).flatMap((ofPath) => ofPath.map(({ name }) => name)));
      expect(HOT.filter((name) => !read.has(name))).toEqual([]);
    });

    it.each(READ.map(([name]) => name))('%s: one for each person', (path) => {
      const wrong = (readings[path] ?? []).flatMap((reading) => {
        const touched = [...new Set(touchedBy(reading, partitions))];
        const tooMany = remaindersOf(touched, partitions).size > Math.max(personsIn(reading), 1);
        const faults = [...(tooMany ? touched : []), ...scansOfMany(reading.plan, partitions)];
        return faults.length === 0 ? [] : [`${reading.name}: ${faults.join(', ')}`];
      });
      expect([...new Set(wrong)]).toEqual([]);
    });
  });
});

const isOne = (type: Parameters<typeof sqlTypeOf>[0]): boolean => !sqlTypeOf(type).name.endsWith('[]');

/** A value of the type, of any person. */
function exampleOf(type: Parameters<typeof sqlTypeOf>[0]): string {
  const { name } = sqlTypeOf(type);
  if (name.endsWith('[]')) return `'{}'::${name}`;
  const examples: Readonly<Record<string, unknown>> = {
    uuid: '0199f2b4-6a51-7c3e-9a40-3f5b1c2d4e6f',
    timestamptz: new Date(0),
    bytea: Buffer.alloc(32),
    boolean: true,
    json: '{}',
    jsonb: '{}',
  };
  return literalOf(examples[name] ?? '1');
}

/** How many accounts the statement was asked about. */
function personsIn({ name, values }: Reading): number {
  const declared = declaredStatements().find(({ statement }) => statement.name === name);
  const names = Object.keys(declared?.statement.parameters ?? {});
  return new Set(values.filter((_, i) => /^accountIds?$/.test(names[i] ?? '')).flat()).size;
}

/** What several persons do at once, each with the applications of the scene. */
async function manyPersons<T>(scene: Scene, work: (person: Scene) => Promise<T>): Promise<T[]> {
  const persons = await Promise.all([1, 2, 3, 4, 5].map(() => scene.at(scene.app)));
  return Promise.all(persons.map(work));
}
