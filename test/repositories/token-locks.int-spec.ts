import pg from 'pg';
import { TestApp, type TestClient } from '../support/app.js';
import { untilWaiting } from '../support/locks.js';
import { redeem } from '../tokens/token-requests.js';

/**
 * Meetings half-way, arranged by hand: what mints waits for what revokes, in one order, and then finds nothing to mint
 * from.
 */
describe('locks of what mints and what revokes', () => {
  let app: TestApp;
  let revoker: pg.Client;

  beforeAll(async () => {
    app = await TestApp.start();
    revoker = new pg.Client({ connectionString: app.db.url });
    await revoker.connect();
    // Shorter than deadlock_timeout, so that a deadlock shows here and is not resolved behind our back.
    await revoker.query("SET lock_timeout = '300ms'");
  });
  afterAll(async () => {
    await revoker.end();
    await app.stop();
  });

  async function signedIn() {
    const client = await app.createClient();
    const { id, login } = await app.createAccount();
    const browser = app.browser();
    return { client, id, login, browser, tokens: await app.signInTo(browser, client, login) };
  }

  const revokeGrantsOf = (client: TestClient) =>
    revoker.query("UPDATE grants SET revoked_at = $1, revoked_cause = 'token_revoked' WHERE client_id = $2", [
      app.clock.now(),
      client.clientId,
    ]);

  it('a refresh that meets a revocation half-way waits for it and is refused (threat-model#issued-during-a-revocation)', async () => {
    const { client, tokens } = await signedIn();
    const generations = () =>
      app.db.query('SELECT refresh_generation, refresh_expires_at FROM grants WHERE client_id = $1', [client.clientId]);
    const before = await generations();
    await revoker.query('BEGIN');
    await revokeGrantsOf(client);
    const refreshing = app.refresh(client, tokens.refresh_token);
    await untilWaiting(app.db);
    await revoker.query('COMMIT');
    expect((await refreshing).body.error).toBe('invalid_grant');
    expect(await generations()).toEqual(before);
  });

  it('a refresh that meets a revocation which then fails goes on', async () => {
    const { client, tokens } = await signedIn();
    await revoker.query('BEGIN');
    await revokeGrantsOf(client);
    const refreshing = app.refresh(client, tokens.refresh_token);
    await untilWaiting(app.db);
    await revoker.query('ROLLBACK');
    expect((await refreshing).status).toBe(200);
  });

  it('a repeat inside the grace that meets a revocation half-way is refused too', async () => {
    const { client, tokens } = await signedIn();
    expect((await app.refresh(client, tokens.refresh_token)).status).toBe(200);
    await revoker.query('BEGIN');
    await revokeGrantsOf(client);
    const repeating = app.refresh(client, tokens.refresh_token);
    await untilWaiting(app.db);
    await revoker.query('COMMIT');
    expect((await repeating).body.error).toBe('invalid_grant');
  });

  it('a code exchange waits for a logout at the session, holding nothing that the logout needs, and joins nothing', async () => {
    const client = await app.createClient();
    const { id, login } = await app.createAccount();
    const code = await app.codeFor(app.browser(), client, login);
    await revoker.query('BEGIN');
    await revoker.query('SELECT 1 FROM sessions WHERE account_id = $1 FOR NO KEY UPDATE', [id]);
    const redeeming = redeem(app, client, code);
    await untilWaiting(app.db);
    // Were the grant locked by the exchange, this would wait for it, and it for us.
    await revoker.query('UPDATE sessions SET terminated_at = $1 WHERE account_id = $2', [app.clock.now(), id]);
    await revokeGrantsOf(client);
    await revoker.query('COMMIT');
    expect((await redeeming).body.error).toBe('invalid_grant');
    expect(await app.db.query('SELECT 1 FROM session_clients WHERE client_id = $1', [client.clientId])).toEqual([]);
    expect(
      await app.db.query('SELECT 1 FROM grants WHERE client_id = $1 AND refresh_root_hash IS NOT NULL', [
        client.clientId,
      ]),
    ).toEqual([]);
  });
});
