import type { Settings } from '../../src/platform/config/settings.js';
import { TestApp, type TestClient } from '../support/app.js';
import { HOUR, MINUTE, SECOND } from '../support/clock.js';
import { freePort } from '../support/ports.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { signOut } from '../rp-initiated-logout/end-session.js';
import { clientOf, deliveriesTo, dueNotices, someoneAt } from './scene.js';

const FAILURES = 3;
const SHARE = 8;

describe('an application that fails again and again is asked by one notice at a time (circuit breaker)', () => {
  let first: TestApp;
  let second: TestApp;
  let party: StubRelyingParty;
  let client: TestClient;
  let token: string;

  async function start(settings: Partial<Settings> = {}): Promise<void> {
    first = await TestApp.start({ deliveryBreakerFailures: FAILURES, deliveryTimeoutMs: 500, ...settings });
    second = await TestApp.start(
      { deliveryBreakerFailures: FAILURES, deliveryTimeoutMs: 500, ...settings },
      { db: first.db, clock: first.clock },
    );
    party = await StubRelyingParty.start();
    client = await clientOf(first, party);
    token = await first.adminToken();
  }
  beforeEach(() => start());
  afterEach(async () => {
    await second.stop();
    await first.stop();
    await party.stop();
  });

  const both = async (): Promise<void> => void (await Promise.all([first.sendDue(), second.sendDue()]));
  const state = async (node = first): Promise<Record<string, unknown>> =>
    (await node.json('GET', `/admin/v1/clients/${client.clientId}/deliveries-state`, { token })).body;
  const breaker = async (): Promise<Record<string, unknown>> => (await state()).breaker as Record<string, unknown>;
  const inSeconds = async (): Promise<number> =>
    (new Date(String((await breaker()).next_probe_at)).getTime() - first.clock.now().getTime()) / SECOND;

  it('is closed at first, and stays so while failures are fewer', async () => {
    expect(await breaker()).toEqual({ state: 'closed', failures: 0 });
    party.answerNext(500, 502);
    await dueNotices(first, client.clientId, 2);
    await first.sendDue();
    expect(await breaker()).toEqual({ state: 'closed', failures: 2, last_error: 'http_502' });
    await dueNotices(first, client.clientId, 1);
    await second.sendDue();
    expect(await breaker()).toEqual({ state: 'closed', failures: 0 });
  });

  it('opens for both nodes, lets one probe through after each pause, and the pauses grow to a minute', async () => {
    party.always(500);
    await dueNotices(first, client.clientId, 100);
    await first.sendDue();
    expect(party.received).toHaveLength(SHARE);
    expect(await breaker()).toMatchObject({ state: 'open', failures: SHARE, last_error: 'http_500' });
    await both();
    expect(party.received).toHaveLength(SHARE);

    let sent = SHARE;
    for (const longest of [5, 10, 20, 40, 60, 60]) {
      const pause = await inSeconds();
      expect(pause).toBeGreaterThanOrEqual(longest * 0.75);
      expect(pause).toBeLessThanOrEqual(longest);
      first.clock.advance(pause * SECOND - 1);
      await both();
      expect(party.received).toHaveLength(sent);
      // The pause is exact to the microsecond; what is shown of it, to the millisecond.
      first.clock.advance(2);
      await both();
      await both();
      sent += 1;
      expect(party.received).toHaveLength(sent);
    }
    const states = new Set((await deliveriesTo(first, client.clientId)).map((row) => row.state));
    expect(states).toEqual(new Set(['pending']));
  });

  it('closes with the first answer, heard by either node, and everything goes out once', async () => {
    party.always(500);
    await dueNotices(first, client.clientId, 100);
    await first.sendDue();
    party.always(200);
    first.clock.advance(MINUTE);
    await second.sendDue();
    expect(await breaker()).toEqual({ state: 'closed', failures: 0 });
    await both();
    expect(party.received).toHaveLength(SHARE + 100);
    expect(await state()).toMatchObject({ pending: 0, rejected: 0, abandoned: 0 });
    const attempts = (await deliveriesTo(first, client.clientId)).reduce((total, row) => total + row.attempts, 0);
    expect(attempts).toBe(SHARE + 100);
  });

  it('closes with a refusal too: whoever says 400 or 404 is there', async () => {
    for (const status of [400, 404]) {
      party.always(503);
      await dueNotices(first, client.clientId, FAILURES);
      await first.sendDue();
      expect(await breaker()).toMatchObject({ state: 'open' });
      party.always(status);
      first.clock.advance(MINUTE);
      await first.sendDue();
      expect(await breaker()).toEqual({ state: 'closed', failures: 0 });
    }
  });

  it.each<[string, number]>([
    ['a redirect', 302],
    ['401', 401],
    ['404', 404],
  ])('%s does not open it', async (_name, status) => {
    party.always(status);
    await dueNotices(first, client.clientId, 20);
    await first.sendDue();
    expect(await breaker()).toEqual({ state: 'closed', failures: 0 });
    expect(party.received).toHaveLength(20);
  });

  it('429 with Retry-After: no probe sooner than the application asked', async () => {
    party.always((_request, response) => response.writeHead(429, { 'retry-after': '300' }).end());
    await dueNotices(first, client.clientId, 50);
    await first.sendDue();
    expect(await inSeconds()).toBe(300);
    first.clock.advance(299 * SECOND);
    await both();
    expect(party.received).toHaveLength(SHARE);
    first.clock.advance(SECOND);
    await both();
    expect(party.received).toHaveLength(SHARE + 1);
  });

  it('a probe of a node that died with it is made up for by the other one', async () => {
    party.always(500);
    await dueNotices(first, client.clientId, 50);
    await first.sendDue();
    first.clock.advance(MINUTE);
    // The claim of a node that does nothing with it.
    party.always(200);
    await first.db.query(`UPDATE logout_delivery_breakers SET probe_at = $1`, [
      new Date(first.clock.now().getTime() + 5500),
    ]);
    await second.sendDue();
    expect(party.received).toHaveLength(SHARE);
    first.clock.advance(5500);
    await second.sendDue();
    await second.sendDue();
    expect(party.received).toHaveLength(SHARE + 50);
  });

  it('a logout does not wait for an application behind an open breaker', async () => {
    const { browser } = await someoneAt(first, [client]);
    party.always(500);
    await dueNotices(first, client.clientId, 50);
    await first.sendDue();
    const before = party.received.length;
    const page = await signOut(browser);
    expect(page.status).toBe(200);
    await first.sendDue();
    expect(party.received).toHaveLength(before);
    expect(await state()).toMatchObject({ pending: 51 });
    party.always(200);
    first.clock.advance(MINUTE);
    await both();
    await both();
    expect(await state()).toMatchObject({ pending: 0 });
  });

  it('the breaker of one application is nobody else’s', async () => {
    const other = await StubRelyingParty.start();
    const { clientId } = await clientOf(first, other);
    party.always(500);
    await dueNotices(first, client.clientId, 50);
    await dueNotices(first, clientId, 50);
    await both();
    expect(other.received).toHaveLength(50);
    await other.stop();
  });

  it('what grows too old behind it is abandoned, and counted so', async () => {
    party.always(500);
    await dueNotices(first, client.clientId, 50, { created: new Date(first.clock.now().getTime() - 23 * HOUR) });
    await dueNotices(first, client.clientId, 50);
    await first.sendDue();
    first.clock.advance(HOUR + SECOND);
    token = await first.adminToken();
    await first.sendDue();
    await first.sendDue();
    const rows = await deliveriesTo(first, client.clientId);
    expect(rows.filter((row) => row.state === 'abandoned')).toHaveLength(50);
    expect(new Set(rows.filter((row) => row.state === 'abandoned').map((row) => row.last_error))).toEqual(
      new Set(['http_500', 'breaker_open']),
    );
    expect(await state()).toMatchObject({ pending: 50, abandoned: 50 });
  });

  it('metrics show how many are open, on every node, and what attempts came to', async () => {
    const metric = async (node: TestApp, name: string): Promise<number> => {
      const { text } = await node.json('GET', '/metrics');
      return Number(
        text
          .split('\n')
          .find((line) => line.startsWith(`${name} `))
          ?.slice(name.length + 1),
      );
    };
    const attempts = (outcome: string): string => `exeunt_logout_delivery_attempts_total{outcome="${outcome}"}`;
    expect(await metric(second, 'exeunt_logout_delivery_breakers_open')).toBe(0);
    expect(await metric(first, attempts('retried'))).toBe(0);
    party.always(500);
    await dueNotices(first, client.clientId, FAILURES);
    await first.sendDue();
    expect(await metric(first, 'exeunt_logout_delivery_breakers_open')).toBe(1);
    expect(await metric(second, 'exeunt_logout_delivery_breakers_open')).toBe(1);
    expect(await metric(first, attempts('retried'))).toBe(FAILURES);
    party.always(200);
    first.clock.advance(MINUTE);
    await first.sendDue();
    await first.sendDue();
    expect(await metric(second, 'exeunt_logout_delivery_breakers_open')).toBe(0);
    expect(await metric(first, attempts('delivered'))).toBe(FAILURES);
  });

  it('nobody listens at all: the same', async () => {
    const port = await freePort();
    const gone = await first.createClient({ backchannel_logout_uri: `http://127.0.0.1:${port}/backchannel-logout` });
    await dueNotices(first, gone.clientId, 50);
    await both();
    const { body } = await first.json('GET', `/admin/v1/clients/${gone.clientId}/deliveries-state`, { token });
    expect(body).toMatchObject({ pending: 50, breaker: { state: 'open', last_error: 'connect_failed' } });
  });

  it('an unknown client has no state', async () => {
    expect((await first.json('GET', '/admin/v1/clients/nobody/deliveries-state', { token })).status).toBe(404);
  });
});
