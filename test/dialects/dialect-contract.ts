import type { TerminationCause } from '../../src/domain/logout/command/logout.js';
import { TestApp, type TestClient, type Tokens } from '../support/app.js';
import type { Browser } from '../support/http.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { clientOf, deliveriesTo, OFFLINE, terminationsOf } from '../back-channel-logout/scene.js';
import { promptNone } from '../rp-initiated-logout/end-session.js';

/** What any dialect answers with: a page, JSON, or nothing in the body. `Page` and `fetch` plus `text()` both fit. */
export interface DialectAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** One device of one person: signed in to `client`, and to `offlineClient`, which may work when nobody is there. */
export interface Device {
  readonly accountId: string;
  readonly login: string;
  readonly browser: Browser;
  readonly client: TestClient;
  readonly tokens: Tokens;
  readonly offlineClient: TestClient;
  readonly offlineTokens: Tokens;
}

/** A request that must not end anything, and how the dialect says no to it. */
export interface RefusedRequest {
  readonly name: string;
  /** Aims at `victim` with what `stranger`, another person at the same client, can get hold of. */
  readonly send: (app: TestApp, victim: Device, stranger: Device) => Promise<DialectAnswer>;
  readonly expectRefused: (answer: DialectAnswer) => void;
}

/**
 * What a dialect tells the contract about itself. A new dialect writes one file in `test/dialects/<name>/` that calls
 * {@link describeLogoutDialect}; what is special about it has tests of its own beside that.
 */
export interface LogoutDialect {
  readonly name: string;
  /** The cause that its terminations are recorded with. */
  readonly cause: TerminationCause;
  /** What the application's registration has besides redirect URIs and a back channel. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Before any device signs in: another provider that people come from, a facilitator's client. */
  readonly prepare?: (app: TestApp) => Promise<void>;
  /** How a device comes to be signed in, where that is not the code flow in its browser. */
  readonly signIn?: (
    app: TestApp,
    browser: Browser,
    client: TestClient,
    login: string,
    overrides: Record<string, string>,
  ) => Promise<Tokens>;
  /** Asks, in the dialect's own words, that this device's session ends. Must work a second time, when it has ended. */
  readonly send: (app: TestApp, device: Device) => Promise<DialectAnswer>;
  /** The same request with one of its parameters (or members, or its only one) sent twice. */
  readonly sendTwiceNamed: (app: TestApp, device: Device) => Promise<DialectAnswer>;
  /** At least a foreign token or hint, and whatever else this dialect must refuse. */
  readonly refused: readonly RefusedRequest[];
  /** It worked. */
  readonly expectEnded: (answer: DialectAnswer) => void;
  /** There was nothing left to end, which is success in every specification. */
  readonly expectNothingToEnd: (answer: DialectAnswer) => void;
  /** Storage failed: by default anything from 500 up. */
  readonly expectFailed?: (answer: DialectAnswer) => void;
  /** Tables that a request which changes nothing may write to: what it was, whether it came before, how often. */
  readonly bookkeeping?: readonly string[];
}

/** Every write of a logout, so that each can fail. */
const WRITES = [
  ['sessions', 'UPDATE'],
  ['grants', 'UPDATE'],
  ['logout_deliveries', 'INSERT'],
  ['session_terminations', 'INSERT'],
] as const;

