import { randomUUID } from 'node:crypto';
import { ChangeFeed } from '../../src/platform/database/change-feed.js';
import { TransactionRunner } from '../../src/platform/database/transaction.js';
import { sha256 } from '../../src/platform/oidc/secret.js';
import { ADMIN, TestApp, type TestClient } from '../support/app.js';
import { StatementCounter } from '../support/statement-counter.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { redeem } from '../tokens/token-requests.js';

describe('statements that a request costs, with warm caches (architecture#cost)', () => {
  let app: TestApp;
  let party: StubRelyingParty;
  let counter: StatementCounter;

  beforeAll(async () => {
    [app, party] = await Promise.all([TestApp.start(), StubRelyingParty.start()]);
    counter = new StatementCounter();
  });
  afterAll(async () => {
    counter.restore();
    await Promise.all([app.stop(), party.stop()]);
  });

  /** A client whose registration every cache has heard of: the notice is asynchronous, and would empty a warm one. */
  async function registered(metadata?: Record<string, unknown>): Promise<TestClient> {
    const client = await app.createClient(metadata);
    const feed = app.app.get(ChangeFeed);
    const mark = randomUUID();
    const heard = new Promise<void>((resolve) => {
      feed.subscribe('deliveries', (id) => id === mark && resolve());
    });
    // Notices come in the order of their commits.
    await feed.publish(app.app.get(TransactionRunner), 'deliveries', mark);
    await heard;
    return client;
  }

  async function signedIn(client: TestClient) {
    const { login, id } = await app.createAccount();
    const browser = app.browser();
    return { id, login, browser, tokens: await app.signInTo(browser, client, login) };
  }

  it('a code exchange takes one', async () => {
    const client = await registered();
    const { browser, login } = await signedIn(client);
    const code = await app.codeFor(browser, client, login);
    const { statements } = await counter.during(async () => expect((await redeem(app, client, code)).status).toBe(200));
    expect(statements).toEqual(['grants_exchange_code']);
  });

  it.each(['jwt', 'opaque'])('a refresh takes one (%s access tokens)', async (format) => {
    const client = await registered({ access_token_format: format });
    const { tokens } = await signedIn(client);
    const { statements } = await counter.during(async () =>
      expect((await app.refresh(client, tokens.refresh_token)).status).toBe(200),
    );
    expect(statements).toEqual(['grants_rotate_refresh_token']);
  });

  it('client_credentials takes none', async () => {
    await app.adminToken();
    const { statements } = await counter.during(async () =>
      expect((await app.form('/token', { grant_type: 'client_credentials' }, ADMIN)).status).toBe(200),
    );
    expect(statements).toEqual([]);
  });

  it.each([
    ['jwt', 'access_tokens_live_grant'],
    ['opaque', 'access_tokens_find_opaque'],
  ])('an introspection takes one (%s)', async (format, name) => {
    const client = await registered({ access_token_format: format });
    const { tokens } = await signedIn(client);
    const { statements } = await counter.during(async () =>
      expect(await app.isActive(client, tokens.access_token)).toBe(true),
    );
    expect(statements).toEqual([name]);
  });

  it("an introspection of a client's own token takes one", async () => {
    const client = await registered({ grant_types: ['client_credentials'], redirect_uris: [], scope: 'reports' });
    const { body } = await app.form('/token', { grant_type: 'client_credentials' }, client);
    const { statements } = await counter.during(async () =>
      expect(await app.isActive(client, String(body.access_token))).toBe(true),
    );
    expect(statements).toHaveLength(1);
  });

  it('userinfo takes one', async () => {
    const client = await registered();
    const { tokens } = await signedIn(client);
    const { statements } = await counter.during(async () =>
      expect((await app.json('GET', '/userinfo', { token: tokens.access_token })).status).toBe(200),
    );
    expect(statements).toEqual(['access_tokens_live_grant']);
  });

  it.each([
    ['a refresh token', 'refresh_token', 'grants_revoke_by_token'],
    ['an access token', 'access_token', 'access_tokens_deny'],
  ] as const)('the revocation of %s takes one', async (_what, kind, name) => {
    const client = await registered();
    const { tokens } = await signedIn(client);
    const { statements } = await counter.during(async () =>
      expect((await app.form('/revoke', { token: tokens[kind] }, client)).status).toBe(200),
    );
    expect(statements).toEqual([name]);
  });

  it.each(['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server', '/jwks'])(
    '%s takes none',
    async (path) => {
      const { statements } = await counter.during(async () => expect((await app.json('GET', path)).status).toBe(200));
      expect(statements).toEqual([]);
    },
  );

  /** A session in which `applications` clients take part; each answers its notice with 200. */
  async function sessionWith(applications: number) {
    const { login } = await app.createAccount();
    const clients: TestClient[] = [];
    for (let n = 0; n < applications; n += 1) {
      clients.push(await registered({ client_name: `App ${n}`, backchannel_logout_uri: party.backchannelLogoutUri }));
    }
    const browser = app.browser();
    for (const client of clients) await app.signInTo(browser, client, login);
    const [session] = await app.db.query<{ client_count: number }>(
      'SELECT client_count FROM sessions WHERE cookie_hash = $1',
      [sha256(browser.cookie('exeunt_session') ?? '')],
    );
    expect(session?.client_count).toBe(applications);
    return browser;
  }

  it.each([1, 50])(
    'the logout dialog, answered with yes, takes one with %i application(s); the ledger of notices far fewer than one each',
    async (applications) => {
      const browser = await sessionWith(applications);
      const dialog = await browser.get('/session/end_session');
      const received = party.received.length;
      const { statements, deliveries } = await counter.during(async () => {
        expect((await browser.submit(dialog, 'logout-yes')).status).toBe(200);
        await app.sendDue();
      });
      expect(statements).toEqual(['logout_terminate_cookie']);
      expect(party.received).toHaveLength(received + applications);
      const records = deliveries.filter((name) => name === 'logout_deliveries_record');
      expect(records.length).toBeGreaterThan(0);
      expect(records.length).toBeLessThanOrEqual(Math.max(1, applications / 2));
    },
  );

  it('showing the logout dialog takes one with 1 and with 50 applications', async () => {
    for (const applications of [1, 50]) {
      const browser = await sessionWith(applications);
      const { statements } = await counter.during(async () =>
        expect((await browser.get('/session/end_session')).status).toBe(200),
      );
      expect(statements).toEqual(['sessions_find_by_cookie']);
    }
  });
});
