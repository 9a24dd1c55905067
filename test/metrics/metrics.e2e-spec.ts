import { randomUUID } from 'node:crypto';
import { writeNotice } from '../support/ledger.js';
import { DeliveryFiguresService } from '../../src/domain/logout/insight/delivery-figures.service.js';
import { LOGOUT_TOKEN_RESULTS, Metrics } from '../../src/platform/metrics/metrics.js';
import { clientOf, someoneAt } from '../back-channel-logout/scene.js';
import { signOut } from '../rp-initiated-logout/end-session.js';
import { TestApp, type Answer } from '../support/app.js';
import { DAY, HOUR, MINUTE, SECOND } from '../support/clock.js';
import { createTestDatabase } from '../support/database.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';

const TOKEN = 'a-metrics-token-of-length';

describe('metrics', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.stop());

  const read = (node: TestApp, token?: string): Promise<Answer> => node.json('GET', '/metrics', { token });
  const valueOf = ({ text }: Answer, series: string): number | undefined => {
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  };
  const tokens = (result: string): string => `exeunt_upstream_logout_tokens_total{result="${result}"}`;

  it('are in the text format of Prometheus, and nobody keeps them', async () => {
    const answer = await read(app);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain;(?=.*\bversion=0\.0\.4\b)(?=.*\bcharset=utf-8\b)/);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.text).toContain('# TYPE exeunt_upstream_logout_tokens_total counter\n');
    expect(answer.text).toContain('# TYPE exeunt_terminations_total counter\n');
    expect(valueOf(answer, 'process_resident_memory_bytes')).toBeGreaterThan(0);
  });

  it('show each result of a logout token as 0 before the first', async () => {
    const answer = await read(app);
    for (const result of LOGOUT_TOKEN_RESULTS) expect([result, valueOf(answer, tokens(result))]).toEqual([result, 0]);
  });

  it('count logout tokens and terminations, for this application alone', async () => {
    const other = await TestApp.start({}, { db: app.db, clock: app.clock });
    const metrics = other.app.get(Metrics);
    metrics.countLogoutToken('forged');
    metrics.countLogoutToken('forged');
    metrics.countLogoutToken('ended');
    metrics.countTermination('admin');
    const answer = await read(other);
    expect([
      valueOf(answer, tokens('forged')),
      valueOf(answer, tokens('ended')),
      valueOf(answer, tokens('replayed')),
      valueOf(answer, 'exeunt_terminations_total{cause="admin"}'),
    ]).toEqual([2, 1, 0, 1]);
    expect(valueOf(await read(app), tokens('forged'))).toBe(0);
    await other.stop();
  });

  it('hold nothing of a request', async () => {
    await app.json('GET', '/metrics?probe=needle-in-query');
    await app.json('GET', '/needle-in-path', { token: 'needle-in-token' });
    await app.form('/token', { grant_type: 'needle-in-form' });
    expect((await read(app)).text).not.toContain('needle');
  });

  describe('of the ledger', () => {
    let node: TestApp;
    let party: StubRelyingParty;

    beforeAll(async () => {
      node = await TestApp.start();
      party = await StubRelyingParty.start();
    });
    afterAll(async () => {
      await party.stop();
      await node.stop();
    });

    const state = (name: string): string => `exeunt_deliveries{state="${name}"}`;
    const figures = async (): Promise<(number | undefined)[]> => {
      const answer = await read(node);
      return [
        valueOf(answer, state('pending')),
        valueOf(answer, state('delivered')),
        valueOf(answer, state('rejected')),
        valueOf(answer, state('abandoned')),
        valueOf(answer, 'exeunt_oldest_pending_delivery_seconds'),
      ];
    };
    const confirmations = async (): Promise<(number | undefined)[]> => {
      const answer = await read(node);
      const of = (suffix: string): number | undefined => valueOf(answer, `exeunt_logout_confirmation_seconds${suffix}`);
      return [of('_count'), of('_sum'), of('_bucket{le="300"}'), valueOf(answer, 'exeunt_receipts_issued_total')];
    };
    async function signedOut(...answers: number[]): Promise<void> {
      const { browser } = await someoneAt(node, [await clientOf(node, party)]);
      party.answerNext(...answers);
      await signOut(browser);
      await node.sendDue();
    }

    it('are 0 before there is any, so that an alert on them is no alert on nothing', async () => {
      expect(await figures()).toEqual([0, 0, 0, 0, 0]);
      expect(await confirmations()).toEqual([0, 0, 0, 0]);
    });

    it('say how notices stand and how long the oldest one waits, at most ten seconds old', async () => {
      await signedOut(200);
      await signedOut(400);
      await signedOut(503);
      expect(await figures()).toEqual([0, 0, 0, 0, 0]);
      node.clock.advance(10 * SECOND);
      expect(await figures()).toEqual([1, 1, 1, 0, 10]);
    });

    it('observe the time from the decision to the last acceptance, once for each termination', async () => {
      await node.issueReceipts();
      // What was refused was never confirmed.
      expect(await confirmations()).toEqual([1, 0, 1, 2]);
      node.clock.advance(5 * MINUTE);
      await node.sendDue();
      await node.issueReceipts();
      expect(await confirmations()).toEqual([2, 310, 1, 3]);
      expect(await node.issueReceipts()).toBe(0);
      expect((await confirmations())[0]).toBe(2);
      expect(await figures()).toEqual([0, 2, 1, 0, 0]);
    });

    it('are of the last 24 hours, besides what is pending', async () => {
      node.clock.advance(DAY - 5 * MINUTE);
      await signedOut(503);
      expect(await figures()).toEqual([1, 1, 0, 0, 0]);
      node.clock.advance(5 * MINUTE);
      expect(await figures()).toEqual([1, 0, 0, 0, 300]);
    });

    it('are the same on every node', async () => {
      const other = await TestApp.start({}, { db: node.db, clock: node.clock });
      expect(valueOf(await read(other), state('pending'))).toBe(1);
      await other.stop();
    });

    it('have no value while storage is away, and the rest is still told', async () => {
      const db = await createTestDatabase();
      const lonely = await TestApp.start({}, { db });
      await db.query('ALTER TABLE logout_deliveries RENAME TO logout_deliveries_away');
      const answer = await read(lonely);
      expect(answer.status).toBe(200);
      expect(valueOf(answer, state('pending'))).toBeUndefined();
      expect(valueOf(answer, 'exeunt_oldest_pending_delivery_seconds')).toBeNaN();
      expect(valueOf(answer, 'process_resident_memory_bytes')).toBeGreaterThan(0);
      await lonely.stop();
      await db.drop();
    });
  });

  describe('for the console', () => {
    let node: TestApp;
    const client = (name: string): Promise<string> =>
      node.createClient({ client_name: name }).then(({ clientId }) => clientId);

    beforeAll(async () => {
      node = await TestApp.start();
    });
    afterAll(() => node.stop());

    /** `n` notices to one application that ended `ago`, `seconds` after they were owed. */
    const notices = async (clientId: string, name: string, n: number, ago: number, seconds: number): Promise<void> => {
      const id = randomUUID();
      const finished = new Date(node.clock.now().getTime() - ago);
      const created = new Date(finished.getTime() - seconds * SECOND);
      await node.db.query(
        `INSERT INTO session_terminations (id, cause, initiator, sessions, grants_revoked, deliveries, occurred_at)
         VALUES ($1, 'admin', '{"kind":"system"}', 1, 0, $2, $3)`,
        [id, n, created],
      );
      for (let i = 0; i < n; i += 1)
        await writeNotice(node.db, { terminationId: id, clientId, state: name, created, finished });
    };

    it('there are counts, percentiles, the oldest one, by application and by hour', async () => {
      const [busy, quiet] = [await client('Busy'), await client('Quiet')];
      await notices(quiet, 'delivered', 9, 2 * HOUR, 1);
      await notices(quiet, 'delivered', 1, HOUR, 11);
      await notices(quiet, 'delivered', 5, DAY, 1000);
      await notices(busy, 'abandoned', 2, HOUR, 5);
      await notices(busy, 'pending', 3, 0, 3600);
      const overview = await node.app.get(DeliveryFiguresService).overview();
      expect(overview.counts).toEqual({ pending: 3, delivered: 10, rejected: 0, abandoned: 2 });
      expect(overview.latency?.p50).toBeCloseTo(1);
      expect(overview.latency?.p95).toBeCloseTo(6.5);
      expect(overview.oldestPendingAt).toEqual(new Date(node.clock.now().getTime() - HOUR));
      expect(overview.applications.map(({ clientId, counts, latency }) => [clientId, counts.pending, latency])).toEqual(
        [
          [busy, 3, undefined],
          [quiet, 0, { p50: expect.closeTo(1), p95: expect.closeTo(6.5) }],
        ],
      );
      expect(overview.hours).toHaveLength(24);
      expect(overview.hours.slice(-3).map(({ counts }) => [counts.delivered, counts.abandoned])).toEqual([
        [9, 0],
        [1, 2],
        [0, 0],
      ]);
    });
  });

  describe('with a metrics token in the settings', () => {
    let closed: TestApp;

    beforeAll(async () => {
      closed = await TestApp.start({ metricsToken: TOKEN }, { db: app.db, clock: app.clock });
    });
    afterAll(() => closed.stop());

    it('are shown to who sends it', async () => {
      const answer = await read(closed, TOKEN);
      expect([answer.status, valueOf(answer, tokens('ended'))]).toEqual([200, 0]);
    });

    it('are refused to who sends none, with a challenge that names no error (RFC 6750 §3.1)', async () => {
      const before = await closed.rowCounts();
      const answer = await read(closed);
      expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="exeunt"']);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.text).not.toContain('exeunt_');
      expect(await closed.rowCounts()).toEqual(before);
    });

    it('are refused to who sends another, an access token of an operator too', async () => {
      const wrong = [`${TOKEN}x`, TOKEN.slice(1), TOKEN.toUpperCase(), await closed.adminToken()];
      const before = await closed.rowCounts();
      for (const token of wrong) {
        const answer = await read(closed, token);
        expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([
          401,
          expect.stringContaining('error="invalid_token"'),
        ]);
        expect(answer.text).not.toContain('exeunt_');
      }
      expect(await closed.rowCounts()).toEqual(before);
      for (const token of [TOKEN, ...wrong]) expect(closed.logger.lines.join('\n')).not.toContain(token);
    });
  });
});
