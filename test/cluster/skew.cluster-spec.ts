import { existsSync, readdirSync } from 'node:fs';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { Browser } from '../support/http.js';
import { NOTICES } from '../support/ledger.js';
import { ADMIN_ENV, buildOnce, Operator, tokenRequest, type Service } from '../start/service.js';
import {
  allAre,
  allAreReceipted,
  Application,
  count,
  isActive,
  metric,
  refresh,
  signedIn,
  startNode,
  verifiedReceipts,
} from '../faults/scene.js';

/** Of Debian's package `libfaketime`. */
const LIBRARY = readdirSync('/usr/lib')
  .map((architecture) => `/usr/lib/${architecture}/faketime/libfaketime.so.1`)
  .find((path) => existsSync(path));
const PASSWORD = 'a quiet evening by the lake';
const EACH = 40;
const ROUNDS = 3;
const ENV = {
  ISSUER: 'http://localhost:3000',
  RECEIPT_POLL_MS: '100',
  SESSION_IDLE_SECONDS: '180',
  SESSION_EXPIRY_SWEEP_SECONDS: '1',
};

/** A process on a machine whose clock is off. Its steady clock goes as it does everywhere. */
const skewed = (seconds: number): Record<string, string> => ({
  LD_PRELOAD: LIBRARY ?? '',
  FAKETIME: `${seconds > 0 ? '+' : ''}${seconds}s`,
  FAKETIME_DONT_FAKE_MONOTONIC: '1',
});

