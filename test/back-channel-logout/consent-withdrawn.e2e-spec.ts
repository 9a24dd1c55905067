import { GrantsService } from '../../src/domain/tokens/grants.service.js';
import { ADMIN, TestApp, type TestClient, type Tokens } from '../support/app.js';
import type { Browser, Page } from '../support/http.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { promptNone } from '../rp-initiated-logout/end-session.js';
import { clientOf, deliveriesTo, terminationsOf } from './scene.js';

const ALLOWED = { scope: 'openid profile offline_access' };
const PATH = '/account/applications';

/** One person on two devices, at an application that they allowed something and at another one. */
interface Scene {
  readonly id: string;
  readonly login: string;
  readonly client: TestClient;
  readonly bystander: TestClient;
  readonly laptop: Browser;
  readonly phone: Browser;
  readonly onLaptop: Tokens;
  readonly onPhone: Tokens;
  readonly atBystander: Tokens;
}

describe('a person takes back what they allowed an application', () => {
  let app: TestApp;
  let party: StubRelyingParty;
  let token: string;

  beforeAll(async () => {
    [app, party] = await Promise.all([TestApp.start(), StubRelyingParty.start()]);
    token = await app.adminToken();
  });
  // Attempts under way would be rows of the next test's.
  afterEach(() => app.sendDue());
  afterAll(() => Promise.all([app.stop(), party.stop()]));

  async function aScene(clientName = 'Ledger'): Promise<Scene> {
    const [client, bystander] = await Promise.all([
      clientOf(app, party, { skip_consent: false, client_name: clientName }),
      clientOf(app, party, { skip_consent: false, client_name: 'Wiki' }),
    ]);
    const { id, login } = await app.createAccount();
    const [laptop, phone] = [app.browser(), app.browser()];
    const onLaptop = await app.signInTo(laptop, client, login, ALLOWED);
    const atBystander = await app.signInTo(laptop, bystander, login);
    const onPhone = await app.signInTo(phone, client, login, { scope: 'openid' });
    return { id, login, client, bystander, laptop, phone, onLaptop, onPhone, atBystander };
  }

  const csrfOf = (page: Page): string => /name="csrf" value="([^"]+)"/.exec(page.body)?.[1] ?? '';
  const consents = (id: string) =>
    app.db.query<{ client_id: string }>('SELECT client_id FROM consents WHERE account_id = $1', [id]);
  const withdraw = async (browser: Browser, client: TestClient): Promise<Page> =>
    browser.post(`${PATH}/withdraw`, { csrf: csrfOf(await browser.get(PATH)), client_id: client.clientId });
  const asks = async (browser: Browser, client: TestClient): Promise<boolean> =>
    (await browser.follow(await browser.get(app.authorizeUrl(client)))).has('consent-submit');
  const isGood = async (client: TestClient, tokens: Tokens): Promise<boolean> =>
    app.isActive(client, tokens.access_token);

  async function expectWithdrawn(scene: Scene, initiator: Record<string, unknown>): Promise<void> {
    const { id, client, bystander, laptop, phone, onLaptop, onPhone, atBystander } = scene;
    expect([await isGood(client, onLaptop), await isGood(client, onPhone)]).toEqual([false, false]);
    for (const tokens of [onLaptop, onPhone])
      expect((await app.refresh(client, tokens.refresh_token)).body.error).toBe('invalid_grant');
    // The sessions go on, and so does the other application.
    expect(await isGood(bystander, atBystander)).toBe(true);
    for (const browser of [laptop, phone]) expect(await promptNone(app, browser, client)).toBe('consent_required');
    expect(await promptNone(app, laptop, bystander)).toBe('code');

    await app.sendDue();
    expect(await terminationsOf(app, id)).toMatchObject([
      { cause: 'consent_withdrawn', initiator, sessions: 0, grants_revoked: 2, deliveries: 2 },
    ]);
    expect(await deliveriesTo(app, client.clientId)).toMatchObject([
      { state: 'delivered', attempts: 1, sub: id },
      { state: 'delivered', attempts: 1, sub: id },
    ]);
    const told = party.received.filter(({ claims }) => claims.sub === id);
    expect(told.map(({ claims }) => claims.aud)).toEqual([client.clientId, client.clientId]);
    expect(new Set(told.map(({ claims }) => claims.sid)).size).toBe(2);
    expect(await deliveriesTo(app, bystander.clientId)).toEqual([]);
  }

  it('on their page: it lists what they allowed, and one button ends it everywhere', async () => {
    const scene = await aScene('Ledger & <Sons>');
    expect((await scene.laptop.get('/account/sessions')).body).toContain(`href="${PATH}"`);
    const page = await scene.laptop.get(PATH);
    expect(page.status).toBe(200);
    expect(page.body).toContain('Ledger &amp; &lt;Sons&gt;');
    expect(page.body).toContain('Wiki');
    expect(page.body.match(/data-testid="application"/g)).toHaveLength(2);

    const done = await withdraw(scene.laptop, scene.client);
    expect([done.status, done.location]).toEqual([303, `${app.issuer}${PATH}?done=withdrawn`]);
    const after = await scene.laptop.follow(done);
    expect(after.body).toContain('The application has no access any more');
    expect(after.body.match(/data-testid="application"/g)).toHaveLength(1);
    expect(after.body).not.toContain('Ledger');
    await expectWithdrawn(scene, { kind: 'user', accountId: scene.id });
  });

  it('the next request asks them again, and yes gives everything back', async () => {
    const scene = await aScene();
    await withdraw(scene.laptop, scene.client);
    expect(await asks(scene.laptop, scene.client)).toBe(true);
    const tokens = await app.signInTo(scene.laptop, scene.client, scene.login);
    expect(await isGood(scene.client, tokens)).toBe(true);
    expect(await asks(scene.phone, scene.client)).toBe(false);
  });

  it('a code that was not redeemed yet is worth nothing', async () => {
    const scene = await aScene();
    const code = await app.codeFor(scene.phone, scene.client, scene.login);
    await withdraw(scene.laptop, scene.client);
    const answer = await app.form(
      '/token',
      { grant_type: 'authorization_code', code, redirect_uri: scene.client.redirectUri },
      scene.client,
    );
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_grant']);
  });

  it('a sign-in at the very moment leaves no grant behind that nobody allowed', async () => {
    // The request has found everything good; the withdrawal commits before the grant is made.
    const scene = await aScene();
    const csrf = csrfOf(await scene.laptop.get(PATH));
    const grants = app.app.get(GrantsService);
    const authorize = grants.authorize.bind(grants);
    const spied = vi.spyOn(grants, 'authorize').mockImplementationOnce(async (...asked) => {
      await scene.laptop.post(`${PATH}/withdraw`, { csrf, client_id: scene.client.clientId });
      return authorize(...asked);
    });
    expect(await promptNone(app, scene.phone, scene.client)).toBe('consent_required');
    expect(spied).toHaveBeenCalledTimes(1);
    spied.mockRestore();
    const alive = 'SELECT id FROM grants WHERE client_id = $1 AND revoked_at IS NULL';
    expect(await app.db.query(alive, [scene.client.clientId])).toEqual([]);
    expect(await asks(scene.phone, scene.client)).toBe(true);
  });

  it('many requests and a withdrawal at once leave none either', async () => {
    for (let round = 0; round < 5; round += 1) {
      const scene = await aScene();
      const csrf = csrfOf(await scene.laptop.get(PATH));
      const silent = app.authorizeUrl(scene.client, { prompt: 'none' });
      await Promise.all([
        ...Array.from({ length: 6 }, () => scene.phone.get(silent)),
        scene.laptop.post(`${PATH}/withdraw`, { csrf, client_id: scene.client.clientId }),
      ]);
      const alive = 'SELECT id FROM grants WHERE client_id = $1 AND revoked_at IS NULL';
      expect(await app.db.query(alive, [scene.client.clientId])).toEqual([]);
    }
  });

  it('a second time there is nothing to take back, and nobody is told again', async () => {
    const scene = await aScene();
    await withdraw(scene.laptop, scene.client);
    await app.sendDue();
    const before = await app.rowCounts();
    const again = await withdraw(scene.phone, scene.client);
    expect(again.location).toBe(`${app.issuer}${PATH}?done=nothing_to_withdraw`);
    expect(await app.rowCounts()).toEqual(before);
  });

  it('is theirs alone: another person’s consent for the same application stays (threat-model#other-peoples-sessions)', async () => {
    const scene = await aScene();
    const other = await app.createAccount();
    const theirs = app.browser();
    const tokens = await app.signInTo(theirs, scene.client, other.login, ALLOWED);
    await withdraw(scene.laptop, scene.client);
    expect(await isGood(scene.client, tokens)).toBe(true);
    expect(await promptNone(app, theirs, scene.client)).toBe('code');
    expect(await consents(other.id)).toHaveLength(1);
    expect((await deliveriesTo(app, scene.client.clientId)).map(({ sub }) => sub)).not.toContain(other.id);
  });

  it.each<[string, (scene: Scene, csrf: string) => Promise<Page>, number]>([
    [
      'without its CSRF token',
      ({ laptop, client }) => laptop.post(`${PATH}/withdraw`, { client_id: client.clientId }),
      403,
    ],
    [
      'with another browser’s CSRF token',
      async ({ laptop, client }) =>
        laptop.post(`${PATH}/withdraw`, {
          csrf: csrfOf(await app.browser().get('/session/end_session')),
          client_id: client.clientId,
        }),
      403,
    ],
    ['that names no application', ({ laptop }, csrf) => laptop.post(`${PATH}/withdraw`, { csrf }), 400],
    [
      'that names two',
      ({ laptop, client }, csrf) =>
        laptop.post(
          `${PATH}/withdraw`,
          new URLSearchParams([
            ['csrf', csrf],
            ['client_id', client.clientId],
            ['client_id', 'x'],
          ]),
        ),
      400,
    ],
  ])('refuses a form %s, and nothing changes', async (_what, send, status) => {
    const scene = await aScene();
    const csrf = csrfOf(await scene.laptop.get(PATH));
    const before = await app.rowCounts();
    expect((await send(scene, csrf)).status).toBe(status);
    expect(await app.rowCounts()).toEqual(before);
    expect(await isGood(scene.client, scene.onLaptop)).toBe(true);
  });

  it('who is not signed in signs in first, and takes nothing back', async () => {
    const scene = await aScene();
    const stranger = app.browser();
    const page = await stranger.follow(await stranger.get(PATH));
    expect(page.has('login-submit')).toBe(true);
    const csrf = page.formWith('login-submit').fields.csrf ?? '';
    const answer = await stranger.post(`${PATH}/withdraw`, { csrf, client_id: scene.client.clientId });
    expect([answer.status, answer.location]).toEqual([303, `${app.issuer}${PATH}`]);
    expect(await isGood(scene.client, scene.onLaptop)).toBe(true);
    expect(await consents(scene.id)).toHaveLength(2);
  });

  it('an application that is gone is not listed', async () => {
    const scene = await aScene('Gone');
    await app.json('DELETE', `/admin/v1/clients/${scene.client.clientId}`, { token });
    expect((await scene.laptop.get(PATH)).body).not.toContain('Gone');
  });

  describe('operators', () => {
    const path = (scene: Scene, clientId?: string): string =>
      `/admin/v1/accounts/${scene.id}/consents${clientId === undefined ? '' : `/${clientId}`}`;

    it('see what a person allowed, and take it back', async () => {
      const scene = await aScene();
      const list = await app.json('GET', path(scene), { token });
      expect(list.status).toBe(200);
      const items = list.body.items as Record<string, unknown>[];
      expect(items).toHaveLength(2);
      expect(items.find((item) => item.client_id === scene.client.clientId)).toEqual({
        client_id: scene.client.clientId,
        scope: expect.arrayContaining(['openid', 'profile', 'offline_access']),
        claims: [],
        granted_at: app.clock.now().toISOString(),
      });
      const done = await app.json('DELETE', path(scene, scene.client.clientId), { token });
      expect(done.status).toBe(200);
      const [termination] = await terminationsOf(app, scene.id);
      expect(done.body).toMatchObject({ termination_id: termination?.id, sessions: 0, grants_revoked: 2 });
      await expectWithdrawn(scene, { kind: 'operator', clientId: ADMIN.clientId });
      expect((await app.json('DELETE', path(scene, scene.client.clientId), { token })).status).toBe(404);
    });

    it.each<[string, (scene: Scene) => [string, string | undefined], number]>([
      ['without a token', (scene) => [path(scene, scene.client.clientId), undefined], 401],
      ['by the person’s own token', (scene) => [path(scene, scene.client.clientId), scene.onLaptop.access_token], 403],
      ['of an unknown application', (scene) => [path(scene, 'nobody'), token], 404],
      [
        'of an unknown account',
        (scene) => [`/admin/v1/accounts/0192d000-0000-7000-8000-000000000000/consents/${scene.client.clientId}`, token],
        404,
      ],
      ['of what is no account', (scene) => [`/admin/v1/accounts/x/consents/${scene.client.clientId}`, token], 404],
    ])('refuses a withdrawal %s, and nothing changes', async (_what, request, status) => {
      const scene = await aScene();
      const before = await app.rowCounts();
      const [url, bearer] = request(scene);
      expect((await app.json('DELETE', url, { token: bearer })).status).toBe(status);
      expect(await app.rowCounts()).toEqual(before);
      expect(await isGood(scene.client, scene.onLaptop)).toBe(true);
    });
  });

  it('is one transaction: when the grants cannot be revoked, the consent stays', async () => {
    const scene = await aScene();
    const csrf = csrfOf(await scene.laptop.get(PATH));
    await app.db.query('ALTER TABLE logout_deliveries RENAME TO gone');
    const answer = await scene.laptop.post(`${PATH}/withdraw`, { csrf, client_id: scene.client.clientId });
    await app.db.query('ALTER TABLE gone RENAME TO logout_deliveries');
    expect(answer.status).toBeGreaterThanOrEqual(500);
    expect(await consents(scene.id)).toHaveLength(2);
    expect(await isGood(scene.client, scene.onLaptop)).toBe(true);
  });
});
