import { sha256 } from '../../src/platform/oidc/secret.js';
import { ADMIN, type TestApp, type TestClient } from '../support/app.js';
import type { StubRelyingParty } from '../support/stub-relying-party.js';

/** Hot paths, each as requests send it. */
export const PATHS: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  'sign-in and code exchange': async ({ app, client, login }) => {
    await app.signInTo(app.browser(), client, login);
  },
  'code exchange with a session that is there': async ({ app, client, other, login }) => {
    const browser = app.browser();
    await app.signInTo(browser, client, login);
    await app.signInTo(browser, other, login);
  },
  'authorization that rests on a consent': async ({ app, asking, login }) => {
    const browser = app.browser();
    for (const _again of [1, 2]) await app.signInTo(browser, asking, login);
  },
  'refresh, and its repetition': async (scene) => {
    for (const client of [scene.client, scene.opaque]) {
      const tokens = await scene.tokensOf(client);
      for (const _again of [1, 2]) expect((await scene.app.refresh(client, tokens.refresh_token)).status).toBe(200);
    }
  },
  introspection: async (scene) => {
    for (const client of [scene.client, scene.opaque])
      expect(await scene.app.isActive(client, (await scene.tokensOf(client)).access_token)).toBe(true);
    const { body } = await scene.app.form('/token', { grant_type: 'client_credentials' }, ADMIN);
    const token = String(body.access_token);
    expect((await scene.app.form('/introspect', { token }, ADMIN)).body.active).toBe(true);
  },
  userinfo: async (scene) => {
    const { access_token: token } = await scene.tokensOf(scene.client);
    expect((await scene.app.json('GET', '/userinfo', { token })).status).toBe(200);
  },
  revocation: async (scene) => {
    for (const client of [scene.client, scene.opaque]) {
      const tokens = await scene.tokensOf(client);
      for (const token of [tokens.access_token, tokens.refresh_token])
        expect((await scene.app.form('/revoke', { token }, client)).status).toBe(200);
    }
  },
  "the person's own sessions": async ({ app, client, login }) => {
    const browser = app.browser();
    await app.signInTo(browser, client, login);
    expect((await browser.get('/account/sessions')).status).toBe(200);
  },
  'logout by the dialog, with notices and receipt': async ({ app, client, login }) => {
    const browser = app.browser();
    await app.signInTo(browser, client, login);
    const dialog = await browser.get('/session/end_session');
    expect((await browser.submit(dialog, 'logout-yes')).status).toBe(200);
    await app.sendDue();
    expect(await app.issueReceipts()).toBe(1);
  },
  'logout by an administrator': async ({ app, client, login }) => {
    const token = await app.adminToken();
    const browser = app.browser();
    await app.signInTo(browser, client, login);
    const [session] = await app.db.query<{ id: string }>('SELECT id FROM sessions WHERE cookie_hash = $1', [
      sha256(browser.cookie('exeunt_session') ?? ''),
    ]);
    expect((await app.json('DELETE', `/admin/v1/sessions/${session?.id}`, { token })).status).toBe(200);
    await app.sendDue();
    await app.issueReceipts();
  },
};

/** The applications of the hot paths, and a person who uses them. */
export class Scene {
  private constructor(
    readonly app: TestApp,
    readonly client: TestClient,
    readonly other: TestClient,
    readonly opaque: TestClient,
    readonly asking: TestClient,
    readonly login: string,
  ) {}

  static async start(app: TestApp, party: StubRelyingParty): Promise<Scene> {
    const told = { backchannel_logout_uri: party.backchannelLogoutUri };
    const client = await app.createClient(told);
    const other = await app.createClient(told);
    const opaque = await app.createClient({ ...told, access_token_format: 'opaque' });
    const asking = await app.createClient({ skip_consent: false });
    return new Scene(app, client, other, opaque, asking, '');
  }

  /** The same applications at a node, and a person who has no session yet. */
  async at(app: TestApp): Promise<Scene> {
    const { login } = await app.createAccount();
    return new Scene(app, this.client, this.other, this.opaque, this.asking, login);
  }

  tokensOf(client: TestClient) {
    return this.app.signInTo(this.app.browser(), client, this.login);
  }
}
