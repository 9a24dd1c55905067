import { JwtVerifier } from '../../src/platform/keys/jwt-verifier.js';
import { ADMIN, TestApp } from '../support/app.js';

describe('signatures of access tokens', () => {
  let app: TestApp;
  let other: TestApp;
  const verify = vi.spyOn(JwtVerifier.prototype, 'verify');

  beforeAll(async () => {
    app = await TestApp.start();
    other = await TestApp.start({ issuer: app.issuer }, { db: app.db, clock: app.clock });
  });
  afterAll(async () => {
    verify.mockRestore();
    await other.stop();
    await app.stop();
  });
  beforeEach(() => {
    verify.mockClear();
  });

  const own = async (): Promise<string> =>
    String((await app.form('/token', { grant_type: 'client_credentials' }, ADMIN)).body.access_token);

  it('are not verified by the process that made them, and once by another', async () => {
    const token = await own();
    const at = async (node: TestApp) => (await node.form('/introspect', { token }, ADMIN)).body;
    const here = await at(app);
    expect([here.active, verify.mock.calls.length]).toEqual([true, 0]);
    // What is remembered is what the token says.
    expect(await at(other)).toEqual(here);
    expect((await at(other)).active).toBe(true);
    expect(verify.mock.calls.length).toBe(1);
  });

  it('of a person, too; and a revocation needs none, and counts everywhere', async () => {
    const client = await app.createClient();
    const { login } = await app.createAccount();
    const { access_token: token } = await app.signInTo(app.browser(), client, login);
    const body = (await app.form('/introspect', { token }, client)).body;
    expect(await other.form('/introspect', { token }, client)).toMatchObject({ body });
    verify.mockClear();
    expect((await app.form('/revoke', { token }, client)).status).toBe(200);
    expect(verify).not.toHaveBeenCalled();
    for (const node of [app, other])
      expect((await node.form('/introspect', { token }, client)).body).toEqual({ active: false });
  });

  it('that were altered are refused, however well the rest is known', async () => {
    const token = await own();
    const [header, payload, signature = ''] = token.split('.');
    const altered = `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
    const forged = `${header}.${payload}.${altered}`;
    expect((await app.form('/introspect', { token: forged }, ADMIN)).body).toEqual({ active: false });
    expect((await app.form('/introspect', { token }, ADMIN)).body.active).toBe(true);
  });
});
