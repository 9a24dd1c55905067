import { randomBytes } from 'node:crypto';
import { basic } from '../support/app.js';
import { Browser } from '../support/http.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { ADMIN_ENV, aDataDirectory, buildOnce, Operator, remove, Service } from './service.js';

vi.setConfig({ testTimeout: 60_000 });

const PASSWORD = 'correct horse battery staple';
const WAIT = { timeout: 30_000 };
const HANGS = (): void => undefined;

interface Delivery {
  readonly state: string;
  readonly attempts: number;
}

describe('a notice survives kill -9 of the service between the answer to a logout and its delivery', () => {
  let party: StubRelyingParty;
  let dataDir: string;
  let running: Service | undefined;

  beforeAll(async () => {
    buildOnce();
    party = await StubRelyingParty.start();
  });
  afterAll(() => party.stop());
  beforeEach(() => {
    dataDir = aDataDirectory();
  });
  afterEach(async () => {
    await running?.stop();
    remove(dataDir);
  });

  async function start(): Promise<Service> {
    running = await Service.start({
      ...ADMIN_ENV,
      EXEUNT_DATA_DIR: dataDir,
      LOGOUT_WAIT_MS: '0',
      DELIVERY_TIMEOUT_MS: '1000',
      DELIVERY_POLL_MS: '50',
    });
    return running;
  }

  /** Somebody new signs in to an application and out again; returns the answer's status. */
  async function signInAndOut(service: Service): Promise<number> {
    const operator = await Operator.at(service.base);
    const login = `mia-${randomBytes(4).toString('hex')}@example.com`;
    await operator.call('POST', '/accounts', { login, password: PASSWORD });
    const client = await operator.call<{ client_id: string; client_secret: string }>('POST', '/clients', {
      client_name: 'Ledger',
      redirect_uris: [party.redirectUri],
      backchannel_logout_uri: party.backchannelLogoutUri,
      skip_consent: true,
    });
    const browser = new Browser(service.base);
    const query = new URLSearchParams({
      client_id: client.client_id,
      redirect_uri: party.redirectUri,
      response_type: 'code',
      scope: 'openid',
      state: 'a-state',
    });
    const page = await browser.follow(await browser.get(`/authorize?${query}`));
    const signedIn = await browser.follow(await browser.submit(page, 'login-submit', { login, password: PASSWORD }));
    // Who never got a token is owed no notice.
    const { status } = await fetch(`${service.base}/token`, {
      method: 'POST',
      headers: { authorization: basic({ clientId: client.client_id, clientSecret: client.client_secret }) },
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code: signedIn.query.get('code') ?? '',
        redirect_uri: party.redirectUri,
      }),
    });
    expect(status).toBe(200);
    const dialog = await browser.get('/session/end_session');
    return (await browser.submit(dialog, 'logout-yes')).status;
  }

  async function deliveries(service: Service): Promise<Delivery[]> {
    const operator = await Operator.at(service.base);
    return (await operator.call<{ items: Delivery[] }>('GET', '/deliveries')).items;
  }

  it.each([
    { name: 'while the application holds the connection open', first: HANGS, attemptsBefore: 0 },
    { name: 'after a first attempt that failed', first: 503, attemptsBefore: 1 },
  ])('delivers after the restart, once: killed $name', async ({ first, attemptsBefore }) => {
    const seen = party.received.length;
    party.answerNext(first);
    const before = await start();
    expect(await signInAndOut(before)).toBeLessThan(400);
    await party.waitFor(seen + 1);
    const [owed] = await vi.waitUntil(async () => {
      const found = await deliveries(before);
      return found[0]?.attempts === attemptsBefore && found;
    }, WAIT);
    expect(owed).toMatchObject({ state: 'pending' });
    expect(await before.stop('SIGKILL')).toMatchObject({ signal: 'SIGKILL' });

    const after = await start();
    expect(after.output).toContain('still running from before');
    await party.waitFor(seen + 2);
    await vi.waitUntil(async () => (await deliveries(after))[0]?.state === 'delivered', WAIT);
    expect(await deliveries(after)).toMatchObject([{ state: 'delivered', attempts: attemptsBefore + 1 }]);
    // It was accepted once: the first request never got a yes, and nothing follows the second.
    expect(await after.stop()).toEqual({ code: 0, signal: null });
    running = undefined;
    expect(party.received).toHaveLength(seen + 2);
    const [lost, delivered] = party.received.slice(seen);
    expect(delivered?.claims.sid).toBe(lost?.claims.sid);
    expect(delivered?.claims.jti).not.toBe(lost?.claims.jti);
  });
});
