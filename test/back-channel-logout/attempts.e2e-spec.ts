import type { ServerResponse } from 'node:http';
import { TestApp, type TestClient } from '../support/app.js';
import { DAY, HOUR, MINUTE, SECOND } from '../support/clock.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { attemptsOf, clientOf, deliveriesTo, noticeAfterSignOut, noticeById } from './scene.js';

const TIMEOUT_MS = 400;

describe('what becomes of a notice (Back-Channel Logout 1.0 §2.5, §2.8; architecture#every-application-is-notified)', () => {
  let app: TestApp;
  let party: StubRelyingParty;
  let client: TestClient;

  beforeAll(async () => {
    app = await TestApp.start({ deliveryTimeoutMs: TIMEOUT_MS, logoutWaitMs: 50 });
  });
  beforeEach(async () => {
    party = await StubRelyingParty.start();
    client = await clientOf(app, party);
  });
  afterEach(() => party.stop());
  afterAll(() => app.stop());

  /** Milliseconds from now to the next attempt. */
  const wait = (notice: { readonly next_attempt_at: Date }): number =>
    notice.next_attempt_at.getTime() - app.clock.now().getTime();

  type Reply = (response: ServerResponse) => unknown;

  it.each<[string, number | Reply]>([
    ['200', 200],
    ['204', 204],
    [
      '200 with a page of its own',
      (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('x'.repeat(200_000)),
    ],
    [
      '200 with a body without end',
      (response) => {
        response.writeHead(200);
        const more = () => !response.destroyed && response.write('x'.repeat(65_536), () => setImmediate(more));
        more();
      },
    ],
    ['200 with a body that drips', (response) => response.writeHead(200).write('x')],
    [
      '200 that is said to be compressed and is not',
      (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('no gzip'),
    ],
  ])('%s: delivered, and never sent again', async (_name, reply) => {
    party.answerNext(typeof reply === 'number' ? reply : (_request, response) => void reply(response));
    const notice = await noticeAfterSignOut(app, client);
    expect(notice).toMatchObject({ state: 'delivered', attempts: 1, last_error: null });
    expect(notice.finished_at).toEqual(app.clock.now());
    expect(await attemptsOf(app, notice.id)).toMatchObject([{ number: 1, error_code: null }]);
    app.clock.advance(HOUR);
    await app.sendDue();
    expect(party.received).toHaveLength(1);
  });

  it('400: rejected, kept, and never sent again', async () => {
    party.answerNext((_request, response) =>
      response
        .writeHead(400, { 'content-type': 'application/json' })
        .end('{"error":"invalid_request","error_description":"secret words"}'),
    );
    const notice = await noticeAfterSignOut(app, client);
    expect(notice).toMatchObject({ state: 'rejected', attempts: 1, last_error: 'http_400' });
    expect(await attemptsOf(app, notice.id)).toMatchObject([{ status: 400, error_code: 'http_400' }]);
    app.clock.advance(DAY / 2);
    await app.sendDue();
    expect(party.received).toHaveLength(1);
    expect(app.logger.lines.join('\n')).not.toContain('secret words');
  });

  it.each<[string, string, number | null, number | Reply]>([
    ['500', 'http_500', 500, 500],
    ['502', 'http_502', 502, 502],
    ['404', 'http_404', 404, 404],
    ['405', 'http_405', 405, 405],
    ['403, such as of a guard against forged forms', 'http_403', 403, 403],
    ['429', 'http_429', 429, 429],
    ['201, which is neither of the two that mean success', 'http_201', 201, 201],
    ['a hang', 'timeout', null, () => undefined],
    [
      'headers that come one by one and never end',
      'timeout',
      null,
      (response) => response.socket?.write('HTTP/1.1 200 OK\r\nx-slow: 1\r\n'),
    ],
    ['a reset', 'reset', null, (response) => response.socket?.resetAndDestroy()],
    ['a connection that is closed without a word', 'reset', null, (response) => response.socket?.end()],
    [
      'a header without end',
      'response_too_large',
      null,
      (response) => response.writeHead(200, { 'x-long': 'x'.repeat(100_000) }).end(),
    ],
  ])('%s: kept as pending, recorded, and delivered when it comes right', async (_name, errorCode, status, reply) => {
    party.answerNext(typeof reply === 'number' ? reply : (_request, response) => void reply(response));
    const notice = await noticeAfterSignOut(app, client);
    expect(notice).toMatchObject({ state: 'pending', attempts: 1, last_error: errorCode, finished_at: null });
    expect(wait(notice)).toBeGreaterThanOrEqual(1500);
    expect(wait(notice)).toBeLessThanOrEqual(2000);
    expect(await attemptsOf(app, notice.id)).toMatchObject([{ number: 1, status, error_code: errorCode }]);

    await app.sendDue();
    expect(party.received).toHaveLength(1);
    app.clock.advance(2 * SECOND);
    await app.sendDue();
    expect(party.received).toHaveLength(2);
    expect(await noticeById(app, notice.id)).toMatchObject({ state: 'delivered', attempts: 2, last_error: null });
    const attempts = await attemptsOf(app, notice.id);
    expect(attempts.map(({ jti }) => jti)).toEqual(party.received.map(({ claims }) => claims.jti));
    expect(attempts[1]).toMatchObject({ number: 2, status: 200, error_code: null, started_at: app.clock.now() });
  });

  it.each([301, 302, 303, 307, 308])(
    '%i: the redirect is not followed, and the notice is tried again (threat-model#inner-addresses)',
    async (status) => {
      party.answerNext((_request, response) =>
        response.writeHead(status, { location: party.backchannelLogoutUri }).end(),
      );
      const notice = await noticeAfterSignOut(app, client);
      expect(party.received).toHaveLength(1);
      expect(notice).toMatchObject({ state: 'pending', last_error: `http_${status}` });
    },
  );

  it('a refused connection: pending, and told when the application is back', async () => {
    await party.stop();
    const notice = await noticeAfterSignOut(app, client);
    expect(notice).toMatchObject({ state: 'pending', attempts: 1, last_error: 'connect_failed' });
    expect(await attemptsOf(app, notice.id)).toMatchObject([{ status: null, error_code: 'connect_failed' }]);
    party = await StubRelyingParty.start();
    const metadata = { redirect_uris: [party.redirectUri], backchannel_logout_uri: party.backchannelLogoutUri };
    await app.json('PATCH', `/admin/v1/clients/${client.clientId}`, { token: await app.adminToken(), body: metadata });
    app.clock.advance(MINUTE);
    await app.sendDue();
    expect(party.received).toHaveLength(1);
    expect(await noticeById(app, notice.id)).toMatchObject({ state: 'delivered', attempts: 2 });
  });

  it.each<[string, (now: Date) => string, number]>([
    ['seconds', () => '120', 120],
    ['a date', (now) => new Date(now.getTime() + 300_000).toUTCString(), 300],
    ['longer than an hour: an hour is the most', () => '999999', 3600],
  ])('comes back no sooner than Retry-After says, in %s (RFC 9110 §10.2.3)', async (_name, value, seconds) => {
    party.answerNext((_request, response) => response.writeHead(429, { 'retry-after': value(app.clock.now()) }).end());
    const notice = await noticeAfterSignOut(app, client);
    expect(wait(notice)).toBe(seconds * SECOND);
    app.clock.advance((seconds - 1) * SECOND);
    await app.sendDue();
    expect(party.received).toHaveLength(1);
    app.clock.advance(SECOND);
    await app.sendDue();
    expect(party.received).toHaveLength(2);
  });

  it('comes back after twice as long each time, up to a quarter of an hour', async () => {
    party.always(503);
    const { id } = await noticeAfterSignOut(app, client);
    for (const longest of [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]) {
      const waited = wait(await noticeById(app, id)) / SECOND;
      expect(waited).toBeGreaterThanOrEqual(longest * 0.75);
      expect(waited).toBeLessThanOrEqual(longest);
      app.clock.advance(longest * SECOND);
      await app.sendDue();
    }
    expect(await noticeById(app, id)).toMatchObject({ state: 'pending', attempts: 13 });
    expect(party.received).toHaveLength(13);
  });

  it('is abandoned once it is older than the settings allow, on the record, and never sent again', async () => {
    party.always(500);
    const { id } = await noticeAfterSignOut(app, client);
    app.clock.advance(DAY - MINUTE);
    await app.sendDue();
    expect(await noticeById(app, id)).toMatchObject({ state: 'pending', attempts: 2 });
    app.clock.advance(MINUTE);
    await app.sendDue();
    expect(await noticeById(app, id)).toMatchObject({
      state: 'abandoned',
      attempts: 3,
      last_error: 'http_500',
      finished_at: app.clock.now(),
    });
    expect(await attemptsOf(app, id)).toHaveLength(3);
    app.clock.advance(DAY);
    await app.sendDue();
    expect(party.received).toHaveLength(3);
  });

  it('goes to where the application receives notices now, if that has changed between attempts (threat-model#address-from-the-request)', async () => {
    const moved = await StubRelyingParty.start();
    party.answerNext(500);
    const { id } = await noticeAfterSignOut(app, client);
    await app.json('PATCH', `/admin/v1/clients/${client.clientId}`, {
      token: await app.adminToken(),
      body: { backchannel_logout_uri: moved.backchannelLogoutUri },
    });
    app.clock.advance(MINUTE);
    await app.sendDue();
    expect([party.received.length, moved.received.length]).toEqual([1, 1]);
    expect(await noticeById(app, id)).toMatchObject({ state: 'delivered' });
    await moved.stop();
  });

  it('still reaches an application that was deleted before it could be told', async () => {
    party.answerNext(500);
    const { id } = await noticeAfterSignOut(app, client);
    await app.json('DELETE', `/admin/v1/clients/${client.clientId}`, { token: await app.adminToken() });
    app.clock.advance(MINUTE);
    await app.sendDue();
    expect(await noticeById(app, id)).toMatchObject({ state: 'delivered', attempts: 2 });
    expect(await deliveriesTo(app, client.clientId)).toHaveLength(1);
  });

  it('is shown to operators with each of its attempts, and without addresses (threat-model#other-peoples-sessions)', async () => {
    party.answerNext(500);
    const { id } = await noticeAfterSignOut(app, client);
    app.clock.advance(MINUTE);
    await app.sendDue();
    const { body, text } = await app.json('GET', `/admin/v1/deliveries/${id}`, { token: await app.adminToken() });
    expect(body).toMatchObject({
      id,
      client_id: client.clientId,
      state: 'delivered',
      attempts: 2,
      attempt_log: [
        { number: 1, status: 500, error_code: 'http_500' },
        { number: 2, status: 200 },
      ],
    });
    expect(text).not.toContain(party.origin);
    expect(text).not.toContain(party.received[0]!.token);
  });
});
