import { DeliveryQueueRepository } from '../../src/domain/logout/notices/delivery-queue.repository.js';
import { TestApp } from '../support/app.js';
import { DAY, MINUTE } from '../support/clock.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { promptNone, signOut } from '../rp-initiated-logout/end-session.js';
import { clientOf, deliveriesTo, dueNotices, noticeAfterSignOut, noticeById, someoneAt } from './scene.js';

const ONE_BATCH = { limit: 25, perClient: 25, underWay: new Map<string, number>() };

describe('several nodes on one database (architecture#stateless-nodes)', () => {
  let first: TestApp;
  let second: TestApp;
  let party: StubRelyingParty;

  beforeAll(async () => {
    first = await TestApp.start();
    second = await TestApp.start({}, { db: first.db, clock: first.clock });
  });
  beforeEach(async () => {
    party = await StubRelyingParty.start();
  });
  afterEach(() => party.stop());
  afterAll(async () => {
    await second.stop();
    await first.stop();
  });

  it('three claimers at once get disjoint notices, all of them between them', async () => {
    const { clientId } = await clientOf(first, party);
    const due = await dueNotices(first, clientId, 60);
    const claim = (node: TestApp) =>
      node.app
        .get(DeliveryQueueRepository)
        .claim(first.clock.now(), new Date(first.clock.now().getTime() + MINUTE), ONE_BATCH);
    const claimed = (await Promise.all([claim(first), claim(second), claim(first)])).flat().map(({ id }) => id);
    expect(new Set(claimed).size).toBe(claimed.length);
    const rest = (await claim(second)).map(({ id }) => id);
    expect([...claimed, ...rest].sort()).toEqual(due);
    expect(await claim(first)).toEqual([]);
  });

  it('a claim lapses with the node that held it, and another one sends the notice', async () => {
    const { clientId } = await clientOf(first, party);
    const [id] = await dueNotices(first, clientId, 1);
    await first.app
      .get(DeliveryQueueRepository)
      .claim(first.clock.now(), new Date(first.clock.now().getTime() + MINUTE), ONE_BATCH);
    await second.sendDue();
    expect(party.received).toHaveLength(0);
    first.clock.advance(MINUTE);
    await second.sendDue();
    expect(party.received).toHaveLength(1);
    expect(await noticeById(first, id!)).toMatchObject({ state: 'delivered', attempts: 1 });
  });

  it('both send what is due at the same time: each notice goes out once', async () => {
    const { clientId } = await clientOf(first, party);
    await dueNotices(first, clientId, 120);
    await Promise.all([first.sendDue(), second.sendDue(), first.sendDue(), second.sendDue()]);
    await Promise.all([first.sendDue(), second.sendDue()]);
    expect(party.received).toHaveLength(120);
    expect(new Set(party.received.map(({ claims }) => claims.sid)).size).toBe(120);
    const rows = await deliveriesTo(first, clientId);
    expect(new Set(rows.map((row) => `${row.state} ${row.attempts}`))).toEqual(new Set(['delivered 1']));
  });

  it('a node that polls does not take over what the node of the logout is sending', async () => {
    const client = await clientOf(first, party);
    const { browser } = await someoneAt(first, [client]);
    let answer = () => undefined as unknown;
    party.answerNext((_request, response) => (answer = () => response.writeHead(200).end()));
    const done = signOut(browser);
    await party.waitFor(1);
    await second.sendDue();
    expect(party.received).toHaveLength(1);
    answer();
    expect((await done).body).toContain('1 of 1 application has confirmed');
  });

  it('what one node could not deliver another one does', async () => {
    const client = await clientOf(first, party);
    party.answerNext(500);
    const { id } = await noticeAfterSignOut(first, client);
    first.clock.advance(MINUTE);
    await second.sendDue();
    expect(party.received).toHaveLength(2);
    expect(await noticeById(first, id)).toMatchObject({ state: 'delivered', attempts: 2 });
  });

  it('a session that ended on one node is over on the other one at once (threat-model#session-over-tokens-alive)', async () => {
    const client = await clientOf(first, party);
    const { browser, tokens } = await someoneAt(first, [client]);
    await signOut(browser);
    const elsewhere = second.browser();
    elsewhere.setCookie('exeunt_session', browser.cookie('exeunt_session'));
    expect(await promptNone(second, elsewhere, client)).toBe('login_required');
    expect((await second.refresh(client, tokens[0]!.refresh_token)).status).toBe(400);
    expect(await second.isActive(client, tokens[0]!.access_token)).toBe(false);
  });

  it('notices that have ended stay as they ended', async () => {
    const { clientId } = await clientOf(first, party);
    const [id] = await dueNotices(first, clientId, 1);
    await first.sendDue();
    const repository = first.app.get(DeliveryQueueRepository);
    const late = {
      deliveryId: id!,
      clientId,
      number: 2,
      jti: 'late',
      startedAt: first.clock.now(),
      durationMs: 1,
      status: 500,
      errorCode: 'http_500',
    };
    await repository.record({ ...late, state: 'pending', nextAttemptAt: first.clock.now() });
    expect(await noticeById(first, id!)).toMatchObject({ state: 'delivered', attempts: 1 });
    first.clock.advance(DAY);
    await first.sendDue();
    expect(party.received).toHaveLength(1);
  });
});
