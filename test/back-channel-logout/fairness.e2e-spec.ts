import { randomUUID } from 'node:crypto';
import { CLAIM } from '../../src/domain/logout/notices/delivery-claim.sql.js';
import { DeliveryQueueRepository } from '../../src/domain/logout/notices/delivery-queue.repository.js';
import { BackChannelLogoutDispatcher } from '../../src/domain/logout/notices/back-channel-logout.dispatcher.js';
import { BUCKETS } from '../../src/domain/logout/notices/deliveries.sql.js';
import { TestApp, type TestClient } from '../support/app.js';
import { HOUR, MINUTE } from '../support/clock.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { clientOf, deliveriesTo, dueNotices, noticeById } from './scene.js';

const BACKLOG = 10_000;
const OTHERS = 20;
const SHARE = 8;
const SHARES = { limit: 100, perClient: SHARE, underWay: new Map<string, number>() };

interface Plan {
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly Plan[];
}

/** Rows of a table that were looked at, in all places of the plan. */
function rowsRead(plan: Plan, table: string): number {
  const own =
    plan['Relation Name'] === table
      ? (plan['Actual Rows'] + (plan['Rows Removed by Filter'] ?? 0)) * plan['Actual Loops']
      : 0;
  return (plan.Plans ?? []).reduce((total, part) => total + rowsRead(part, table), own);
}

describe('one application owes ten thousand notices, and all of them are older than everybody else’s', () => {
  let app: TestApp;
  let dead: StubRelyingParty;
  let alive: StubRelyingParty;
  let deadClient: TestClient;
  let others: readonly TestClient[];

  // No breaker and no time limit come to help: what is shown is the share alone.
  beforeEach(async () => {
    [app, dead, alive] = await Promise.all([
      TestApp.start({ deliveryTimeoutMs: 60_000, deliveryBreakerFailures: 1000, shutdownTimeoutMs: 0 }),
      StubRelyingParty.start(),
      StubRelyingParty.start(),
    ]);
    deadClient = await clientOf(app, dead);
    others = await Promise.all(Array.from({ length: OTHERS }, () => clientOf(app, alive)));
    const long = new Date(app.clock.now().getTime() - HOUR);
    await dueNotices(app, deadClient.clientId, BACKLOG, { created: long, due: long });
  });
  afterEach(async () => {
    await app.stop();
    await Promise.all([dead.stop(), alive.stop()]);
  });

  it('it hangs: the others have got every notice while it has been asked eight times', async () => {
    dead.always(() => undefined);
    for (const { clientId } of others) await dueNotices(app, clientId, 5);
    await app.app.get(BackChannelLogoutDispatcher).sendDue();
    await Promise.all([alive.waitFor(OTHERS * 5), dead.waitFor(SHARE)]);
    expect(dead.received).toHaveLength(SHARE);
    expect(alive.received).toHaveLength(OTHERS * 5);
    expect(new Set(alive.received.map(({ claims }) => claims.aud)).size).toBe(OTHERS);
  });

  it('a notice that is written later goes out while it still hangs', async () => {
    dead.always(() => undefined);
    const dispatcher = app.app.get(BackChannelLogoutDispatcher);
    await dispatcher.sendDue();
    await dead.waitFor(SHARE);
    await dueNotices(app, others[0]!.clientId, 1);
    await dispatcher.sendDue();
    await alive.waitFor(1);
    expect(dead.received).toHaveLength(SHARE);
  });

  it('a claim gives it its share and no more, and counts what this process has under way', async () => {
    for (const { clientId } of others) await dueNotices(app, clientId, 2);
    const repository = app.app.get(DeliveryQueueRepository);
    const claim = async (underWay: number): Promise<number[]> => {
      const claimed = await repository.claim(app.clock.now(), new Date(app.clock.now().getTime() + MINUTE), {
        ...SHARES,
        underWay: new Map([[deadClient.clientId, underWay]]),
      });
      const mine = claimed.filter(({ clientId }) => clientId === deadClient.clientId).length;
      return [mine, claimed.length - mine];
    };
    expect(await claim(3)).toEqual([5, OTHERS * 2]);
    expect(await claim(SHARE)).toEqual([0, 0]);
    expect(await claim(SHARE + 1)).toEqual([0, 0]);
    expect(await claim(0)).toEqual([8, 0]);
  });

  it('a claim reads some hundred rows, not ten thousand', async () => {
    for (const { clientId } of others) await dueNotices(app, clientId, 5);
    await app.db.query('ANALYZE logout_deliveries');
    const [row] = await app.db.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
      `EXPLAIN (ANALYZE, FORMAT JSON) ${CLAIM.text}`,
      CLAIM.bind({
        now: app.clock.now(),
        claimedUntil: new Date(app.clock.now().getTime() + MINUTE),
        limit: SHARES.limit,
        perClient: SHARES.perClient,
        underWayClients: [],
        underWayCounts: [],
        node: randomUUID(),
        buckets: Array.from({ length: BUCKETS }, (_, bucket) => bucket),
      }),
    );
    const read = rowsRead(row!['QUERY PLAN'][0].Plan, 'logout_deliveries');
    expect(read).toBeGreaterThan(OTHERS * 5);
    expect(read).toBeLessThan(500);
  });
});

