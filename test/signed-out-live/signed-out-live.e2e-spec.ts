import { randomUUID } from 'node:crypto';
import { NEVER } from 'rxjs';
import { writeNotice } from '../support/ledger.js';
import { LiveStreams } from '../../src/web/kit/live-streams.js';
import { Sealer } from '../../src/platform/keys/sealer.js';
import { TestApp, type TestClient } from '../support/app.js';
import { MINUTE } from '../support/clock.js';
import { EventStream } from '../support/event-stream.js';
import type { Browser, Page } from '../support/http.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { clientOf, someoneAt, terminationsOf } from '../back-channel-logout/scene.js';
import { signOut } from '../rp-initiated-logout/end-session.js';

const KEEP_TRYING = 'not confirmed yet, we keep trying';

describe('the signed-out page, live', () => {
  let app: TestApp;
  let second: TestApp;
  let party: StubRelyingParty;

  beforeAll(async () => {
    app = await TestApp.start({ deliveryTimeoutMs: 500 });
    second = await TestApp.start({ deliveryTimeoutMs: 500 }, { db: app.db, clock: app.clock });
  });
  beforeEach(async () => {
    party = await StubRelyingParty.start();
  });
  afterEach(() => party.stop());
  afterAll(async () => {
    await second.stop();
    await app.stop();
  });

  interface SignedOut {
    readonly browser: Browser;
    readonly page: Page;
    readonly reload: string;
    readonly terminationId: string;
    readonly clients: readonly TestClient[];
  }

  /** Somebody who signed out of applications at the stub, which answers the first notices as `answers` say. */
  async function signedOut(names: readonly string[], ...answers: number[]): Promise<SignedOut> {
    const clients: TestClient[] = [];
    for (const name of names) clients.push(await clientOf(app, party, { client_name: name }));
    const { browser, accountId } = await someoneAt(app, clients);
    party.answerNext(...answers);
    const page = await signOut(browser);
    const [termination] = await terminationsOf(app, accountId);
    const reload = /href="(\/session\/signed-out\/[^"]+)"/.exec(page.body)?.[1] ?? '';
    return { browser, page, reload, terminationId: termination!.id, clients };
  }
  /** The notice is due again. The clock stays, since streams end by it. */
  async function retry(): Promise<void> {
    await app.db.query('UPDATE logout_deliveries SET next_attempt_at = $1', [app.clock.now()]);
    await app.sendDue();
  }

  it('shows each application with its state, a link to see it again, and where to follow it', async () => {
    const { page, reload } = await signedOut(['Ledger'], 503);
    expect(page.body).toMatch(new RegExp(`class="name">Ledger</span> <span class="state">${KEEP_TRYING}`));
    expect(reload).not.toBe('');
    expect(page.body).toContain(`data-events="${reload}/events"`);
    expect(page.headers.get('content-security-policy')).toContain("connect-src 'self';");
  });

  it('has no script, no link and no connect-src when there is nothing to wait for', async () => {
    const { page, reload } = await signedOut(['Ledger']);
    expect(page.body).toContain('confirmed');
    expect([reload, page.body.includes('<script'), page.body.includes('data-events')]).toEqual(['', false, false]);
    expect(page.headers.get('content-security-policy')).not.toContain('connect-src');
  });

  it('without JavaScript, is the same list again, as it stands now', async () => {
    const { browser, reload } = await signedOut(['Ledger'], 503);
    expect((await browser.get(reload)).body).toContain(KEEP_TRYING);
    await retry();
    const page = await browser.get(reload);
    expect(page.status).toBe(200);
    expect(page.body).toMatch(/class="name">Ledger<\/span> <span class="state">confirmed/);
    expect(page.body).not.toContain('data-events');
    expect(page.headers.get('cache-control')).toBe('no-store');
  });

  it('tells the present state at once, each change after it, and that it is done', async () => {
    const { reload } = await signedOut(['Ledger'], 503);
    const stream = await EventStream.open(`${app.issuer}${reload}/events`);
    expect(stream.response.status).toBe(200);
    expect(stream.response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(stream.response.headers.get('cache-control')).toMatch(/(?=.*no-store)(?=.*no-transform)/);
    expect(stream.response.headers.get('x-accel-buffering')).toBe('no');
    expect(await stream.next()).toEqual({ event: 'update', data: expect.stringContaining(KEEP_TRYING) });
    await retry();
    const update = await stream.next();
    expect(update?.event).toBe('update');
    expect(update?.data).toMatch(/class="state">confirmed/);
    expect(update?.data).not.toContain(KEEP_TRYING);
    expect(await stream.next()).toEqual({ event: 'end', data: 'done' });
    expect(await stream.next()).toBeUndefined();
  });

  it('is told by a node what another one recorded', async () => {
    const { reload } = await signedOut(['Ledger'], 503);
    const stream = await EventStream.open(`${second.issuer}${reload}/events`);
    expect((await stream.next())?.data).toContain(KEEP_TRYING);
    await retry();
    expect((await stream.next())?.data).toMatch(/class="state">confirmed/);
    expect((await stream.next())?.data).toBe('done');
  });

  it('shows one line for two notices to one application, as good as the worse of them', async () => {
    const { terminationId, reload, browser, clients } = await signedOut(['Ledger'], 503);
    const now = app.clock.now();
    const clientId = clients[0]?.clientId ?? '';
    await writeNotice(app.db, { terminationId, clientId, state: 'delivered', created: now, finished: now });
    const { body } = await browser.get(reload);
    expect(body.match(/class="name"/g)).toHaveLength(1);
    expect(body).toContain(KEEP_TRYING);
  });

  it('says of a refusal only that the application could not be reached (threat-model#other-peoples-sessions)', async () => {
    const { reload, browser } = await signedOut(['Ledger', 'Calendar'], 503, 400);
    const stream = await EventStream.open(`${app.issuer}${reload}/events`);
    const { data = '' } = (await stream.next()) ?? {};
    stream.close();
    for (const text of [data, (await browser.get(reload)).body]) {
      expect(text).toContain('could not be reached');
      expect(text).toContain(KEEP_TRYING);
      expect(text).not.toMatch(/127\.0\.0\.1|backchannel|http_|rejected|abandoned|attempts/);
    }
  });

  it('escapes the names of applications in what it sends', async () => {
    const { reload } = await signedOut(['<img src=x onerror=alert(1)>'], 503);
    const stream = await EventStream.open(`${app.issuer}${reload}/events`);
    const { data = '' } = (await stream.next()) ?? {};
    stream.close();
    expect(data).toContain('&lt;img src=x onerror=alert(1)&gt;');
    expect(data).not.toContain('<img');
  });

  describe('its address', () => {
    const read = async (address: string): Promise<readonly [number, string]> => {
      const page = await app.browser().get(address);
      return [page.status, page.body];
    };

    it('names neither the termination nor anybody', async () => {
      const { reload, terminationId } = await signedOut(['Ledger'], 503);
      const token = reload.split('/').at(-1) ?? '';
      expect(Buffer.from(token, 'base64url').toString('latin1')).not.toContain(terminationId);
      expect(reload).not.toContain(terminationId);
    });

    it.each([
      ['is not sealed', (id: string) => id],
      ['was changed', (_: string, token: string) => `${token.slice(0, -2)}${token.endsWith('AA') ? 'BB' : 'AA'}`],
      [
        'was sealed for something else',
        (id: string) => app.app.get(Sealer).seal('end-session-dialog', { terminationId: id }, MINUTE),
      ],
    ])('tells nothing when it %s', async (_, make) => {
      const { reload, terminationId } = await signedOut(['Ledger'], 503);
      const address = `/session/signed-out/${make(terminationId, reload.split('/').at(-1) ?? '')}`;
      const before = await app.rowCounts();
      const [status, body] = await read(address);
      expect([status, body.includes('Ledger')]).toEqual([200, false]);
      const [eventsStatus, events] = await read(`${address}/events`);
      expect([eventsStatus, events.includes('Ledger'), events.includes('event:')]).toEqual([404, false, false]);
      expect(await app.rowCounts()).toEqual(before);
    });

    it('lapses after a quarter of an hour', async () => {
      const { reload } = await signedOut(['Ledger'], 503);
      app.clock.advance(15 * MINUTE - 1);
      expect((await read(reload))[1]).toContain('Ledger');
      app.clock.advance(1);
      expect((await read(reload))[1]).not.toContain('Ledger');
      expect((await read(`${reload}/events`))[0]).toBe(404);
    });

    it('leads to the front page when it has lapsed and somebody is signed in', async () => {
      const { reload, clients } = await signedOut(['Ledger'], 503);
      const { browser } = await someoneAt(app, clients);
      app.clock.advance(15 * MINUTE);
      const page = await browser.get(reload);
      expect([page.status, page.location]).toEqual([303, `${app.issuer}/`]);
    });
  });

  describe('streams', () => {
    it('end after two minutes with "pause", so that the page offers its link again', async () => {
      const { reload } = await signedOut(['Ledger'], 503);
      const stream = await EventStream.open(`${app.issuer}${reload}/events`);
      await stream.next();
      app.clock.advance(2 * MINUTE);
      expect(await stream.next()).toEqual({ event: 'end', data: 'pause' });
      expect(await stream.next()).toBeUndefined();
    });

    it('are twenty for one logout at most; one that closes makes room', async () => {
      const { reload } = await signedOut(['Ledger'], 503);
      const url = `${app.issuer}${reload}/events`;
      const streams = await Promise.all(Array.from({ length: 20 }, () => EventStream.open(url)));
      for (const stream of streams) expect((await stream.next())?.event).toBe('update');
      const refused = await app.browser().get(`${reload}/events`);
      expect([refused.status, refused.headers.has('retry-after')]).toEqual([503, true]);
      streams[0]?.close();
      await vi.waitFor(async () => {
        const next = await EventStream.open(url);
        expect(next.response.status).toBe(200);
        next.close();
      });
      for (const stream of streams) stream.close();
    });

    describe('of people and of operators', () => {
      /** Streams that stay open, from an address, each about something else. */
      function follow(streams: LiveStreams, from: string, n: number): (() => void)[] {
        return Array.from({ length: n }, () => {
          const open = streams.stream(randomUUID(), NEVER, { address: from }).subscribe();
          return () => open.unsubscribe();
        });
      }

      it.each([
        ['an IPv4 address', '203.0.113.7', '203.0.113.7', '203.0.113.8'],
        ['an IPv4 address written as an IPv6 one', '::ffff:203.0.113.7', '203.0.113.7', '203.0.113.8'],
        ['an IPv6 network of one subscriber', '2001:db8:1:2::1', '2001:db8:1:2:ffff::9', '2001:db8:1:3::1'],
      ])('%s takes its share and no more', (_what, from, same, other) => {
        const streams = new LiveStreams(app.clock);
        const [close] = follow(streams, from, 60);
        expect(() => follow(streams, same, 1)).toThrow('Too many pages');
        expect(() => follow(streams, other, 1)).not.toThrow();
        close?.();
        expect(() => follow(streams, same, 1)).not.toThrow();
        streams.stop();
      });

      it('many people leave room for operators, and operators for people', () => {
        const streams = new LiveStreams(app.clock);
        for (let i = 0; i < 8; i += 1) follow(streams, `203.0.113.${i}`, 50);
        expect(() => follow(streams, '198.51.100.1', 1)).toThrow('Too many pages');
        const operator = () => streams.stream(randomUUID(), NEVER, 'operator').subscribe();
        for (let i = 0; i < 100; i += 1) operator();
        expect(operator).toThrow('Too many pages');
        streams.stop();
      });

      it('a page that is refused has its address to read again, and a script that does', async () => {
        const { page, reload } = await signedOut(['Ledger'], 503);
        const closers = follow(app.app.get(LiveStreams), '127.0.0.1', 60);
        closers.push(...follow(app.app.get(LiveStreams), '::1', 60));
        const refused = await app.browser().get(`${reload}/events`);
        expect([refused.status, refused.headers.has('retry-after')]).toEqual([503, true]);
        expect((await app.browser().get(reload)).body).toContain(KEEP_TRYING);
        expect(page.body).toContain(`<a href="${reload}">See how it stands now</a>`);
        for (const close of closers) close();
      });
    });

    it('end when the process stops, and none begins after that', async () => {
      const { reload } = await signedOut(['Ledger'], 503);
      const node = await TestApp.start({}, { db: app.db, clock: app.clock });
      const stream = await EventStream.open(`${node.issuer}${reload}/events`);
      await stream.next();
      node.app.get(LiveStreams).stop();
      expect(await stream.next()).toEqual({ event: 'end', data: 'pause' });
      expect((await node.browser().get(`${reload}/events`)).status).toBe(503);
      await node.stop();
    });
  });
});