describe.skipIf(LIBRARY === undefined).each([300, -300, 5, -5])(
  'libfaketime: two nodes on one Postgres, the clock of one is off by %i seconds',
  (seconds) => {
    let db: TestDatabase;
    let right: Service;
    let wrong: Service;
    let ways: readonly (readonly [Service, Service])[];
    let application: Application;
    let firstToken: number;
    let notices = 0;

    beforeAll(async () => {
      buildOnce();
      db = await createTestDatabase();
      // The first in a new database: it makes the keys.
      wrong = await startNode(db.url, { ...ENV, ...skewed(seconds) });
      firstToken = (
        await tokenRequest(wrong.base, ADMIN_ENV.EXEUNT_ADMIN_CLIENT_ID, ADMIN_ENV.EXEUNT_ADMIN_CLIENT_SECRET)
      ).status;
      right = await startNode(db.url, ENV);
      ways = [
        [right, wrong],
        [wrong, right],
      ];
      const operator = await Operator.at(right.base);
      application = await Application.register(operator, 'strict');
      await operator.call('PATCH', `/clients/${application.clientId}`, { skip_consent: true });
      application.always((request, response) => {
        const now = Date.now() / 1000;
        const { iat = 0, exp = 0 } = application.newest ?? {};
        if (Math.abs(now - iat) < 5 && exp > now) application.accept(request, response);
        else response.writeHead(400).end();
      });
    });
    afterAll(async () => {
      await Promise.all([right, wrong].map((node) => node.stop()));
      await application.stop();
      await db.drop();
    });

    /** Somebody new signs in at a node, and leaves it with a code. */
    async function codeAt(node: Service): Promise<string> {
      const login = `person-${crypto.randomUUID()}@example.com`;
      // With a token of its own: a rotation kills those before it.
      await (await Operator.at(right.base)).call('POST', '/accounts', { login, password: PASSWORD });
      const browser = new Browser(node.base);
      const request = new URLSearchParams({
        client_id: application.clientId,
        redirect_uri: application.redirectUri,
        response_type: 'code',
        scope: 'openid',
      });
      const page = await browser.follow(await browser.get(`/authorize?${request}`));
      const done = await browser.follow(await browser.submit(page, 'login-submit', { login, password: PASSWORD }));
      return done.query.get('code') ?? '';
    }
    async function redeem(node: Service, code: string): Promise<Response> {
      const { clientId, clientSecret, redirectUri } = application;
      return fetch(`${node.base}/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` },
        body: new URLSearchParams({ grant_type: 'authorization_code', code, redirect_uri: redirectUri }),
      });
    }

    it('says so, and signs from the first moment of a new database', async () => {
      expect(firstToken).toBe(200);
      const [offset] = (await metric(wrong.base, 'exeunt_clock_offset_seconds')).values();
      expect(offset).toBeCloseTo(seconds, 0);
      const side = seconds > 0 ? 'ahead of' : 'behind';
      await wrong.says(`the clock of this machine is ${Math.abs(seconds)}.0 s ${side} that of the database`);
      expect(right.output).not.toContain('the clock of this machine');
    });

    it('redeems at each node the codes of the other', async () => {
      const statuses: number[] = [];
      for (const [here, there] of ways)
        for (let n = 0; n < ROUNDS; n += 1) statuses.push((await redeem(there, await codeAt(here))).status);
      expect(statuses).toEqual(Array(2 * ROUNDS).fill(200));
    });

    it('answers a refresh that is repeated at the other node, and the grant lives', async () => {
      for (const [here, there] of ways) {
        const first = (await (await redeem(here, await codeAt(here))).json()) as { refresh_token: string };
        const once = await refresh(here.base, application, first.refresh_token);
        const again = await refresh(there.base, application, first.refresh_token);
        expect([once.status, again.status]).toEqual([200, 200]);
        const { access_token } = (await again.json()) as { access_token: string };
        expect(await isActive(here.base, application, access_token)).toBe(true);
      }
    });

    it('ends no live session of the other node', async () => {
      await signedIn(db, 'idle', EACH, [application]);
      // Each node sweeps once a second; in twelve seconds both have swept several times.
      await new Promise((resolve) => setTimeout(resolve, 12_000));
      const ended = await db.query('SELECT DISTINCT cause FROM session_terminations');
      expect(ended).toEqual([]);
    });

    it('has the notices of logouts at both nodes accepted at once, each once', async () => {
      const sessions = await signedIn(db, 'leaves', 2 * EACH, [application]);
      const operators = await Promise.all(ways.map(([node]) => Operator.at(node.base)));
      for (const [i, { sessionId }] of sessions.entries())
        await operators[i % 2]?.call('DELETE', `/sessions/${sessionId}`);
      notices += sessions.length;
      await allAre(db, 'delivered', notices);
      expect(new Set(count(application.accepted).values())).toEqual(new Set([1]));
      expect(application.received).toHaveLength(notices);
      const [{ attempts } = { attempts: 0 }] = await db.query<{ attempts: number }>(
        `SELECT sum(attempts)::int AS attempts FROM ${NOTICES}`,
      );
      expect(attempts).toBe(notices);
    });

    it('rotates immediately at each node: the other signs without a 500, and refuses what the old key signed', async () => {
      for (const [here, there] of ways) {
        const { access_token } = (await (await redeem(here, await codeAt(here))).json()) as { access_token: string };
        const admin = await Operator.at(here.base);
        await admin.call('POST', '/keys/rotate', { immediately: true });
        const statuses = [];
        for (let n = 0; n < 20; n += 1)
          for (const node of [here, there])
            statuses.push(
              (await tokenRequest(node.base, ADMIN_ENV.EXEUNT_ADMIN_CLIENT_ID, ADMIN_ENV.EXEUNT_ADMIN_CLIENT_SECRET))
                .status,
            );
        expect(new Set(statuses)).toEqual(new Set([200]));
        await vi.waitUntil(async () => !(await isActive(there.base, application, access_token)), { timeout: 10_000 });
        expect(await isActive(here.base, application, access_token)).toBe(false);
      }
    });

    it('issues a whole chain of receipts that does not go back in time', async () => {
      await allAreReceipted(db, notices);
      expect(await verifiedReceipts(await Operator.at(right.base))).toMatchObject({ ok: true });
      const times = (
        await db.query<{ issued_at: Date }>('SELECT issued_at FROM logout_receipts ORDER BY sequence')
      ).map(({ issued_at }) => issued_at.getTime());
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect(Math.abs((times.at(-1) ?? 0) - Date.now())).toBeLessThan(120_000);
    });

    it('orders everybody out at each node: dead before, alive after', async () => {
      for (const [here, there] of ways) {
        const before = (await (await redeem(there, await codeAt(there))).json()) as { access_token: string };
        const admin = await Operator.at(here.base);
        await admin.call('POST', '/logout-orders', { everyone: true, reason: 'A test' });
        const after = (await (await redeem(there, await codeAt(there))).json()) as { access_token: string };
        for (const node of [here, there]) {
          expect(await isActive(node.base, application, before.access_token)).toBe(false);
          expect(await isActive(node.base, application, after.access_token)).toBe(true);
        }
      }
    });
  },
);
