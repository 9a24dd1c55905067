import { TestApp, type Answer } from '../support/app.js';

describe('roles of accounts', () => {
  let app: TestApp;
  let token: string;

  beforeAll(async () => {
    app = await TestApp.start();
    token = await app.adminToken();
  });
  afterAll(() => app.stop());

  const put = (id: string, body: unknown, bearer: string | undefined = token): Promise<Answer> =>
    app.json('PUT', `/admin/v1/accounts/${id}/roles`, { token: bearer, body });
  const rolesOf = async (id: string): Promise<unknown> =>
    (await app.json('GET', `/admin/v1/accounts/${id}`, { token })).body.roles;

  it('are none at first, are set as a whole, and are taken away', async () => {
    const { id } = await app.createAccount();
    expect(await rolesOf(id)).toEqual([]);
    const answer = await put(id, { roles: ['operator', 'operator'] });
    expect([answer.status, answer.body.roles]).toEqual([200, ['operator']]);
    expect(await rolesOf(id)).toEqual(['operator']);
    expect((await put(id, { roles: [] })).body.roles).toEqual([]);
    expect(await rolesOf(id)).toEqual([]);
  });

  it('may be given when the account is made', async () => {
    const { status, body } = await app.json('POST', '/admin/v1/accounts', {
      token,
      body: { login: 'op@example.com', password: 'a long enough password', roles: ['operator'] },
    });
    expect([status, body.roles]).toEqual([201, ['operator']]);
    expect(await rolesOf(String(body.id))).toEqual(['operator']);
  });

  it.each([
    ['an unknown one', { roles: ['root'] }],
    ['no list', { roles: 'operator' }],
    ['nothing', {}],
    ['a member more', { roles: [], admin: true }],
  ])('are refused: %s, and stay as they were', async (_, body) => {
    const { id } = await app.createAccount();
    await put(id, { roles: ['operator'] });
    expect((await put(id, body)).status).toBe(400);
    expect(await rolesOf(id)).toEqual(['operator']);
  });

  it('are no claim: nobody gets one by claims, and no token carries one', async () => {
    const { id, login } = await app.createAccount(undefined, { roles: ['operator'] });
    expect(await rolesOf(id)).toEqual([]);
    await put(id, { roles: ['operator'] });
    const client = await app.createClient();
    const tokens = await app.signInTo(app.browser(), client, login, { scope: 'openid profile email' });
    const claims = Buffer.from(tokens.id_token.split('.')[1] ?? '', 'base64url').toString();
    expect(claims).not.toContain('operator');
  });

  it('are given by operators’ tokens alone; a person’s own is not enough (threat-model#other-peoples-sessions)', async () => {
    const { id, login } = await app.createAccount();
    const tokens = await app.signInTo(app.browser(), await app.createClient(), login);
    expect((await put(id, { roles: ['operator'] }, '')).status).toBe(401);
    expect((await put(id, { roles: ['operator'] }, tokens.access_token)).status).toBe(403);
    expect(await rolesOf(id)).toEqual([]);
  });

  it('are those of an account that there is', async () => {
    expect((await put('00000000-0000-4000-8000-000000000000', { roles: [] })).status).toBe(404);
    expect((await put('x', { roles: [] })).status).toBe(404);
  });
});
