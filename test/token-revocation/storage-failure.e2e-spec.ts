import pg from 'pg';
import { TestApp, type Answer, type TestClient, type Tokens } from '../support/app.js';
import { redeem, tokenState } from '../tokens/token-requests.js';

/**
 * Storage fails in three ways: a table cannot be read, rows cannot be written, nobody can connect. In none of them is
 * anything called done (docs/threat-model.md#success-without-storage, RFC 7009 §2.2.1).
 */
describe('a storage failure is never reported as success (threat-model#success-without-storage)', () => {
  let app: TestApp;
  let client: TestClient;

  beforeAll(async () => {
    app = await TestApp.start();
    client = await app.createClient();
  });
  afterAll(() => app.stop());

  async function signedIn() {
    const { login } = await app.createAccount();
    const browser = app.browser();
    const tokens = await app.signInTo(browser, client, login);
    return { tokens, code: await app.codeFor(browser, client, login) };
  }

  async function withoutTables(tables: readonly string[], work: () => Promise<void>): Promise<void> {
    for (const table of tables) await app.db.query(`ALTER TABLE ${table} RENAME TO ${table}_away`);
    try {
      await work();
    } finally {
      for (const table of tables) await app.db.query(`ALTER TABLE ${table}_away RENAME TO ${table}`);
    }
  }

  async function withReadOnlyStorage(tables: readonly string[], work: () => Promise<void>): Promise<void> {
    await app.db.query(
      `CREATE FUNCTION refuse_write() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION USING ERRCODE = '53100', MESSAGE = 'disk full'; END $$`,
    );
    for (const table of tables) {
      await app.db.query(
        `CREATE TRIGGER refuse_write BEFORE INSERT OR UPDATE OR DELETE ON ${table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_write()`,
      );
    }
    try {
      await work();
    } finally {
      await app.db.query('DROP FUNCTION refuse_write() CASCADE');
    }
  }

  async function withoutConnections(work: () => Promise<void>): Promise<void> {
    const operator = new pg.Client({ connectionString: app.db.url.replace(`/${app.db.name}`, '/maintenance') });
    await operator.connect();
    try {
      await operator.query(`ALTER DATABASE ${app.db.name} ALLOW_CONNECTIONS false`);
      await operator.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [app.db.name]);
      await work();
    } finally {
      await operator.query(`ALTER DATABASE ${app.db.name} ALLOW_CONNECTIONS true`);
      await operator.end();
    }
  }

  function expectUnavailable({ status, headers, body }: Answer): void {
    expect(status).toBe(503);
    expect(body).toEqual({
      error: 'temporarily_unavailable',
      error_description: expect.any(String),
      request_id: expect.any(String),
    });
    expect(headers.get('retry-after')).toMatch(/^\d+$/);
    expect(headers.get('cache-control')).toBe('no-store');
  }

  const revoke = (token: string): Promise<Answer> => app.form('/revoke', { token }, client);

  async function expectAllAlive(tokens: Tokens): Promise<void> {
    expect(await app.isActive(client, tokens.access_token)).toBe(true);
    expect(await app.isActive(client, tokens.refresh_token)).toBe(true);
  }

  it('revoke: 503, the tokens are alive afterwards, and the same request then works', async () => {
    const { tokens } = await signedIn();
    const before = await tokenState(app);
    await withoutTables(['grants', 'revoked_access_tokens'], async () => {
      expectUnavailable(await revoke(tokens.refresh_token));
      expectUnavailable(await revoke(tokens.access_token));
    });
    await withReadOnlyStorage(['grants', 'revoked_access_tokens'], async () => {
      expectUnavailable(await revoke(tokens.refresh_token));
      expectUnavailable(await revoke(tokens.access_token));
    });
    expect(await tokenState(app)).toEqual(before);
    await expectAllAlive(tokens);
    expect((await revoke(tokens.refresh_token)).status).toBe(200);
    expect(await app.isActive(client, tokens.access_token)).toBe(false);
  });

  it('introspect, userinfo, refresh and code exchange: 503, and nothing was used up', async () => {
    const { tokens, code } = await signedIn();
    await withoutTables(['grants'], async () => {
      expectUnavailable(await app.form('/introspect', { token: tokens.access_token }, client));
      expectUnavailable(await app.form('/introspect', { token: tokens.refresh_token }, client));
      expectUnavailable(await app.json('GET', '/userinfo', { token: tokens.access_token }));
      expectUnavailable(await app.refresh(client, tokens.refresh_token));
      expectUnavailable(await redeem(app, client, code));
    });
    await expectAllAlive(tokens);
    expect((await app.refresh(client, tokens.refresh_token)).status).toBe(200);
    expect((await redeem(app, client, code)).status).toBe(200);
  });

  it('a write that fails half-way leaves the refresh token and the code unused', async () => {
    const { tokens, code } = await signedIn();
    const before = await tokenState(app);
    await withReadOnlyStorage(['grants'], async () => {
      expectUnavailable(await app.refresh(client, tokens.refresh_token));
      expectUnavailable(await redeem(app, client, code));
    });
    expect(await tokenState(app)).toEqual(before);
    expect((await app.refresh(client, tokens.refresh_token)).status).toBe(200);
    expect((await redeem(app, client, code)).status).toBe(200);
  });

  it('reuse that cannot be recorded is not answered as if it had been', async () => {
    const { tokens, code } = await signedIn();
    expect((await redeem(app, client, code)).status).toBe(200);
    await withReadOnlyStorage(['session_terminations'], async () => expectUnavailable(await redeem(app, client, code)));
    expect((await redeem(app, client, code)).body.error).toBe('invalid_grant');
    await expectAllAlive(tokens);
  });

  it('when nobody can connect: 503, and the service is itself again afterwards', async () => {
    const { tokens } = await signedIn();
    await withoutConnections(async () => {
      expectUnavailable(await revoke(tokens.refresh_token));
      expectUnavailable(await revoke(tokens.access_token));
      expectUnavailable(await app.form('/introspect', { token: tokens.access_token }, client));
      expectUnavailable(await app.refresh(client, tokens.refresh_token));
    });
    await vi.waitFor(() => expectAllAlive(tokens));
    expect((await revoke(tokens.refresh_token)).status).toBe(200);
    expect(await app.isActive(client, tokens.access_token)).toBe(false);
  });
});
