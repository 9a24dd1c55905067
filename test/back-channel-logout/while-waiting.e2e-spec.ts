import { ClientsService } from '../../src/domain/clients/clients.service.js';
import { TestApp, type TestClient } from '../support/app.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { signOut } from '../rp-initiated-logout/end-session.js';
import { clientOf, deliveriesTo, someoneAt } from './scene.js';

describe('while applications are being told (architecture#no-lock-while-waiting)', () => {
  let app: TestApp;
  let parties: StubRelyingParty[];

  beforeAll(async () => {
    app = await TestApp.start({ deliveryTimeoutMs: 700, logoutWaitMs: 5000 });
  });
  beforeEach(async () => {
    parties = await Promise.all([1, 2, 3, 4].map(() => StubRelyingParty.start()));
  });
  afterEach(() => Promise.all(parties.map((party) => party.stop())));
  afterAll(() => app.stop());

  const clients = (names: readonly string[]): Promise<TestClient[]> =>
    Promise.all(names.map((name, i) => clientOf(app, parties[i]!, { client_name: name })));

  it('the page comes when all have answered, counts who confirmed, and names each with its state', async () => {
    const { browser } = await someoneAt(app, await clients(['Ledger', 'Wiki <b>', 'Mail', 'Forum']));
    parties[1]!.answerNext(500);
    parties[2]!.answerNext(400);
    const { status, body } = await signOut(browser);
    expect(status).toBe(200);
    expect(body).toContain('2 of 4 applications have confirmed that you are signed out there too.');
    const items = [...body.matchAll(/<li class="(\w+)">[\s\S]*?class="name">([^<]*)</g)].map(([, state, name]) => [
      name,
      state,
    ]);
    expect(Object.fromEntries(items)).toEqual({
      Ledger: 'confirmed',
      'Wiki &lt;b&gt;': 'pending',
      Mail: 'unreachable',
      Forum: 'confirmed',
    });
    expect(body).toContain('we keep trying');
  });

  it('the redirect comes after the applications were told (RP-Initiated Logout 1.0 §3)', async () => {
    const [client] = await clients(['Ledger']);
    const { browser, tokens } = await someoneAt(app, [client!]);
    const done = await signOut(browser, {
      id_token_hint: tokens[0]!.id_token,
      post_logout_redirect_uri: parties[0]!.postLogoutRedirectUri,
    });
    expect(done.location).toBe(parties[0]!.postLogoutRedirectUri);
    expect(parties[0]!.received).toHaveLength(1);
    expect(await deliveriesTo(app, client!.clientId)).toMatchObject([{ state: 'delivered' }]);
  });

  it('a slow application delays none of the others', async () => {
    const [slow, quick] = await clients(['Slow', 'Quick']);
    const someone = await someoneAt(app, [slow!, quick!]);
    parties[0]!.always(() => undefined);
    const done = signOut(someone.browser);
    await parties[1]!.waitFor(1);
    expect(await deliveriesTo(app, slow!.clientId)).toMatchObject([{ state: 'pending', attempts: 0 }]);
    expect((await done).body).toContain('1 of 2 applications have confirmed');
  });

  it('a slow application with many notices does not use up the room of the others (threat-model#flooding)', async () => {
    const [slow, quick] = await clients(['Slow', 'Quick']);
    parties[0]!.always(() => undefined);
    const account = await app.createAccount();
    const sessions = Array.from({ length: 12 }, () => app.browser());
    for (const browser of sessions) await app.signInTo(browser, slow!, account.login);
    const last = await someoneAt(app, [quick!]);
    const path = `/admin/v1/sessions?account_id=${account.id}`;
    expect((await app.json('DELETE', path, { token: await app.adminToken() })).body.deliveries).toBe(12);
    expect((await signOut(last.browser)).body).toContain('1 of 1 application has confirmed');
    const states = (await deliveriesTo(app, slow!.clientId)).map(({ state }) => state);
    expect(states).toEqual(Array.from({ length: 12 }, () => 'pending'));
  });

  it('an application may call /token, /revoke and /introspect from inside its logout endpoint, and is answered', async () => {
    const [client] = await clients(['Ledger']);
    const { browser, tokens } = await someoneAt(app, [client!]);
    const statuses: Record<string, number> = {};
    parties[0]!.answerNext((_request, response) => {
      void (async () => {
        const { access_token: accessToken, refresh_token: refreshToken } = tokens[0]!;
        statuses.refresh = (await app.refresh(client!, refreshToken)).status;
        statuses.revoke = (await app.form('/revoke', { token: accessToken }, client)).status;
        const introspected = await app.form('/introspect', { token: accessToken }, client);
        statuses.introspect = introspected.status;
        statuses.active = introspected.body.active === false ? 0 : 1;
        response.writeHead(200).end();
      })();
    });
    expect((await signOut(browser)).body).toContain('1 of 1 application has confirmed');
    expect(statuses).toEqual({ refresh: 400, revoke: 200, introspect: 200, active: 0 });
  });

  it('an application may end another session from inside its logout endpoint', async () => {
    const [client, other] = await clients(['Ledger', 'Wiki']);
    const { browser } = await someoneAt(app, [client!]);
    const second = await someoneAt(app, [other!]);
    parties[0]!.answerNext(
      (_request, response) => void signOut(second.browser).then(() => response.writeHead(200).end()),
    );
    expect((await signOut(browser)).body).toContain('1 of 1 application has confirmed');
    expect(parties[1]!.received).toHaveLength(1);
  });
});

describe('with no time to wait (LOGOUT_WAIT_MS=0)', () => {
  it('answers at once, leaves no application out of the list, and tells them all the same', async () => {
    const app = await TestApp.start({ logoutWaitMs: 0 });
    // Another node, which has never seen these clients and has to look them up, in a database that takes its time.
    const node = await TestApp.start({ logoutWaitMs: 0 }, { db: app.db, clock: app.clock });
    const registry = node.app.get(ClientsService);
    const findEvenDeleted = registry.findEvenDeleted.bind(registry);
    vi.spyOn(registry, 'findEvenDeleted').mockImplementation(async (ids) => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      return findEvenDeleted(ids);
    });
    const parties = await Promise.all([StubRelyingParty.start(), StubRelyingParty.start()]);
    const clients = await Promise.all(parties.map((party, i) => clientOf(app, party, { client_name: `App ${i}` })));
    const { browser } = await someoneAt(app, clients);
    const held: (() => unknown)[] = [];
    for (const party of parties)
      party.answerNext((_request, response) => held.push(() => response.writeHead(200).end()));

    const elsewhere = node.browser();
    elsewhere.setCookie('exeunt_session', browser.cookie('exeunt_session'));
    const { body } = await signOut(elsewhere);
    expect(body).toContain('0 of 2 applications have confirmed');
    expect(body).toContain('App 0');
    expect(body).toContain('App 1');

    for (const party of parties) await party.waitFor(1);
    for (const answer of held) answer();
    await node.sendDue();
    for (const { clientId } of clients)
      expect(await deliveriesTo(app, clientId)).toMatchObject([{ state: 'delivered', attempts: 1 }]);
    await node.stop();
    await app.stop();
    await Promise.all(parties.map((party) => party.stop()));
  });
});
