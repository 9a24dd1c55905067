import { randomUUID } from 'node:crypto';
import { timeOrderedId } from '../../src/platform/clock/time-ordered-id.js';
import { APPLY, COUNT, LOCK_BATCH } from '../../src/domain/logout/orders/order-batch.sql.js';
import { ROWS_OF } from '../../src/domain/logout/orders/large-targets.sql.js';
import { TestApp, type TestClient } from '../support/app.js';
import { neverAnalyzed, pagesOfStatement } from '../support/pages.js';
import { StubUpstream } from '../support/stub-upstream.js';
import { placed, progressOf, runJob, seed } from './scene.js';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const ENDED = 30_000;
const LIVE = 5;
/** Of 2,000 rows and the sessions that they name, by their keys. */
const PAGES_OF_A_STEP = 12_000;
/** Of 500 rows of an index and what they point at. */
const PAGES_OF_A_LOOK = 1500;

describe('an order about a few sessions with tens of thousands of ended ones in front', () => {
  let app: TestApp;
  let client: TestClient;
  let upstream: StubUpstream;
  let upstreamName: string;
  let upstreamId: string;

  beforeAll(async () => {
    app = await TestApp.start();
    await neverAnalyzed(app.db);
    client = await app.createClient();
    upstream = await StubUpstream.start(app.clock);
    upstreamName = await upstream.register(app);
    upstreamId = (await app.db.query<{ id: string }>('SELECT id FROM upstreams'))[0]?.id ?? '';
    await seed(app, 'ended', ENDED, [client.clientId]);
    await seed(app, 'live', LIVE, [client.clientId]);
    await app.db.query(
      `INSERT INTO session_upstreams (account_id, session_id, issuer, upstream_id, sub, id_token, authenticated_at)
       SELECT account_id, session_id, $1, $2, sid, 'sealed', $3 FROM session_clients WHERE sid LIKE 'sid-ended-%'`,
      [upstream.issuer, upstreamId, app.clock.now()],
    );
    await app.db.query(
      `UPDATE sessions SET terminated_at = $1 WHERE account_id IN (SELECT id FROM accounts WHERE login LIKE 'ended-%')`,
      [app.clock.now()],
    );
    // The first to pass along an index where rows have left it marks their entries; from then on nobody reads them.
    await app.db.query(
      'SELECT id FROM sessions WHERE terminated_at IS NULL ORDER BY account_id, id LIMIT (SELECT 10000)',
    );
  });
  afterAll(() => Promise.all([app.stop(), upstream.stop()]));

  it.each(['everyone', 'client', 'upstream'] as const)('a step looks at so many rows and no more: %s', async (kind) => {
    const targetId = { everyone: null, client: client.clientId, upstream: upstreamId }[kind];
    const about = { number: '1', targetId, cursor: null };
    expect(await pagesOfStatement(app.db, LOCK_BATCH[kind], { ...about, look: 2000, limit: 500 })).toBeLessThan(
      PAGES_OF_A_STEP,
    );
    expect(await pagesOfStatement(app.db, COUNT[kind], { ...about, look: 2000 })).toBeLessThan(PAGES_OF_A_STEP);
  });

  it('a batch of an application is found by its sessions, and not among all that the application has', async () => {
    const live = await app.db.query<{ account_id: string; id: string }>(
      'SELECT account_id, id FROM sessions WHERE terminated_at IS NULL',
    );
    const pages = await pagesOfStatement(app.db, APPLY.client, {
      number: '1',
      targetId: client.clientId,
      accountIds: live.map(({ account_id }) => account_id),
      sessionIds: live.map(({ id }) => id),
      terminationIds: live.map(() => timeOrderedId(app.clock.now())),
      now: app.clock.now(),
      orderId: randomUUID(),
      initiator: { kind: 'system' },
      seconds: 1,
      cursor: null,
      cause: 'client_disabled',
    });
    expect(live).toHaveLength(LIVE);
    expect(pages).toBeLessThan(1000);
  });

  it('whether a client has more than ends at once is found by as many rows', async () => {
    const pages = await pagesOfStatement(app.db, ROWS_OF.client, { targetId: client.clientId, limit: 501 });
    expect(pages).toBeGreaterThan(0);
    expect(pages).toBeLessThan(PAGES_OF_A_LOOK);
  });

  it('comes to the live ones in steps that find nothing, and counts them', async () => {
    const id = await placed(app, { client_id: client.clientId });
    await runJob(app);
    expect(await progressOf(app, id)).toMatchObject({ total: LIVE, done: LIVE, grants_revoked: ENDED + LIVE });
    const other = await placed(app, { upstream: upstreamName });
    await runJob(app);
    expect(await progressOf(app, other)).toMatchObject({ total: 0, done: 0 });
  });
});