/** What holds for every dialect alike (docs/dialects.md). */
export function describeLogoutDialect(dialect: LogoutDialect): void {
  describe(`the contract of logout dialects: ${dialect.name}`, () => {
    let app: TestApp;
    let party: StubRelyingParty;

    beforeAll(async () => {
      [app, party] = await Promise.all([TestApp.start(), StubRelyingParty.start()]);
      await dialect.prepare?.(app);
    });
    afterAll(() => Promise.all([app.stop(), party.stop()]));

    async function clients(): Promise<readonly [TestClient, TestClient]> {
      return Promise.all([clientOf(app, party, { ...dialect.metadata }), clientOf(app, party)]);
    }

    async function aDevice(
      [client, offlineClient]: readonly [TestClient, TestClient],
      login?: string,
    ): Promise<Device> {
      const account = login === undefined ? await app.createAccount() : await accountOf(login);
      const browser = app.browser();
      const signIn = dialect.signIn ?? ((_app, ...rest) => app.signInTo(...rest));
      const tokens = await signIn(app, browser, client, account.login, {});
      const offlineTokens = await signIn(app, browser, offlineClient, account.login, OFFLINE);
      return { accountId: account.id, login: account.login, browser, client, tokens, offlineClient, offlineTokens };
    }

    async function accountOf(login: string): Promise<{ readonly id: string; readonly login: string }> {
      const [row] = await app.db.query<{ id: string }>('SELECT id FROM accounts WHERE login = $1', [login]);
      return { id: row!.id, login };
    }

    async function rowCounts(): Promise<Record<string, number>> {
      const counts = await app.rowCounts();
      for (const table of dialect.bookkeeping ?? []) delete counts[table];
      return counts;
    }

    async function expectSignedIn(device: Device): Promise<void> {
      expect(await app.isActive(device.client, device.tokens.access_token)).toBe(true);
      expect(await promptNone(app, device.browser, device.client)).toBe('code');
    }

    async function expectSignedOut(device: Device): Promise<void> {
      expect(await app.isActive(device.client, device.tokens.access_token)).toBe(false);
      expect((await app.refresh(device.client, device.tokens.refresh_token)).status).toBe(400);
      expect(await promptNone(app, device.browser, device.client)).toBe('login_required');
    }

    it('ends exactly the session that is meant; the other device of the same person and everybody else stay', async () => {
      const both = await clients();
      const device = await aDevice(both);
      const otherDevice = await aDevice(both, device.login);
      const somebody = await aDevice(both);
      dialect.expectEnded(await dialect.send(app, device));
      await expectSignedOut(device);
      await expectSignedIn(otherDevice);
      await expectSignedIn(somebody);
      expect(await terminationsOf(app, device.accountId)).toMatchObject([{ cause: dialect.cause, sessions: 1 }]);
    });

    it('revokes what was bound to the session and keeps what was granted for later (Back-Channel Logout 1.0 §2.7)', async () => {
      const device = await aDevice(await clients());
      dialect.expectEnded(await dialect.send(app, device));
      expect(await app.isActive(device.client, device.tokens.access_token)).toBe(false);
      expect(await app.isActive(device.offlineClient, device.offlineTokens.access_token)).toBe(true);
      expect((await app.refresh(device.offlineClient, device.offlineTokens.refresh_token)).status).toBe(200);
    });

    it('queues one notice for each application that took part, and each of them is told once', async () => {
      const device = await aDevice(await clients());
      dialect.expectEnded(await dialect.send(app, device));
      await app.sendDue();
      for (const { clientId } of [device.client, device.offlineClient]) {
        expect(await deliveriesTo(app, clientId)).toMatchObject([
          { sub: device.accountId, state: 'delivered', attempts: 1 },
        ]);
        expect(party.received.filter(({ claims }) => claims.aud === clientId)).toHaveLength(1);
      }
    });

    it('is calm when it is asked a second time: success, nothing written, nobody told again', async () => {
      const device = await aDevice(await clients());
      dialect.expectEnded(await dialect.send(app, device));
      await app.sendDue();
      const after = await rowCounts();
      const told = party.received.length;
      dialect.expectNothingToEnd(await dialect.send(app, device));
      await app.sendDue();
      expect(await rowCounts()).toEqual(after);
      expect(party.received).toHaveLength(told);
    });

    it.each(dialect.refused.map((request) => [request.name, request] as const))(
      'refuses %s before any write',
      async (_name, request) => {
        const both = await clients();
        const victim = await aDevice(both);
        const stranger = await aDevice(both);
        const before = await rowCounts();
        request.expectRefused(await request.send(app, victim, stranger));
        expect(await rowCounts()).toEqual(before);
        await expectSignedIn(victim);
        await expectSignedIn(stranger);
      },
    );

    it('refuses a parameter that is sent twice, before any write (RFC 6749 §3.1)', async () => {
      const device = await aDevice(await clients());
      const before = await rowCounts();
      const answer = await dialect.sendTwiceNamed(app, device);
      expect(answer.status).toBe(400);
      expect(answer.headers.get('cache-control')).toContain('no-store');
      expect(await rowCounts()).toEqual(before);
      await expectSignedIn(device);
    });

    it.each(WRITES)(
      'never reports success when writing to %s fails (%s), and then nothing has changed (threat-model#success-without-storage)',
      async (table, operation) => {
        const device = await aDevice(await clients());
        const before = await rowCounts();
        const told = party.received.length;
        await app.db.query(
          `CREATE FUNCTION out_of_space() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = '53100'; END $$`,
        );
        await app.db.query(
          `CREATE TRIGGER out_of_space BEFORE ${operation} ON ${table} FOR EACH ROW EXECUTE FUNCTION out_of_space()`,
        );
        try {
          const answer = await dialect.send(app, device);
          (dialect.expectFailed ?? expectServerError)(answer);
          expect(answer.body).not.toContain('no space');
        } finally {
          await app.db.query('DROP FUNCTION out_of_space() CASCADE');
        }
        expect(await rowCounts()).toEqual(before);
        await app.sendDue();
        expect(party.received).toHaveLength(told);
        await expectSignedIn(device);

        dialect.expectEnded(await dialect.send(app, device));
        await expectSignedOut(device);
      },
    );

    it('keeps tokens and cookies out of the answer and out of the log', async () => {
      const device = await aDevice(await clients());
      const cookie = device.browser.cookie('exeunt_session') ?? '';
      const { access_token: accessToken, refresh_token: refreshToken, id_token: idToken } = device.tokens;
      const answers = [
        await dialect.send(app, device),
        await dialect.send(app, device),
        await dialect.sendTwiceNamed(app, device),
      ];
      const said = [...answers.map(({ body }) => body), ...app.logger.lines].join('\n');
      for (const secret of [accessToken, refreshToken, idToken, cookie]) {
        expect(secret).not.toBe('');
        expect(said).not.toContain(secret);
      }
      for (const { token } of party.received) expect(said).not.toContain(token);
    });

    it('answers that nobody may store', async () => {
      const device = await aDevice(await clients());
      for (const answer of [await dialect.send(app, device), await dialect.send(app, device)]) {
        expect(answer.headers.get('cache-control')).toContain('no-store');
      }
    });
  });
}

function expectServerError(answer: DialectAnswer): void {
  expect(answer.status).toBeGreaterThanOrEqual(500);
}
