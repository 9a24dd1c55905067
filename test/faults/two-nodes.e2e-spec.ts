import { NOTICES } from '../support/ledger.js';
import { buildOnce, Operator, type Service } from '../start/service.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import type { Answer } from '../support/stub-relying-party.js';
import {
  allAre,
  allAreReceipted,
  Application,
  count,
  metric,
  signedIn,
  startNode,
  verifiedReceipts,
  type SignedIn,
} from './scene.js';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const LOGOUTS = 200;
const ONE_ISSUER = { ISSUER: 'http://localhost:3000', RECEIPT_POLL_MS: '100' };
const AT_ONCE = 10;
const RESETS: Answer = ({ socket }) => void socket.resetAndDestroy();

describe('two nodes on one database end two hundred sessions between them', () => {
  const nodes: Service[] = [];
  const applications: Application[] = [];
  let db: TestDatabase;
  let operators: Operator[];
  let sessions: SignedIn[];

  beforeAll(async () => {
    buildOnce();
    db = await createTestDatabase();
    nodes.push(...(await Promise.all([startNode(db.url, ONE_ISSUER), startNode(db.url, ONE_ISSUER)])));
    operators = await Promise.all(nodes.map((node) => Operator.at(node.base)));
    for (const [name, first] of [
      ['steady', []],
      ['steady too', []],
      // More than it takes to open its breaker, for both nodes.
      ['down at first', Array<Answer>(6).fill(503)],
      ['broken at first', Array<Answer>(3).fill(RESETS)],
    ] as const) {
      const application = await Application.register(operators[0] as Operator, name);
      application.first(...first);
      applications.push(application);
    }
    sessions = await signedIn(db, 'person', LOGOUTS, applications);

    const waiting = sessions.entries();
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (const [i, { sessionId }] of waiting) await operators[i % 2]?.call('DELETE', `/sessions/${sessionId}`);
      }),
    );
    await allAre(db, 'delivered', LOGOUTS);
    await allAreReceipted(db, LOGOUTS);
  });
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.stop()));
    await Promise.all(applications.map((application) => application.stop()));
    await db.drop();
  });

  it('has every notice accepted exactly once', () => {
    const accepted = applications.flatMap((application) => application.accepted);
    expect(count(accepted)).toEqual(new Map(accepted.map((sid) => [sid, 1])));
    expect(accepted.toSorted()).toEqual(sessions.map(({ sid }) => sid).toSorted());
  });

  it('sends nothing but what was refused at first a second time', async () => {
    expect(applications.map(({ received }) => received.length)).toEqual([50, 50, 56, 53]);
    const [{ attempts } = { attempts: 0 }] = await db.query<{ attempts: number }>(
      `SELECT sum(attempts)::int AS attempts FROM ${NOTICES}`,
    );
    expect(attempts).toBe(LOGOUTS + 6 + 3);
  });

  it('divides the work: each node ended its half, and what one sent the other did not', async () => {
    const delivered: number[] = [];
    for (const node of nodes) {
      const terminations = await metric(node.base, 'exeunt_terminations_total');
      expect(terminations.get('cause="admin"')).toBe(LOGOUTS / 2);
      const attempts = await metric(node.base, 'exeunt_logout_delivery_attempts_total');
      delivered.push(attempts.get('outcome="delivered"') ?? 0);
    }
    expect(Math.min(...delivered)).toBeGreaterThan(0);
    expect(delivered.reduce((all, n) => all + n, 0)).toBe(LOGOUTS);
  });

  it('signs one receipt for each logout, in one chain, whichever node it was', async () => {
    const { ok, words } = await verifiedReceipts(operators[0] as Operator);
    expect(words).toContain(`${LOGOUTS} receipts, 1 to ${LOGOUTS}: every signature fits, the chain is whole.`);
    expect(ok).toBe(true);
    let confirmed = 0;
    for (const node of nodes)
      confirmed += (await metric(node.base, 'exeunt_logout_confirmation_seconds_count')).get('') ?? 0;
    expect(confirmed).toBe(LOGOUTS);
  });
});
