import { TestApp, type TestClient } from '../support/app.js';
import { signOut } from '../tokens/token-requests.js';

/**
 * Two nodes on one database: what one has committed, the other one knows at once
 * (docs/architecture.md#revoked-means-revoked; docs/threat-model.md#session-over-tokens-alive).
 */
describe('revoked means revoked on every node', () => {
  let app: TestApp;
  let other: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
    other = await TestApp.start({ issuer: app.issuer }, { db: app.db, clock: app.clock });
  });
  afterAll(async () => {
    await other.stop();
    await app.stop();
  });

  async function signedIn(metadata: Record<string, unknown> = {}) {
    const client = await app.createClient(metadata);
    const account = await app.createAccount();
    const browser = app.browser();
    const tokens = await app.signInTo(browser, client, account.login);
    // Both nodes have seen the token alive, so that nothing is dead only for want of a cache.
    for (const node of [app, other]) expect(await node.isActive(client, tokens.access_token)).toBe(true);
    return { client, account, browser, tokens };
  }

  async function expectDeadElsewhere(client: TestClient, tokens: { access_token: string; refresh_token: string }) {
    expect(await other.isActive(client, tokens.access_token)).toBe(false);
    expect((await other.json('GET', '/userinfo', { token: tokens.access_token })).status).toBe(401);
    expect((await other.refresh(client, tokens.refresh_token)).body.error).toBe('invalid_grant');
  }

  it.each(['jwt', 'opaque'])('after a sign-out (%s)', async (format) => {
    const { client, browser, tokens } = await signedIn({ access_token_format: format });
    await signOut(browser);
    await expectDeadElsewhere(client, tokens);
  });

  it.each(['jwt', 'opaque'])('after the refresh token was revoked (%s)', async (format) => {
    const { client, tokens } = await signedIn({ access_token_format: format });
    await app.form('/revoke', { token: tokens.refresh_token }, client);
    await expectDeadElsewhere(client, tokens);
  });

  it.each(['jwt', 'opaque'])('after the access token was revoked (%s)', async (format) => {
    const { client, tokens } = await signedIn({ access_token_format: format });
    await app.form('/revoke', { token: tokens.access_token }, client);
    expect(await other.isActive(client, tokens.access_token)).toBe(false);
    expect((await other.refresh(client, tokens.refresh_token)).status).toBe(200);
  });

  it('after an administrator ended the session (threat-model#session-over-tokens-alive)', async () => {
    const { client, account, browser, tokens } = await signedIn();
    const token = await app.adminToken();
    await app.json('DELETE', `/admin/v1/sessions?account_id=${account.id}`, { token });
    await expectDeadElsewhere(client, tokens);
    const page = await other
      .browser({ cookie: `exeunt_session=${browser.cookie('exeunt_session')}` })
      .get(app.authorizeUrl(client, { prompt: 'none' }));
    expect(page.query.get('error')).toBe('login_required');
  });

  it('after the client was deleted, its own tokens too, before any notice of it has arrived', async () => {
    const server = await app.createClient({ resource_server: true });
    const machine = await app.createClient({
      grant_types: ['client_credentials'],
      redirect_uris: [],
      scope: 'reports',
    });
    const { body } = await app.form('/token', { grant_type: 'client_credentials' }, machine);
    expect(await other.isActive(server, String(body.access_token))).toBe(true);
    // As another node's commit whose notice is lost.
    await app.db.query('UPDATE clients SET deleted_at = created_at WHERE client_id = $1', [machine.clientId]);
    expect(await other.isActive(server, String(body.access_token))).toBe(false);
  });

  it('a refresh token used on one node and again on the other after the grace kills the grant on both', async () => {
    const { client, tokens } = await signedIn();
    const second = (await app.refresh(client, tokens.refresh_token)).body;
    app.clock.advance(app.settings.refreshGraceMs + 1000);
    expect((await other.refresh(client, tokens.refresh_token)).body.error).toBe('invalid_grant');
    expect((await app.refresh(client, String(second.refresh_token))).body.error).toBe('invalid_grant');
  });
});
