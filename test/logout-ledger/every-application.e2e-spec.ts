import { randomUUID } from 'node:crypto';
import { decodeJwt } from 'jose';
import { ConsoleViews } from '../../src/web/console/console-views.service.js';
import { LogoutPreviewService } from '../../src/domain/logout/insight/logout-preview.service.js';
import type { LogoutPreview } from '../../src/domain/logout/insight/logout-preview.js';
import { LogoutService } from '../../src/domain/logout/command/logout.service.js';
import { type LogoutTarget, type TerminationCause } from '../../src/domain/logout/command/logout.js';
import { SignedOutProgress } from '../../src/web/signed-out/signed-out-progress.js';
import { clientOf, OFFLINE, someoneAt, terminationsOf, type SignedIn } from '../back-channel-logout/scene.js';
import { placed, runJob } from '../bulk/scene.js';
import { endSessionUrl } from '../rp-initiated-logout/end-session.js';
import { TestApp, type TestClient } from '../support/app.js';
import { TERMINATION_CAUSES } from '../support/causes.js';
import type { Page } from '../support/http.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';

const SORTS = ['back', 'front', 'none', 'unwanted'] as const;
type Sort = (typeof SORTS)[number];
/** `told`, `asked`, or why it cannot be told. */
type Told = Partial<Record<Sort, string>>;

/** Somebody in one session at four applications, one of each sort. */
interface Scene extends SignedIn {
  readonly sessionId: string;
  readonly clients: Readonly<Record<Sort, TestClient>>;
  readonly sortOf: (clientId: string) => Sort;
}

