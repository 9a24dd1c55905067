import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { TestApp, type TestClient } from '../support/app.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const MANY = 60_000;

interface Plan {
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
}

describe('what an operator asks where there are many sessions', () => {
  let app: TestApp;
  let token: string;
  let everybodys: TestClient;
  let rare: TestClient;
  let nobodys: TestClient;

  beforeAll(async () => {
    app = await TestApp.start();
    [everybodys, rare, nobodys] = await Promise.all([app.createClient(), app.createClient(), app.createClient()]);
    await sessionsAt(everybodys, MANY);
    await sessionsAt(rare, 3);
    await sessionsAt(everybodys, 41_000);
    await app.db.query('ANALYZE');
    token = await app.adminToken();
  });
  afterAll(() => app.stop());

  async function sessionsAt(client: TestClient, n: number): Promise<void> {
    const { id } = await app.createAccount();
    const now = app.clock.now();
    await app.db.query(
      `WITH made AS (
         INSERT INTO sessions (id, account_id, cookie_hash, authenticated_at, amr, created_at, last_seen_at, idle_expires_at, expires_at, client_count)
         SELECT gen_random_uuid(), $1, sha256(gen_random_uuid()::text::bytea), $2, '{pwd}', $2, $2, $2::timestamptz + interval '1 day', $2::timestamptz + interval '1 day', 1
           FROM generate_series(1, $3::int) RETURNING id
       )
       INSERT INTO session_clients (account_id, session_id, client_id, sid, joined_at) SELECT $1, id, $4, 'sid-' || id, $2 FROM made`,
      [id, now, n, client.clientId],
    );
  }

  /** How many pages Postgres reads for the statement of this name, as it is sent while `work` runs. */
  async function pagesOf(name: string, work: () => Promise<unknown>): Promise<number> {
    const spy = vi.spyOn(pg.Client.prototype, 'query');
    await work();
    const query = spy.mock.calls.map(([sent]) => sent as unknown as pg.QueryConfig).find((sent) => sent.name === name);
    spy.mockRestore();
    if (query === undefined) throw new Error(`${name} was not sent`);
    const client = new pg.Client({ connectionString: app.db.url });
    await client.connect();
    // A prepared statement is planned without its values after a while, and must be right then, too.
    await client.query('SET plan_cache_mode = force_generic_plan');
    const { rows } = await client.query<{ 'QUERY PLAN': { Plan: Plan }[] }>({
      text: `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${query.text}`,
      values: query.values ?? [],
    });
    await client.end();
    const plan = rows[0]?.['QUERY PLAN'][0]?.Plan;
    return (plan?.['Shared Hit Blocks'] ?? 0) + (plan?.['Shared Read Blocks'] ?? 0);
  }
  const list = async (query: string) =>
    (await app.json('GET', `/admin/v1/sessions?${query}`, { token })).body as {
      items: { id: string; clients: { client_id: string }[] }[];
      next_cursor?: string;
    };
  const pagesOfList = (query: string, name = 'sessions_list_of_client') => pagesOf(name, () => list(query));

  it('lists the sessions of an application by an index in the order of the list, wherever the page begins', async () => {
    expect(await pagesOfList(`client_id=${everybodys.clientId}&limit=50`)).toBeLessThan(1500);
    const halfway = '80000000-0000-4000-8000-000000000000';
    expect(await pagesOfList(`client_id=${everybodys.clientId}&limit=50&cursor=${halfway}`)).toBeLessThan(1500);
  });

  it('does not look through everybody’s for an application that has few, or none', async () => {
    expect(await pagesOfList(`client_id=${rare.clientId}&limit=50`)).toBeLessThan(200);
    expect(await pagesOfList(`client_id=${nobodys.clientId}&limit=50`)).toBeLessThan(50);
    expect(await pagesOfList(`client_id=${rare.clientId}&state=all&limit=50`)).toBeLessThan(200);
  });

  it('lists the newest of all by the same rule', async () => {
    expect(await pagesOfList('limit=50', 'sessions_list')).toBeLessThan(1500);
  });

  it('gives every session of the application once, newest first, page by page', async () => {
    const seen: string[] = [];
    for (let cursor: string | undefined; ;) {
      const page = await list(`client_id=${rare.clientId}&limit=2${cursor === undefined ? '' : `&cursor=${cursor}`}`);
      for (const { id, clients } of page.items) {
        seen.push(id);
        expect(clients.map(({ client_id }) => client_id)).toEqual([rare.clientId]);
      }
      cursor = page.next_cursor;
      if (cursor === undefined) break;
    }
    const rows = await app.db.query<{ session_id: string }>(
      'SELECT session_id FROM session_clients WHERE client_id = $1 ORDER BY session_id DESC',
      [rare.clientId],
    );
    expect(seen).toEqual(rows.map(({ session_id }) => session_id));
  });

  it('passes by what has ended at a bounded cost: a page may be empty and have a next one', async () => {
    await app.db.query(
      `UPDATE sessions SET terminated_at = $1 WHERE id IN (SELECT id FROM sessions ORDER BY id DESC LIMIT 5000)`,
      [app.clock.now()],
    );
    for (const [query, name] of [
      [`client_id=${everybodys.clientId}&limit=50`, 'sessions_list_of_client'],
      ['limit=50', 'sessions_list'],
    ] as const) {
      expect(await pagesOfList(query, name)).toBeLessThan(10_000);
      const pages: number[] = [];
      for (let cursor: string | undefined; pages.at(-1) !== 50 && pages.length < 10;) {
        const page = await list(`${query}${cursor === undefined ? '' : `&cursor=${cursor}`}`);
        pages.push(page.items.length);
        cursor = page.next_cursor;
        expect(cursor).toBeDefined();
      }
      expect(pages.slice(0, 2)).toEqual([0, 0]);
      expect(pages.at(-1)).toBe(50);
    }
    await app.db.query('UPDATE sessions SET terminated_at = NULL');
  });

  it('a preview counts to 100,000 and says that there is more', async () => {
    const before = await app.rowCounts();
    const preview = async (body: Record<string, string>) =>
      (await app.json('POST', '/admin/v1/logout-preview', { token, body: { cause: 'admin', ...body } })).body;
    const { grants_revoked, deliveries, more } = await preview({ client_id: everybodys.clientId });
    expect({ grants_revoked, deliveries, more }).toEqual({ grants_revoked: 0, deliveries: 0, more: true });
    expect(await preview({ client_id: rare.clientId })).not.toHaveProperty('more');
    expect(await app.rowCounts()).toEqual(before);
  });

  it('a preview looks at so many rows and no more, however many of them have ended', async () => {
    const preview = (client_id: string) => () =>
      app.json('POST', '/admin/v1/logout-preview', { token, body: { cause: 'client_disabled', client_id } });
    const pages = (client: TestClient) => pagesOf('logout_preview_client', preview(client.clientId));
    expect(await pages(rare)).toBeLessThan(300);
    expect(await pages(nobodys)).toBeLessThan(50);
    // Some eight pages for each of a hundred thousand, and no table from end to end.
    expect(await pages(everybodys)).toBeLessThan(1_200_000);
  });

  it('a preview of more sessions than it counts says 100,000', async () => {
    await app.db.query(
      `WITH one AS (SELECT min(account_id::text)::uuid AS id FROM sessions),
            moved AS (UPDATE sessions SET account_id = one.id FROM one)
       UPDATE session_clients SET account_id = one.id FROM one`,
    );
    const [{ id } = { id: randomUUID() }] = await app.db.query<{ id: string }>(
      'SELECT account_id AS id FROM sessions LIMIT 1',
    );
    const { body } = await app.json('POST', '/admin/v1/logout-preview', {
      token,
      body: { cause: 'admin', account_id: id },
    });
    expect(body).toMatchObject({ sessions: 100_000, more: true });
    expect(body.session_list).toHaveLength(200);
  });
});
