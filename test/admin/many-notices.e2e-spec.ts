import { TestApp, type TestClient } from '../support/app.js';
import { DAY, HOUR, SECOND } from '../support/clock.js';
import { enterAsClient } from '../console/operator.js';
import { neverAnalyzed, pagesDuring } from '../support/pages.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const MANY = 30_000;
/** The first of the many. */
const FIRST = 2 * HOUR;
/** Of a few indexes, what they point at, and who asks. */
const FEW_PAGES = 250;

/** A version 7 id of the number `i`, as rows of a bulk load have them: in the order of the numbers. */
const idOf = (kind: string, i = 'i'): string =>
  `(lpad(to_hex($1::bigint + ${i}), 12, '0') || '7' || substr(md5('${kind}' || ${i}), 1, 3) || '8' || substr(md5('${kind}' || ${i}), 4, 15))::uuid`;

/** Tables that nothing has counted, in which what is asked for is rare, and the oldest. */
describe('what an operator asks where there are many notices', () => {
  let app: TestApp;
  let token: string;
  let everybodys: TestClient;
  let rare: TestClient;
  let from: number;

  beforeAll(async () => {
    app = await TestApp.start();
    await neverAnalyzed(app.db);
    [everybodys, rare] = await Promise.all([
      app.createClient({ backchannel_logout_uri: 'http://127.0.0.1:9/logout' }),
      app.createClient(),
    ]);
    from = app.clock.now().getTime() - 10 * HOUR;
    // Numbers are milliseconds: the rare ones are from two hours before all others.
    await terminations(1, 12, 'refresh_token_reuse');
    await notices(rare, 1, 3, 'pending', null);
    await notices(rare, 4, 6, 'pending', 'http_500');
    await notices(rare, 7, 9, 'rejected', 'http_400');
    await notices(rare, 10, 12, 'abandoned', 'http_503');
    await delivered(rare, 13, 15);
    await terminations(FIRST, FIRST + MANY, 'end_session');
    await notices(everybodys, FIRST + 1, FIRST + MANY, 'pending', null);
    await notices(everybodys, FIRST + MANY + 1, FIRST + 2 * MANY, 'abandoned', 'http_503');
    await delivered(everybodys, FIRST + 2 * MANY + 1, FIRST + 3 * MANY);
    token = await app.adminToken();
  });
  afterAll(() => app.stop());

  async function terminations(first: number, last: number, cause: string): Promise<void> {
    await app.db.query(
      `INSERT INTO session_terminations (id, cause, initiator, sessions, grants_revoked, deliveries, occurred_at)
       SELECT ${idOf('termination')}, $4, '{"kind": "system"}', 1, 0, 1, to_timestamp(($1::bigint + i) / 1000.0)
         FROM generate_series($2::int, $3::int) i`,
      [from, first, last, cause],
    );
  }
  async function notices(client: TestClient, first: number, last: number, state: string, error: string | null) {
    await app.db.query(
      `INSERT INTO logout_deliveries (id, termination_id, client_id, cause, sub, state, attempts, next_attempt_at, created_at, finished_at, last_error)
       SELECT ${idOf('notice')}, ${idOf('termination')}, $4, 'end_session', 'mia', $5, 1, $7, to_timestamp(($1::bigint + i) / 1000.0),
              CASE WHEN $5 <> 'pending' THEN to_timestamp(($1::bigint + i) / 1000.0) END, $6 FROM generate_series($2::int, $3::int) i`,
      [from, first, last, client.clientId, state, error, new Date(app.clock.now().getTime() + DAY)],
    );
  }
  async function delivered(client: TestClient, first: number, last: number): Promise<void> {
    await app.db.query(
      `INSERT INTO logout_delivered (id, termination_id, client_id, sub, attempts, created_at, finished_at)
       SELECT ${idOf('notice')}, ${idOf('termination')}, $4, 'mia', 1, to_timestamp(($1::bigint + i) / 1000.0), to_timestamp(($1::bigint + i) / 1000.0 + 2)
         FROM generate_series($2::int, $3::int) i`,
      [from, first, last, client.clientId],
    );
  }

  const get = async (path: string) => (await app.json('GET', `/admin/v1${path}`, { token })).body;
  const found = async (path: string): Promise<number> => ((await get(path)).items as unknown[]).length;
  const ofRare = (query = ''): string => `/deliveries?client_id=${rare.clientId}&limit=50${query}`;

  it.each<[string, () => string, number]>([
    ['terminations by a rare cause', () => '/terminations?cause=refresh_token_reuse', 12],
    ['terminations by a cause that there is none of', () => '/terminations?cause=admin', 0],
    ['rejected notices', () => '/deliveries?state=rejected', 3],
    ['notices by a rare error code', () => '/deliveries?error_code=http_400', 3],
    [
      'notices by an error code and a state that do not meet',
      () => '/deliveries?error_code=http_503&state=rejected',
      0,
    ],
    ['notices of an application that has few', ofRare, 15],
    ['pending ones of an application that has few', () => ofRare('&state=pending'), 6],
    ['abandoned ones of an application that has few', () => ofRare('&state=abandoned'), 3],
    ['its delivered ones', () => ofRare('&state=delivered'), 3],
    ['its notices by an error code', () => ofRare('&error_code=http_503'), 3],
    ['its pending ones by an error code', () => ofRare('&error_code=http_500&state=pending'), 3],
    [
      'notices from before all others',
      () => `/deliveries?created_before=${new Date(from + 100).toISOString()}&state=pending&limit=50`,
      6,
    ],
    ['notices of an application that has many', () => `/deliveries?client_id=${everybodys.clientId}&limit=50`, 50],
    ['its pending ones', () => `/deliveries?client_id=${everybodys.clientId}&state=pending&limit=50`, 50],
    ['its abandoned ones', () => `/deliveries?client_id=${everybodys.clientId}&state=abandoned&limit=50`, 50],
    ['its delivered ones of many', () => `/deliveries?client_id=${everybodys.clientId}&state=delivered&limit=50`, 50],
    [
      'its notices by an error code that many have',
      () => `/deliveries?client_id=${everybodys.clientId}&error_code=http_503&limit=50`,
      50,
    ],
    ['notices by an error code that many have', () => '/deliveries?error_code=http_503&limit=50', 50],
    ['terminations by a common cause', () => '/terminations?cause=end_session&limit=50', 50],
    ['all notices, newest first', () => '/deliveries?limit=50', 50],
    ['pending notices', () => '/deliveries?state=pending&limit=50', 50],
  ])('%s are read from where the page begins', async (_what, path, count) => {
    expect(await found(path())).toBe(count);
    expect(await pagesDuring(app.db, () => get(path()))).toBeLessThan(FEW_PAGES);
  });

  it('gives each notice once, page by page, whichever state it is in', async () => {
    const seen: string[] = [];
    for (let cursor: string | undefined; ;) {
      const page = await get(
        `${ofRare()}&limit=4${cursor === undefined ? '' : `&cursor=${cursor}`}`.replace('&limit=50', ''),
      );
      seen.push(...(page.items as { id: string }[]).map(({ id }) => id));
      cursor = page.next_cursor as string | undefined;
      if (cursor === undefined) break;
    }
    const rows = await app.db.query<{ id: string }>(
      `SELECT id FROM logout_deliveries WHERE client_id = $1 UNION ALL SELECT id FROM logout_delivered WHERE client_id = $1 ORDER BY id DESC`,
      [rare.clientId],
    );
    expect(seen).toEqual(rows.map(({ id }) => id));
  });

  it('counts what an application has not accepted from an index alone', async () => {
    const path = `/clients/${everybodys.clientId}/deliveries-state`;
    const state = await get(path);
    expect(state).toMatchObject({ pending: MANY, rejected: 0, abandoned: MANY });
    expect(state.oldest_pending_at).toBe(new Date(from + FIRST + 1).toISOString());
    expect(await pagesDuring(app.db, () => get(path))).toBeLessThan(2500);
  });

  it('metrics count to 10,000, and name the age of the oldest pending notice', async () => {
    app.clock.advance(10 * SECOND);
    let text = '';
    const pages = await pagesDuring(app.db, async () => {
      ({ text } = await app.json('GET', '/metrics'));
    });
    expect(text).toContain('exeunt_deliveries{state="pending"} 10000');
    expect(text).toContain('exeunt_deliveries{state="delivered"} 10000');
    expect(text).toContain('exeunt_deliveries{state="abandoned"} 10000');
    expect(text).toContain('exeunt_deliveries{state="rejected"} 3');
    const age = Number(/exeunt_oldest_pending_delivery_seconds ([\d.]+)/.exec(text)?.[1]);
    expect(age).toBeCloseTo((app.clock.now().getTime() - from - 1) / 1000, 0);
    expect(pages).toBeLessThan(2500);
  });

  it('the overview counts the latest thousand of each hour, and says that there are more', async () => {
    const browser = app.browser();
    await enterAsClient(browser);
    let page = await browser.get('/console/logouts');
    expect(page.has('more')).toBe(true);
    app.clock.advance(10 * SECOND);
    const pages = await pagesDuring(app.db, async () => {
      page = await browser.get('/console/logouts');
    });
    expect(page.body).toMatch(/1003\+\s*<span class="small">in 24 hours/);
    expect(page.body).toMatch(/10000\+\s*<span class="small">oldest/);
    expect(pages).toBeLessThan(2500);
  });

  it('whether a termination has a pending notice is looked up by its id, also where many are pending', async () => {
    const waiting = 500;
    await app.db.query(
      `INSERT INTO logout_receipts_owed (termination_id, since)
       SELECT termination_id, created_at FROM logout_deliveries WHERE state = 'pending' AND client_id = $1 LIMIT $2`,
      [everybodys.clientId, waiting],
    );
    expect(await pagesDuring(app.db, () => app.issueReceipts())).toBeLessThan(waiting * 8);
    await app.db.query('DELETE FROM logout_receipts_owed');
  });

  it('are sent again in steps, the newest first, as many as a request has time for', async () => {
    const many = { client_id: everybodys.clientId, state: 'abandoned' };
    const resend = async (filter: object) =>
      (await app.json('POST', '/admin/v1/deliveries/resend', { token, body: filter })).body;
    expect(await resend(many)).toEqual({ resent: 10_000, more: true });
    const left = await app.db.query<{ count: number; newest: Date }>(
      `SELECT count(*)::int AS count, max(created_at) AS newest FROM logout_deliveries WHERE state = 'abandoned' AND client_id = $1`,
      [everybodys.clientId],
    );
    expect(left).toEqual([{ count: MANY - 10_000, newest: new Date(from + FIRST + 2 * MANY - 10_000) }]);
    const few = { ...many, created_before: new Date(from + FIRST + MANY + 101).toISOString() };
    expect(await resend(few)).toEqual({ resent: 100 });
  });
});
