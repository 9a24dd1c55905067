import { readFileSync } from 'node:fs';
import { migrate } from '../../src/platform/database/migrate.js';
import { UpstreamsService } from '../../src/domain/upstreams/upstreams.service.js';
import { TestApp, type Answer } from '../support/app.js';
import { HOUR, TestClock } from '../support/clock.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import type { Browser } from '../support/http.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { enterAs } from '../console/operator.js';
import { verifiedReceipts } from '../faults/scene.js';
import { SECRET, tokenByKey, type Known, type KnownPerson } from './fill.js';

const VERSION = '0.1.0';
const fixture = (file: string): string => readFileSync(new URL(`fixtures/${file}`, import.meta.url), 'utf8');
const known = JSON.parse(fixture(`${VERSION}.json`)) as Known;

type Row = Readonly<Record<string, unknown>>;
type Tables = ReadonlyMap<string, readonly Row[]>;

/** Every row of every table, in an order that an upgrade does not change. TypeORM's own list of migrations is left out. */
async function rowsOf(db: TestDatabase): Promise<Tables> {
  const names = await db.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
        AND NOT relispartition AND relname <> 'migrations' ORDER BY 1`,
  );
  const tables = new Map<string, readonly Row[]>();
  for (const { name } of names) {
    const rows = await db.query<{ row: Row }>(`SELECT to_jsonb(t) AS row FROM "${name}" t`);
    tables.set(
      name,
      rows.map(({ row }) => row).sort((a, b) => (identity(a) < identity(b) ? -1 : 1)),
    );
  }
  return tables;
}

/** What tells the rows of a table apart, whatever a migration adds or corrects. */
function identity(row: Row): string {
  const keys = ['id', 'kid', 'client_id', 'session_id', 'delivery_id', 'number', 'sequence', 'order_id', 'account_id'];
  const hashes = Object.keys(row).filter(
    (name) => /^(key|jti|issuer|sub)$|_hash$/.test(name) && name !== 'secret_hash',
  );
  return JSON.stringify([...keys, ...hashes.sort()].map((name) => row[name]));
}

/** Where the rows are after all migrations, and without the columns that went: notices that were accepted have a table of their own. */
function moved(before: Tables): Tables {
  const notices = before.get('logout_deliveries') ?? [];
  const [accepted, others] = [
    notices.filter(({ state }) => state === 'delivered'),
    notices.filter(({ state }) => state !== 'delivered'),
  ];
  const gone: Readonly<Record<string, readonly string[]>> = {
    session_terminations: ['receipted_at'],
    logout_delivered: ['state', 'next_attempt_at', 'claimed_until', 'ages_from', 'order_id', 'last_error'],
  };
  const tables = new Map([...before, ['logout_deliveries', others], ['logout_delivered', accepted]]);
  const without = (table: string, row: Row): Row =>
    Object.fromEntries(Object.entries(row).filter(([name]) => gone[table]?.includes(name) !== true));
  return new Map(
    [...tables].map(([table, rows]) => [table, table in gone ? rows.map((row) => without(table, row)) : rows]),
  );
}

/** The row as it must be after all migrations, by what they say that they correct. */
function corrected(table: string, row: Row): Row {
  switch (table) {
    // The secret of a client that proves itself by keys is kept no longer.
    case 'clients':
      return row.client_id === known.formerlyBySecret.clientId ? { ...row, secret_hash: null } : row;
    // An address that another provider called verified counts only with `trust_email`.
    case 'accounts':
      return row.id === known.federated.id
        ? { ...row, claims: { ...(row.claims as Row), email_verified: false } }
        : row;
    default:
      return row;
  }
}

/** Where the rows of a table are after all migrations, under the names that their columns had. */
function nowIn(after: Tables, table: string): readonly Row[] | undefined {
  switch (table) {
    case 'refresh_tokens':
      return after.get('old_refresh_tokens');
    case 'authorization_codes':
      return after
        .get('grants')
        ?.filter((grant) => grant.code_hash !== null)
        .map((grant) => ({
          ...grant,
          grant_id: grant.id,
          expires_at: grant.code_expires_at,
          consumed_at: grant.code_consumed_at,
        }))
        .sort((a, b) => (codeOf(a) < codeOf(b) ? -1 : 1));
    default:
      return after.get(table);
  }
}

const codeOf = (row: Row): string => String(row.code_hash);

describe(`a database as version ${VERSION} left it`, () => {
  let db: TestDatabase;
  let before: Tables;

  beforeEach(async () => {
    db = await createTestDatabase({ empty: true });
    await db.query(fixture(`${VERSION}.sql`));
    before = await rowsOf(db);
  });
  afterEach(() => db.drop());

  it('has a row in every table', () => {
    expect(before.size).toBe(28);
    expect([...before].filter(([, rows]) => rows.length === 0).map(([table]) => table)).toEqual([]);
  });

  it('has the schema of a new one after the upgrade', async () => {
    expect((await migrate(db.url)).length).toBeGreaterThan(0);
    const fresh = await createTestDatabase({ empty: true });
    try {
      await migrate(fresh.url);
      expect(await schemaOf(db)).toEqual(await schemaOf(fresh));
    } finally {
      await fresh.drop();
    }
  });

  it('keeps every row as it was, but for what migrations say that they correct', async () => {
    await migrate(db.url);
    const after = await rowsOf(db);
    for (const [table, rows] of moved(before)) {
      const columns = Object.keys(rows[0] ?? {});
      const kept = nowIn(after, table)?.map((row) => Object.fromEntries(columns.map((name) => [name, row[name]])));
      expect([table, kept]).toEqual([table, rows.map((row) => corrected(table, row))]);
    }
    const owed = before.get('session_terminations')?.filter((row) => row.receipted_at === null) ?? [];
    expect(after.get('logout_receipts_owed')?.map((row) => row.termination_id)).toEqual(owed.map(({ id }) => id));
    for (const row of after.get('logout_deliveries') ?? [])
      expect([row.account_id, row.cause]).toEqual([row.sub, expect.stringMatching(/^[a-z_]+$/)]);
    const changed = [...before].flatMap(([table, rows]) => rows.filter((row) => corrected(table, row) !== row));
    expect(changed).toHaveLength(2);
  });
});

/** Columns, indexes and constraints in words that can be compared. Which days there are is no part of it. */
async function schemaOf(db: TestDatabase): Promise<string[]> {
  const rows = await db.query<{ line: string }>(`
    WITH partitions AS (SELECT oid, relname FROM pg_class WHERE relispartition AND relnamespace = 'public'::regnamespace)
    SELECT format('%s.%s %s %s %s', table_name, column_name, data_type, is_nullable, column_default) AS line
      FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT IN (SELECT relname FROM partitions)
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT IN (SELECT relname FROM partitions)
    UNION ALL SELECT format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
      FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid NOT IN (SELECT oid FROM partitions)
    ORDER BY 1`);
  return rows.map(({ line }) => line);
}

describe(`the service on a database as version ${VERSION} left it`, () => {
  let db: TestDatabase;
  let app: TestApp;

  beforeEach(async () => {
    db = await createTestDatabase({ empty: true });
    await db.query(fixture(`${VERSION}.sql`));
    await migrate(db.url);
    const clock = new TestClock();
    clock.advance(new Date(known.now).getTime() - clock.now().getTime());
    app = await TestApp.start({ issuer: known.issuer, secret: SECRET }, { db, clock });
  });
  afterEach(async () => {
    await app.stop();
    await db.drop();
  });

  /** The browser that signed in before the upgrade. */
  function browserOf(person: KnownPerson): Browser {
    const browser = app.browser();
    browser.setCookie('exeunt_session', person.cookie);
    return browser;
  }

  const admin = async (path: string, method = 'GET', body?: unknown): Promise<Answer> =>
    app.json(method, `/admin/v1/${path}`, { token: await app.adminToken(), body });

  it('ends a session that began before', async () => {
    const { mia, confidential } = known;
    // Those of before have ids of the machine's clock, which is ahead of this one.
    const terminations = async () => (await admin('terminations?limit=200')).body.items as readonly { id: string }[];
    const before = (await terminations()).map(({ id }) => id);
    const token = mia.tokens?.access_token ?? '';
    expect(await app.isActive(confidential, token)).toBe(true);
    const browser = browserOf(mia);
    expect((await browser.get(app.authorizeUrl(confidential, { prompt: 'none' }))).query.has('code')).toBe(true);
    await browser.submit(await browser.get('/session/end_session'), 'logout-yes');
    expect(await app.isActive(confidential, token)).toBe(false);
    expect((await app.refresh(confidential, mia.tokens?.refresh_token ?? '')).body.error).toBe('invalid_grant');
    const added = (await terminations()).filter(({ id }) => !before.includes(id));
    expect(added).toMatchObject([{ cause: 'end_session', sessions: 1, deliveries: 2 }]);
  });

  it('rotates a refresh token that was issued before, and ends its grant when the old one comes again', async () => {
    const { thirdParty, consenting } = known;
    const old = consenting.tokens?.refresh_token ?? '';
    const rotated = await app.refresh(thirdParty, old);
    expect(rotated.status).toBe(200);
    const again = await app.refresh(thirdParty, String(rotated.body.refresh_token));
    expect(again.status).toBe(200);
    expect((await app.refresh(thirdParty, old)).body.error).toBe('invalid_grant');
    expect((await app.refresh(thirdParty, String(again.body.refresh_token))).body.error).toBe('invalid_grant');
  });

  it('redeems a code that was handed out before', async () => {
    const { confidential, unredeemedCode } = known;
    const fields = {
      grant_type: 'authorization_code',
      code: unredeemedCode,
      redirect_uri: confidential.redirectUri,
    };
    expect((await app.form('/token', fields, confidential)).status).toBe(200);
  });

  it('takes opaque access tokens of before until they are revoked', async () => {
    const { opaque, noah } = known;
    const token = noah.tokens?.access_token ?? '';
    expect(await app.isActive(opaque, token)).toBe(true);
    expect((await app.form('/revoke', { token }, opaque)).status).toBe(200);
    expect(await app.isActive(opaque, token)).toBe(false);
  });

  it('authenticates clients by secret and by key, and none by the secret that it had before its keys', async () => {
    const { confidential, facilitator, machine, formerlyBySecret } = known;
    for (const client of [confidential, facilitator])
      expect((await app.form('/introspect', { token: 'none' }, client)).status).toBe(200);
    expect((await tokenByKey(app, machine)).status).toBe(200);
    expect((await app.form('/introspect', { token: 'none' }, formerlyBySecret)).status).toBe(401);
  });

  it('signs people in by their password, and does not ask again for what they allowed', async () => {
    const { consenting, thirdParty, mia, confidential } = known;
    expect((await app.signInTo(app.browser(), confidential, mia.login)).id_token).toEqual(expect.any(String));
    const browser = app.browser();
    const scope = 'openid offline_access';
    const form = await browser.follow(await browser.get(app.authorizeUrl(thirdParty, { scope })));
    const page = await browser.follow(await app.signIn(browser, form, consenting.login));
    expect(page.has('consent-submit')).toBe(false);
    expect(page.query.has('code')).toBe(true);
  });

  it('lets operators into the console, and administrators at what there is', async () => {
    const page = await enterAs(app.browser(), known.operator.login);
    expect(page.location).toBe(`${app.issuer}/console/logouts`);
    expect((await admin(`logout-orders/${known.order}`)).body).toMatchObject({ reason: 'Incident 7' });
    expect((await admin('organizations/acme')).body).toMatchObject({ upstream: known.upstream });
    expect((await admin(`accounts/${known.federated.id}`)).body).toMatchObject({ login: known.federated.login });
    for (const list of ['clients', 'sessions', 'terminations', 'deliveries', 'audit-events', 'keys', 'upstreams'])
      expect([list, (await admin(list)).status]).toEqual([list, 200]);
  });

  it('opens the secrets that it keeps of itself at other providers', async () => {
    const upstreams = app.app.get(UpstreamsService);
    const upstream = await upstreams.get(known.upstream);
    expect(await upstreams.clientSecret(upstream)).toBe('upstream-secret');
  });

  it('sends the notices that were pending to their application', async () => {
    const party = await StubRelyingParty.start();
    try {
      const { body } = await admin('deliveries?state=pending');
      const pending = body.items as readonly { client_id: string; account_id: string }[];
      expect(pending).toHaveLength(2);
      const clientId = pending[0]?.client_id ?? '';
      const changed = await admin(`clients/${clientId}`, 'PATCH', {
        backchannel_logout_uri: party.backchannelLogoutUri,
      });
      expect(changed.status).toBe(200);
      for (let round = 0; round < 3; round += 1) {
        app.clock.advance(HOUR);
        await app.sendDue();
      }
      expect(party.received.map(({ claims }) => claims.iss)).toEqual([known.issuer, known.issuer]);
      expect((await admin('deliveries?state=pending')).body.items).toEqual([]);
    } finally {
      await party.stop();
    }
  });

  it('goes on with the chain of receipts', async () => {
    const browser = app.browser();
    await app.signInTo(browser, await app.createClient(), known.mia.login);
    await browser.submit(await browser.get('/session/end_session'), 'logout-yes');
    const [count] = await app.db.query<{ n: number }>('SELECT count(*)::int AS n FROM logout_receipts');
    expect(count?.n).toBe(3);
    expect(await app.issueReceipts()).toBe(1);
    const verified = await verifiedReceipts({
      request: async (method: string, path: string) =>
        fetch(`${app.issuer}/admin/v1${path}`, {
          method,
          headers: { authorization: `Bearer ${await app.adminToken()}` },
        }),
    } as Parameters<typeof verifiedReceipts>[0]);
    expect(verified).toEqual({ ok: true, words: expect.stringContaining('the chain is whole') as string });
  });
});
