import { Retention } from '../../src/platform/database/retention.js';
import { TestApp, type TestClient } from '../support/app.js';
import { DAY } from '../support/clock.js';

describe('clients that registered themselves and were never used', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start({ registration: 'open' });
  });
  afterAll(() => app.stop());

  async function register(metadata: object): Promise<TestClient & { readonly own: string }> {
    const { body } = await app.json('POST', '/register', {
      body: { redirect_uris: ['http://127.0.0.1:9/callback'], ...metadata },
    });
    return {
      clientId: String(body.client_id),
      clientSecret: String(body.client_secret),
      redirectUri: 'http://127.0.0.1:9/callback',
      own: String(body.registration_access_token),
    };
  }
  const isThere = async ({ clientId, own }: { clientId: string; own: string }): Promise<boolean> =>
    (await app.json('GET', `/register/${clientId}`, { token: own })).status === 200;

  it('leave after thirty days, and not before; those that got a token stay, as does what an administrator made', async () => {
    const unused = await register({});
    const person = await register({});
    const machine = await register({ grant_types: ['client_credentials'], redirect_uris: [] });
    const made = await app.createClient();
    const { login } = await app.createAccount();
    await app.signInTo(app.browser(), person, login);
    expect((await app.form('/token', { grant_type: 'client_credentials' }, machine)).status).toBe(200);

    app.clock.advance(30 * DAY - 1000);
    await app.app.get(Retention).sweep();
    expect(await Promise.all([unused, person, machine].map(isThere))).toEqual([true, true, true]);

    app.clock.advance(2000);
    await app.app.get(Retention).sweep();
    const kept = (await app.db.query<{ id: string }>('SELECT client_id AS id FROM clients')).map(({ id }) => id);
    expect(kept).not.toContain(unused.clientId);
    for (const { clientId } of [person, machine, made]) expect(kept).toContain(clientId);
  });

  it('are marked once: a token costs one statement more the first time, and none after that', async () => {
    const machine = await register({ grant_types: ['client_credentials'], redirect_uris: [] });
    const firstUse = async (): Promise<unknown> =>
      (await app.db.query('SELECT first_used_at FROM clients WHERE client_id = $1', [machine.clientId]))[0];
    await app.form('/token', { grant_type: 'client_credentials' }, machine);
    const first = await firstUse();
    expect(first).toEqual({ first_used_at: app.clock.now() });
    app.clock.advance(DAY);
    await app.form('/token', { grant_type: 'client_credentials' }, machine);
    expect(await firstUse()).toEqual(first);
  });
});