describe('notices that cannot be delivered (poison)', () => {
  let app: TestApp;
  let party: StubRelyingParty;

  beforeEach(async () => {
    [app, party] = await Promise.all([TestApp.start(), StubRelyingParty.start()]);
  });
  afterEach(async () => {
    await app.stop();
    await party.stop();
  });

  it('an application without a usable address does not keep the others from being told', async () => {
    const [broken, fine] = await Promise.all([clientOf(app, party), clientOf(app, party)]);
    await app.db.query(
      `UPDATE clients SET metadata = jsonb_set(metadata, '{backchannel_logout_uri}', '"not an address"') WHERE client_id = $1`,
      [broken.clientId],
    );
    const long = new Date(app.clock.now().getTime() - HOUR);
    await dueNotices(app, broken.clientId, 300, { created: long, due: long });
    await dueNotices(app, fine.clientId, 10);
    await app.sendDue();
    expect((await deliveriesTo(app, fine.clientId)).map(({ state }) => state)).toEqual(Array(10).fill('delivered'));
    const errors = (await deliveriesTo(app, broken.clientId)).filter(({ attempts }) => attempts > 0);
    expect(new Set(errors.map(({ last_error }) => last_error))).toEqual(new Set(['invalid_url']));
    expect(errors.length).toBeLessThanOrEqual(SHARE);
  });

  it('one that its application always fails at does not hold up the others of that application', async () => {
    const { clientId } = await clientOf(app, party);
    const long = new Date(app.clock.now().getTime() - HOUR);
    const [poison] = await dueNotices(app, clientId, 1, { created: long, due: long });
    await app.db.query(`UPDATE logout_deliveries SET sid = 'poison' WHERE id = $1`, [poison]);
    party.always((request, response) => {
      const last = party.received.at(-1)!;
      response.writeHead(last.claims.sid === 'poison' ? 500 : 200).end();
    });
    // Alone it opens the breaker by itself: five failures in a row.
    for (let round = 0; round < 12; round += 1) {
      app.clock.advance(MINUTE);
      await app.sendDue();
    }
    expect(await noticeById(app, poison!)).toMatchObject({ state: 'pending', last_error: 'http_500' });
    expect(await app.db.query('SELECT 1 FROM logout_delivery_breakers WHERE opened_at IS NOT NULL')).toHaveLength(1);
    await dueNotices(app, clientId, 30);
    for (let round = 0; round < 3; round += 1) {
      app.clock.advance(MINUTE);
      await app.sendDue();
    }
    const states = (await deliveriesTo(app, clientId)).map(({ state }) => state).sort();
    expect(states).toEqual([...Array<string>(30).fill('delivered'), 'pending']);
  });
});
