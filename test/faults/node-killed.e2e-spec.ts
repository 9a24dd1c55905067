import type { ServerResponse } from 'node:http';
import { buildOnce, Operator, type Service } from '../start/service.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { untilWaiting } from '../support/locks.js';
import {
  allAre,
  Application,
  count,
  hold,
  ledger,
  refresh,
  signedIn,
  startNode,
  WAIT,
  type SignedIn,
} from './scene.js';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 240_000 });

/**
 * One death, four notices: each at another point of its way. The node is stopped first (SIGSTOP), so that what happens
 * at the same time as its end happens in an order that the test chooses.
 */
describe('a node is killed (-9) while another one runs', () => {
  const applications: Application[] = [];
  let db: TestDatabase;
  let doomed: Service;
  let other: Service;
  let told: Application;
  let underWay: Application;
  let answerLost: Application;
  let unsent: Application;
  /** What whoever ordered the last of these logouts got. */
  let answer: Promise<number | 'connection lost'>;
  /** What its application got for a refresh token on the other node, before anybody was told. */
  let refreshed: number;
  /** Notices that the application had received when the node died. */
  let before: Map<string, number>;
  let sessions: Map<string, SignedIn>;

  beforeAll(async () => {
    buildOnce();
    db = await createTestDatabase();
    [doomed, other] = await Promise.all([startNode(db.url), startNode(db.url)]);
    const operator = await Operator.at(doomed.base);
    for (const name of ['told', 'under way', 'answer lost', 'unsent'])
      applications.push(await Application.register(operator, name));
    [told, underWay, answerLost, unsent] = applications as [Application, Application, Application, Application];
    sessions = new Map((await signedIn(db, 'person', 4, applications)).map((session) => [session.clientId, session]));
    const sessionOf = ({ clientId }: Application): string => sessions.get(clientId)?.sessionId ?? '';
    const end = (application: Application): Promise<unknown> =>
      operator.call('DELETE', `/sessions/${sessionOf(application)}`);

    await end(told);
    await vi.waitUntil(async () => (await ledger(db)).get(sidOf(told))?.state === 'delivered', WAIT);

    underWay.first(() => undefined);
    await end(underWay);
    await underWay.waitFor(1);

    const held: ServerResponse[] = [];
    answerLost.first((_request, response) => void held.push(response));
    await end(answerLost);
    await answerLost.waitFor(1);

    const lock = await hold(db.url, 'sessions', sessionOf(unsent));
    answer = end(unsent).then(
      () => 200,
      () => 'connection lost' as const,
    );
    await untilWaiting(db);

    doomed.signal('SIGSTOP');
    // Its statement goes on in Postgres without it: the logout is committed, and nobody has begun to send.
    await lock.release();
    await vi.waitUntil(async () => (await ledger(db)).has(sidOf(unsent)), WAIT);
    refreshed = (await refresh(other.base, unsent, sessions.get(unsent.clientId)?.refreshToken ?? '')).status;
    // The yes is on its way, and nobody will read it.
    for (const response of held) answerLost.accept(response.req, response);
    await doomed.stop('SIGKILL');
    before = new Map(applications.map((application) => [application.clientId, application.received.length]));

    await allAre(db, 'delivered', 4);
    // What it still has to send it sends before it ends.
    expect(await other.stop()).toEqual({ code: 0, signal: null });
  });
  afterAll(async () => {
    await Promise.all([doomed.stop('SIGKILL'), other.stop()]);
    await Promise.all(applications.map((application) => application.stop()));
    await db.drop();
  });

  const sidOf = ({ clientId }: Application): string => sessions.get(clientId)?.sid ?? '';

  it('sends what was committed and not begun, once', async () => {
    expect(await answer).toBe('connection lost');
    expect(refreshed).toBe(400);
    expect(before.get(unsent.clientId)).toBe(0);
    expect(unsent.received).toEqual([sidOf(unsent)]);
    expect(unsent.accepted).toEqual([sidOf(unsent)]);
  });

  it('sends anew what was under way and not answered, with a fresh token, and it is accepted once', () => {
    expect(before.get(underWay.clientId)).toBe(1);
    expect(underWay.received).toEqual([sidOf(underWay), sidOf(underWay)]);
    expect(new Set(underWay.tokenIds).size).toBe(2);
    expect(underWay.accepted).toEqual([sidOf(underWay)]);
  });

  it('sends once more what was accepted by an answer that nobody read: the one case of twice', () => {
    expect(answerLost.accepted).toEqual([sidOf(answerLost), sidOf(answerLost)]);
    expect(new Set(answerLost.tokenIds).size).toBe(2);
  });

  it('does not send again what was accepted and written down', () => {
    expect(told.received).toEqual([sidOf(told)]);
  });

  it('has every notice as delivered, by one attempt whose outcome is known', async () => {
    expect(count([...(await ledger(db)).values()].map(({ state, attempts }) => `${state} by ${attempts}`))).toEqual(
      new Map([['delivered by 1', 4]]),
    );
  });
});