describe('each application is exactly one of: told, asked in the browser, not told and why', () => {
  let app: TestApp;
  let party: StubRelyingParty;

  beforeAll(async () => {
    [app, party] = await Promise.all([TestApp.start(), StubRelyingParty.start()]);
  });
  afterEach(() => app.sendDue());
  afterAll(() => Promise.all([app.stop(), party.stop()]));

  async function aScene(cause: TerminationCause, overrides: Record<string, string> = {}): Promise<Scene> {
    const scope = 'openid offline_access';
    const other = cause === 'admin' ? 'end_session' : 'admin';
    const clients = {
      back: await clientOf(app, party, { client_name: 'back', scope }),
      front: await app.createClient({
        client_name: 'front',
        scope,
        frontchannel_logout_uri: 'http://127.0.0.1:9/front-channel',
      }),
      none: await app.createClient({ client_name: 'none', scope, client_uri: 'https://none.example.com/' }),
      unwanted: await clientOf(app, party, { client_name: 'unwanted', scope, backchannel_logout_causes: [other] }),
    };
    const someone = await someoneAt(
      app,
      SORTS.map((sort) => clients[sort]),
      overrides,
    );
    const [session] = await app.db.query<{ id: string }>('SELECT id FROM sessions WHERE account_id = $1', [
      someone.accountId,
    ]);
    const sortOf = (clientId: string): Sort => SORTS.find((sort) => clients[sort].clientId === clientId)!;
    return { ...someone, sessionId: session!.id, clients, sortOf };
  }

  const logout = (target: LogoutTarget, cause: TerminationCause): Promise<unknown> =>
    app.app.get(LogoutService).logoutAny({ target, cause, initiator: { kind: 'system' } });
  const admin = async (path: string) =>
    (await app.json('GET', `/admin/v1${path}`, { token: await app.adminToken() })).body;

  function foretold(scene: Scene, { applicationList }: LogoutPreview): Told {
    const words: Record<string, string> = { will_be_notified: 'told', will_be_asked: 'asked' };
    const told = applicationList.filter(({ reason }) => reason !== 'session_goes_on');
    return Object.fromEntries(told.map(({ clientId, reason }) => [scene.sortOf(clientId), words[reason] ?? reason]));
  }

  interface Item {
    readonly client_id: string;
    readonly state: string;
    readonly reason?: string;
  }
  /** From a list of those that are owed a notice and one of the others. No application may be in both, or twice. */
  function recorded(scene: Scene, notices: readonly { client_id: string }[], others: readonly Item[] = []): Told {
    const all = [...notices.map(({ client_id: id }) => id), ...others.map(({ client_id: id }) => id)];
    expect(new Set(all).size).toBe(all.length);
    return Object.fromEntries([
      ...notices.map(({ client_id: id }) => [scene.sortOf(id), 'told']),
      ...others.map(({ client_id: id, state, reason }) => [
        scene.sortOf(id),
        state === 'asked' ? 'asked' : String(reason),
      ]),
    ]) as Told;
  }

  /** The words of a page know no reasons. */
  const inWords = (told: Told): Record<string, string> =>
    Object.fromEntries(
      Object.entries(told).map(([sort, how]) => [sort, how === 'told' || how === 'asked' ? how : 'not_told']),
    );
  const PAGE_WORDS: Record<string, string> = { confirmed: 'told', pending: 'told', unreachable: 'told' };
  const onPage = (page: { readonly body: string }): Record<string, string> =>
    Object.fromEntries(
      [...page.body.matchAll(/<li class="(\w+)">.*?<span class="name">(?:<a[^>]*>)?(\w+)</gs)].map(
        ([, state = '', sort]) => [sort, PAGE_WORDS[state] ?? state],
      ),
    );

  async function expectEverySurfaceToSay(scene: Scene, cause: TerminationCause, expected: Told): Promise<void> {
    const terminations = await terminationsOf(app, scene.accountId);
    expect(terminations.filter((one) => one.cause === cause)).toHaveLength(1);
    const { id } = terminations.find((one) => one.cause === cause)!;
    await app.sendDue();

    const record = await admin(`/terminations/${id}`);
    const notices = record.delivery_list as Item[];
    const others = record.without_notice_list as Item[];
    expect(['the record', recorded(scene, notices, others)]).toEqual(['the record', expected]);
    const how = Object.values(expected);
    expect(record).toMatchObject({
      deliveries: how.filter((word) => word === 'told').length,
      asked: how.filter((word) => word === 'asked').length,
      not_told: how.filter((word) => word !== 'told' && word !== 'asked').length,
    });

    await app.issueReceipts();
    const claims = decodeJwt<{ applications: Item[]; without_notice?: Item[] }>(
      String((await admin(`/terminations/${id}/receipt`)).receipt),
    );
    expect(['the receipt', recorded(scene, claims.applications, claims.without_notice)]).toEqual([
      'the receipt',
      expected,
    ]);

    const timeline = await app.app.get(ConsoleViews).timeline(id);
    expect(timeline.deliveries.map(({ clientId }) => scene.sortOf(clientId)).sort()).toEqual(
      Object.keys(expected)
        .filter((sort) => expected[sort as Sort] === 'told')
        .sort(),
    );
    const shown = timeline.withoutNotice.map(({ application, state }) => [application, state]);
    const inRecord = others.map(({ client_id: clientId, state }) => [scene.sortOf(clientId), state]);
    expect(['the console', shown]).toEqual(['the console', inRecord]);

    const live = await app.app.get(SignedOutProgress).page({ terminationId: id });
    const followed = Object.fromEntries(live.applications.map(({ name, state }) => [name, PAGE_WORDS[state] ?? state]));
    expect(['the live page', followed]).toEqual(['the live page', inWords(expected)]);
  }

  const WITH_BROWSER: Told = { back: 'told', front: 'asked', none: 'no_backchannel_uri', unwanted: 'cause_not_wanted' };
  const WITHOUT: Told = { ...WITH_BROWSER, front: 'browser_absent' };

  const csrfOf = async ({ browser }: Scene): Promise<string> =>
    (await browser.get('/session/end_session')).formWith('logout-yes').fields.csrf ?? '';
  const session = (cause: TerminationCause, scene: Scene): Promise<unknown> =>
    logout({ kind: 'session', sessionId: scene.sessionId }, cause);
  const account = (cause: TerminationCause, scene: Scene): Promise<unknown> =>
    logout({ kind: 'account', accountId: scene.accountId }, cause);
  const expire = async (scene: Scene, columns: readonly string[]): Promise<void> => {
    const anHourAgo = new Date(app.clock.now().getTime() - 60 * 60_000);
    const changes = columns.map((column) => `${column} = $2`).join(', ');
    await app.db.query(`UPDATE sessions SET ${changes} WHERE id = $1`, [scene.sessionId, anHourAgo]);
    expect(await app.sweepExpired()).toBe(1);
  };
  const grantOf = async (clientId: string): Promise<string> =>
    (await app.db.query<{ id: string }>('SELECT id FROM grants WHERE client_id = $1', [clientId]))[0]!.id;

  /** How a whole session ends by it; the page that the person sees, if there is one. */
  const WHOLE_SESSIONS: Partial<Record<TerminationCause, (scene: Scene, cause: TerminationCause) => Promise<unknown>>> =
    {
      end_session: async ({ browser }) => {
        const dialog = await browser.get(endSessionUrl());
        expect(dialog.body).toContain('4 applications have used it. We will tell 1 of them to sign you out too');
        expect(dialog.body).toContain('and ask 1 in this browser');
        const [, names = ''] =
          /id="cannot-tell">2 cannot be told:(.*?); sign out there yourself/s.exec(dialog.body) ?? [];
        expect(names).toMatch(/<a\nhref="https:\/\/none\.example\.com\/"[^>]*>none</);
        expect(names).toContain('unwanted');

        return browser.submit(dialog, 'logout-yes');
      },
      self_service: async (scene) =>
        scene.browser.post(`/account/sessions/${scene.sessionId}/end`, { csrf: await csrfOf(scene) }),
      elasticsearch_logout: (scene, cause) => session(cause, scene),
      csp_logout: (scene, cause) => session(cause, scene),
      upstream_logout: (scene, cause) => session(cause, scene),
      upstream_deleted: (scene, cause) => session(cause, scene),
      account_switched: (scene, cause) => session(cause, scene),
      admin: async (scene) => {
        const token = await app.adminToken();
        const { body } = await app.json('DELETE', `/admin/v1/sessions/${scene.sessionId}`, { token });
        expect(body).toMatchObject({ deliveries: 1, not_told: 3 });
      },
      session_idle: (scene) => expire(scene, ['idle_expires_at']),
      session_expired: (scene) => expire(scene, ['idle_expires_at', 'expires_at']),
      max_sessions: ({ accountId }, cause) =>
        logout({ kind: 'surplus', accountId, newSessionId: randomUUID(), limit: 1 }, cause),
      account_disabled: (scene, cause) => account(cause, scene),
      account_deleted: (scene, cause) => account(cause, scene),
      password_changed: (scene, cause) => account(cause, scene),
      logout_order: async ({ accountId }) => {
        await placed(app, { account_id: accountId });
        await runJob(app);
      },
    };
  const IN_BROWSER: readonly TerminationCause[] = ['end_session', 'end_session_client', 'self_service'];

  /** By these a session goes on, and it is over for one application only: what ends, for that one. */
  const ONE_APPLICATION: Partial<Record<TerminationCause, (scene: Scene, clientId: string) => Promise<LogoutTarget>>> =
    {
      end_session_client: async ({ accountId, sessionId }, clientId) => ({
        kind: 'session-client',
        accountId,
        sessionId,
        clientId,
      }),
      consent_withdrawn: async ({ accountId }, clientId) => ({ kind: 'account-client', accountId, clientId }),
      client_disabled: async (_scene, clientId) => ({ kind: 'client', clientId }),
      client_deleted: async (_scene, clientId) => ({ kind: 'client', clientId }),
      offline_access_withdrawn: async (_scene, clientId) => ({ kind: 'client-offline', clientId }),
      refresh_token_reuse: async ({ accountId }, clientId) => ({
        kind: 'grant',
        accountId,
        grantId: await grantOf(clientId),
      }),
      code_reuse: async ({ accountId }, clientId) => ({ kind: 'grant', accountId, grantId: await grantOf(clientId) }),
    };

  it('whatever the cause: no cause is left out here', () => {
    expect([...Object.keys(WHOLE_SESSIONS), ...Object.keys(ONE_APPLICATION)].sort()).toEqual(
      [...TERMINATION_CAUSES].sort(),
    );
  });

  it.each(TERMINATION_CAUSES.filter((cause) => WHOLE_SESSIONS[cause] !== undefined))(
    '%s: preview, record, receipt, console and page say the same of each',
    async (cause) => {
      const scene = await aScene(cause);
      const expected = IN_BROWSER.includes(cause) ? WITH_BROWSER : WITHOUT;
      const preview = await app.app
        .get(LogoutPreviewService)
        .preview(
          { kind: 'session', sessionId: scene.sessionId },
          cause,
          IN_BROWSER.includes(cause) ? { browserSessionId: scene.sessionId } : {},
        );
      expect(foretold(scene, preview)).toEqual(expected);
      expect([preview.deliveries, preview.asked, preview.notNotified]).toEqual(
        IN_BROWSER.includes(cause) ? [1, 1, 2] : [1, 0, 3],
      );
      const page = await WHOLE_SESSIONS[cause]!(scene, cause);
      if (IN_BROWSER.includes(cause)) {
        expect(onPage(page as Page)).toEqual(inWords(expected));
        expect((page as Page).body).toContain('2 applications cannot be told.');
        expect((page as Page).body).toContain('<a href="https://none.example.com/" rel="noopener noreferrer">none</a>');
      }
      await expectEverySurfaceToSay(scene, cause, expected);
    },
  );

  it.each(
    TERMINATION_CAUSES.flatMap((cause) =>
      ONE_APPLICATION[cause] === undefined ? [] : SORTS.map((sort) => [cause, sort] as const),
    ),
  )('%s: the same of the one that it is over for (%s), and nothing of the others', async (cause, sort) => {
    const scene = await aScene(cause, OFFLINE);
    const { clientId } = scene.clients[sort];
    const inBrowser = IN_BROWSER.includes(cause);
    const expected = { [sort]: (inBrowser ? WITH_BROWSER : WITHOUT)[sort] };
    const target = await ONE_APPLICATION[cause]!(scene, clientId);
    const preview = await app.app
      .get(LogoutPreviewService)
      .preview(target, cause, inBrowser ? { browserSessionId: scene.sessionId } : {});
    expect(foretold(scene, preview)).toEqual(expected);
    if (cause === 'end_session_client') {
      const idToken = scene.tokens[SORTS.indexOf(sort)]!.id_token;
      const dialog = await scene.browser.get(endSessionUrl({ id_token_hint: idToken }));
      expect(onPage(await scene.browser.submit(dialog, 'logout-client'))).toEqual(inWords(expected));
    } else await logout(target, cause);
    await expectEverySurfaceToSay(scene, cause, expected);
  });

  it('everywhere: asked where the browser is, and not told of the session in another one', async () => {
    const scene = await aScene('end_session');
    await app.signInTo(app.browser(), scene.clients.front, scene.login);
    const page = await scene.browser.submit(await scene.browser.get(endSessionUrl()), 'logout-everywhere');
    expect(onPage(page)).toEqual({ back: 'told', front: 'not_told', none: 'not_told', unwanted: 'not_told' });
    const [termination] = await terminationsOf(app, scene.accountId);
    const { without_notice_list: others } = await admin(`/terminations/${termination!.id}`);
    expect(others).toEqual(
      expect.arrayContaining([
        { client_id: scene.clients.front.clientId, state: 'asked', sessions: 1 },
        { client_id: scene.clients.front.clientId, state: 'not_told', reason: 'browser_absent', sessions: 1 },
      ]),
    );
  });

  it('an application that was deleted before', async () => {
    const scene = await aScene('end_session');
    await app.db.query('UPDATE clients SET deleted_at = now() WHERE client_id = $1', [scene.clients.back.clientId]);
    await app.app.get(LogoutService).logoutAny({
      target: { kind: 'session', sessionId: scene.sessionId },
      cause: 'admin',
      initiator: { kind: 'system' },
    });
    await expectEverySurfaceToSay(scene, 'admin', { ...WITHOUT, back: 'client_deleted', unwanted: 'told' });
  });

  it('a frame that may not be loaded: not asked, in the dialog, on the page, in the record and the receipt', async () => {
    const odd = await app.createClient({ client_name: 'odd', frontchannel_logout_uri: 'http://127.0.0.1:9/out' });
    // As an older version, whose rules were others, might have left it behind.
    await app.db.query(
      `UPDATE clients SET metadata = jsonb_set(metadata, '{frontchannel_logout_uri}', '"https://evil.example.com/out"') WHERE client_id = $1`,
      [odd.clientId],
    );
    const someone = await someoneAt(app, [odd]);
    const dialog = await someone.browser.get(endSessionUrl());
    expect(dialog.body).toMatch(
      /1 application has used it\.<\/p>\s*<p class="note" id="cannot-tell">1 cannot be told:\s+odd;/,
    );
    const page = await someone.browser.submit(dialog, 'logout-yes');
    expect(page.body).toContain('could not be reached, please sign out there yourself');
    const [termination] = await terminationsOf(app, someone.accountId);
    const wanted = { client_id: odd.clientId, state: 'not_told', reason: 'frontchannel_uri_refused', sessions: 1 };
    expect((await admin(`/terminations/${termination!.id}`)).without_notice_list).toContainEqual(wanted);
    await app.sendDue();
    await app.issueReceipts();
    const { receipt } = await admin(`/terminations/${termination!.id}/receipt`);
    expect(decodeJwt(String(receipt)).without_notice).toContainEqual(wanted);
  });

  it('by the API: a cause that a person gives in a browser is previewed with that session’s browser', async () => {
    const scene = await aScene('end_session');
    const token = await app.adminToken();
    const preview = async (body: Record<string, unknown>) =>
      (await app.json('POST', '/admin/v1/logout-preview', { token, body })).body;
    const { sessionId: session_id, accountId: account_id } = scene;
    expect(await preview({ session_id, cause: 'end_session' })).toMatchObject({ deliveries: 1, asked: 1, not_told: 2 });
    expect(await preview({ session_id, cause: 'admin' })).toMatchObject({ asked: 0 });
    expect(await preview({ account_id, cause: 'end_session' })).toMatchObject({ deliveries: 1, asked: 0, not_told: 3 });
    const { application_list: list } = await preview({
      account_id,
      cause: 'end_session',
      browser_session_id: session_id,
    });
    expect(list).toContainEqual(
      expect.objectContaining({
        client_id: scene.clients.front.clientId,
        reason: 'will_be_asked',
        channels: ['front'],
      }),
    );
  });

  it('says on the list of sessions which applications of an ended one cannot be told', async () => {
    const scene = await aScene('self_service');
    const phone = app.browser();
    await app.signInTo(phone, scene.clients.back, scene.login);
    const csrf = (await phone.get('/session/end_session')).formWith('logout-yes').fields.csrf ?? '';
    const page = await phone.follow(await phone.post(`/account/sessions/${scene.sessionId}/end`, { csrf }));
    expect(page.body).toMatch(/That session has ended\.\s+3\s+cannot be told:/);
    expect(page.body).toContain('<a\nhref="https://none.example.com/"');
  });
});
