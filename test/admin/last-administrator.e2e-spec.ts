import { exportJWK, generateKeyPair } from 'jose';
import { FirstAdminClient } from '../../src/domain/clients/first-admin-client.js';
import { ClientRegistrationService } from '../../src/domain/clients/client-registration.service.js';
import { ClientsService } from '../../src/domain/clients/clients.service.js';
import type { Settings } from '../../src/platform/config/settings.js';
import { TransactionRunner } from '../../src/platform/database/transaction.js';
import { ADMIN, TestApp, type Answer, type TestClient } from '../support/app.js';

const GRANT = { grant_type: 'client_credentials' };
const ADMINISTRATOR = { grant_types: ['client_credentials'], redirect_uris: [], scope: 'exeunt:admin' };

async function aKey() {
  const { publicKey } = await generateKeyPair('ES256', { extractable: true });
  return exportJWK(publicKey);
}

describe('the last client that can administer the service', () => {
  let app: TestApp;

  beforeEach(async () => {
    app = await TestApp.start();
  });
  afterEach(() => app.stop());

  const state = () => app.db.query('SELECT * FROM clients ORDER BY client_id');

  /** Everything that takes an administrator away. The request comes from another administrator's token, or its own. */
  const WAYS: [string, (token: string, clientId: string) => Promise<Answer>][] = [
    ['DELETE', (token, id) => app.json('DELETE', `/admin/v1/clients/${id}`, { token })],
    ['disable', (token, id) => app.json('POST', `/admin/v1/clients/${id}/disable`, { token })],
    ['PATCH of its scope', (token, id) => patch(token, id, { scope: 'reports' })],
    ['PATCH that takes its scope back to the default', (token, id) => patch(token, id, { scope: null })],
    [
      'PATCH of its grant types',
      (token, id) =>
        patch(token, id, { scope: '', grant_types: ['authorization_code'], redirect_uris: ['https://a.example/cb'] }),
    ],
    ['PATCH of its audience', (token, id) => patch(token, id, { audience: ['https://api.example.org'] })],
    [
      'PATCH to keys that nobody has shown to have',
      async (token, id) =>
        patch(token, id, { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [await aKey()] } }),
    ],
    [
      'PATCH to no keys at all',
      (token, id) => patch(token, id, { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [] } }),
    ],
    [
      'PATCH to keys at an address',
      (token, id) =>
        patch(token, id, { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: 'https://a.example/jwks' }),
    ],
    [
      'PUT',
      (token, id) =>
        app.json('PUT', `/admin/v1/clients/${id}`, { token, body: { ...ADMINISTRATOR, scope: 'reports' } }),
    ],
  ];
  const patch = (token: string, id: string, body: object): Promise<Answer> =>
    app.json('PATCH', `/admin/v1/clients/${id}`, { token, body });

  it('is not taken away by any call, and the refusal says what to do first', async () => {
    const token = await app.adminToken();
    const before = await state();
    for (const [way, change] of WAYS) {
      const answer = await change(token, ADMIN.clientId);
      expect([way, answer.status, answer.body.error]).toEqual([way, 409, 'conflict']);
      if (way !== 'disable') expect(answer.body.error_description).toContain('exeunt:admin');
      expect([way, await state()]).toEqual([way, before]);
    }
    expect((await app.json('GET', '/admin/v1/accounts', { token })).status).toBe(200);
    expect(await app.db.query('SELECT 1 FROM session_terminations')).toEqual([]);
  });

  it('is neither taken away by a client that is gone, or could not administer, and is when there is another one', async () => {
    const token = await app.adminToken();
    const useless = [
      { ...ADMINISTRATOR, audience: ['https://api.example.org'] },
      { ...ADMINISTRATOR, token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [] } },
    ];
    for (const metadata of useless) await app.createClient(metadata);
    const disabled = await app.createClient(ADMINISTRATOR);
    await app.json('POST', `/admin/v1/clients/${disabled.clientId}/disable`, { token });
    const deleted = await app.createClient(ADMINISTRATOR);
    await app.json('DELETE', `/admin/v1/clients/${deleted.clientId}`, { token });
    expect((await app.json('DELETE', `/admin/v1/clients/${ADMIN.clientId}`, { token })).status).toBe(409);
    const second = await app.createClient(ADMINISTRATOR);
    expect((await app.json('DELETE', `/admin/v1/clients/${ADMIN.clientId}`, { token })).status).toBe(204);
    const { body } = await app.form('/token', GRANT, second);
    expect(
      (await app.json('DELETE', `/admin/v1/clients/${second.clientId}`, { token: String(body.access_token) })).status,
    ).toBe(409);
  });

  it('changes in every other way: its name, its secret, from keys to a secret that the answer shows', async () => {
    const token = await app.adminToken();
    const path = `/admin/v1/clients/${ADMIN.clientId}`;
    expect(
      (await patch(token, ADMIN.clientId, { client_name: 'Desk', token_endpoint_auth_method: 'client_secret_post' }))
        .status,
    ).toBe(200);
    const rotated = await app.json('POST', `${path}/secret`, { token });
    expect(rotated.status).toBe(200);
    const secret = { clientId: ADMIN.clientId, clientSecret: String(rotated.body.client_secret) };
    const next = String((await app.form('/token', GRANT, secret)).body.access_token);
    const brought = { client_secret: 'one that the operator brings' };
    expect((await patch(next, ADMIN.clientId, brought)).status).toBe(200);
    expect((await app.form('/token', GRANT, { ...ADMIN, clientSecret: brought.client_secret })).status).toBe(200);
  });

  it('of two that delete each other at the same moment one stays', async () => {
    for (let round = 0; round < 5; round += 1) {
      const second = await app.createClient(ADMINISTRATOR);
      const third = await app.createClient(ADMINISTRATOR);
      const tokens = await Promise.all(
        [second, third].map(async (client) => String((await app.form('/token', GRANT, client)).body.access_token)),
      );
      const admin =
        round === 0 ? await app.json('DELETE', `/admin/v1/clients/${ADMIN.clientId}`, { token: tokens[0] }) : undefined;
      if (admin !== undefined) expect(admin.status).toBe(204);
      const left = (await administrators()).filter((id) => id !== second.clientId && id !== third.clientId);
      for (const id of left) await app.json('DELETE', `/admin/v1/clients/${id}`, { token: tokens[0] });
      const answers = await Promise.all([
        app.json('DELETE', `/admin/v1/clients/${third.clientId}`, { token: tokens[0] }),
        patch(String(tokens[1]), second.clientId, { scope: 'reports' }),
      ]);
      expect(answers.filter(({ status }) => status < 300)).toHaveLength(1);
      expect(await administrators()).toHaveLength(1);
    }
  });

  async function administrators(): Promise<string[]> {
    const rows = await app.db.query<{ client_id: string }>(
      `SELECT client_id FROM clients WHERE deleted_at IS NULL AND disabled_at IS NULL AND metadata ->> 'scope' = 'exeunt:admin'`,
    );
    return rows.map(({ client_id: id }) => id);
  }

  it('does not leave by its registration token either', async () => {
    const token = await app.adminToken();
    const { body } = await app.json('POST', '/register', {
      token,
      body: { grant_types: ['client_credentials'], redirect_uris: [], scope: 'openid' },
    });
    const id = String(body.client_id);
    const own = String(body.registration_access_token);
    expect((await patch(token, id, { scope: 'exeunt:admin' })).status).toBe(200);
    expect((await app.json('DELETE', `/admin/v1/clients/${ADMIN.clientId}`, { token })).status).toBe(204);
    const before = await state();
    const put = { client_id: id, grant_types: ['client_credentials'], client_name: 'Renamed' };
    for (const answer of [
      await app.json('PUT', `/register/${id}`, { token: own, body: put }),
      await app.json('DELETE', `/register/${id}`, { token: own }),
    ])
      expect([answer.status, answer.body.error]).toEqual([409, 'conflict']);
    expect(await state()).toEqual(before);
  });

  it('by keys keeps one that it has', async () => {
    const token = await app.adminToken();
    const [first, second] = [await aKey(), await aKey()];
    const keyed = await app.createClient({
      ...ADMINISTRATOR,
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [first] },
    });
    expect((await app.json('DELETE', `/admin/v1/clients/${ADMIN.clientId}`, { token })).status).toBe(204);
    const clients = app.app.get(ClientsService);
    const registration = app.app.get(ClientRegistrationService);
    expect((await clients.get(keyed.clientId)).metadata.jwks?.keys).toHaveLength(1);
    const own = await app.db.query('SELECT 1 FROM clients WHERE client_id = $1', [keyed.clientId]);
    expect(own).toHaveLength(1);
    // Nobody has a token any more, so the service itself is asked.
    const changed = (jwks: object) =>
      app.app.get(TransactionRunner).run((tx) => registration.patch(tx, keyed.clientId, { jwks }));
    await expect(changed({ keys: [second] })).rejects.toMatchObject({ code: 'conflict' });
    await changed({ keys: [second, first] });
    await changed({ keys: [second] });
  });
});

describe('the admin client at a start', () => {
  let app: TestApp;

  beforeEach(async () => {
    app = await TestApp.start();
  });
  afterEach(() => app.stop());

  /** The same service, started again; `overrides` are what changed in its environment. */
  async function restarted<T>(overrides: Partial<Settings>, work: (again: TestApp) => Promise<T>): Promise<T> {
    const again = await TestApp.start(overrides, { db: app.db, clock: app.clock });
    try {
      return await work(again);
    } finally {
      await again.stop();
    }
  }
  const enters = async (at: TestApp, client: { clientId: string; clientSecret: string }): Promise<number> =>
    (await at.form('/token', GRANT, client)).status;
  const rotate = async (): Promise<{ clientId: string; clientSecret: string }> => {
    const { body } = await app.json('POST', `/admin/v1/clients/${ADMIN.clientId}/secret`, {
      token: await app.adminToken(),
    });
    return { ...ADMIN, clientSecret: String(body.client_secret) };
  };

  it('keeps a secret that was rotated: the environment’s is applied when it changed, and once', async () => {
    const rotated = await rotate();
    await restarted({}, async (again) => {
      expect([await enters(again, ADMIN), await enters(again, rotated)]).toEqual([401, 200]);
    });
    const next = { ...ADMIN, clientSecret: 'another secret of the environment' };
    await restarted({ adminClientSecret: next.clientSecret }, async (again) => {
      expect([await enters(again, rotated), await enters(again, next)]).toEqual([401, 200]);
      const { body } = await again.json('POST', `/admin/v1/clients/${ADMIN.clientId}/secret`, {
        token: String((await again.form('/token', GRANT, next)).body.access_token),
      });
      const last = { ...ADMIN, clientSecret: String(body.client_secret) };
      await restarted({ adminClientSecret: next.clientSecret }, async (third) => {
        expect([await enters(third, next), await enters(third, last)]).toEqual([401, 200]);
      });
    });
  });

  it('ends own tokens when the environment brings another secret', async () => {
    const token = await app.adminToken();
    await restarted({ adminClientSecret: 'another secret of the environment' }, async (again) => {
      expect((await again.json('GET', '/admin/v1/accounts', { token })).status).toBe(401);
    });
  });

  it('stays deleted beside another administrator, and says so; with a new secret it comes back', async () => {
    const second = await app.createClient(ADMINISTRATOR);
    await app.json('DELETE', `/admin/v1/clients/${ADMIN.clientId}`, { token: await app.adminToken() });
    await restarted({}, async (again) => {
      expect([await enters(again, ADMIN), await enters(again, second)]).toEqual([401, 200]);
      expect((await again.app.get(FirstAdminClient).ensure()).problem).toContain('was deleted');
      expect(again.logger.lines.join('\n')).toContain('was deleted');
    });
    const next = { ...ADMIN, clientSecret: 'another secret of the environment' };
    await restarted({ adminClientSecret: next.clientSecret }, async (again) => {
      expect([await enters(again, ADMIN), await enters(again, next)]).toEqual([401, 200]);
    });
  });

  it('comes back when nobody else could administer the service', async () => {
    await app.db.query('UPDATE clients SET deleted_at = now(), secret_hash = NULL');
    await restarted({}, async (again) => expect(await enters(again, ADMIN)).toBe(200));
    await app.db.query('UPDATE clients SET deleted_at = now(), secret_hash = NULL');
    await restarted({ adminClientSecret: undefined }, async (again) => {
      // Made by the start itself; what it says is said once.
      expect((await again.app.get(FirstAdminClient).ensure()).generatedSecret).toBeUndefined();
      expect(await enters(again, ADMIN)).toBe(401);
    });
  });

  it('is not made beside another administrator where nobody asked for it', async () => {
    await restarted({ adminClientId: undefined, adminClientSecret: undefined }, async (again) => {
      expect(await again.db.query("SELECT 1 FROM clients WHERE client_id = 'exeunt-admin'")).toEqual([]);
    });
  });

  it('is recovered, whatever became of it: a new secret, no other, and it is on record', async () => {
    const rotated = await rotate();
    const old = String((await app.form('/token', GRANT, rotated)).body.access_token);
    const damages = [
      'UPDATE clients SET deleted_at = now(), secret_hash = NULL',
      'UPDATE clients SET disabled_at = now()',
      `UPDATE clients SET metadata = metadata || '{"scope": "reports"}'`,
      `UPDATE clients SET metadata = metadata || '{"grant_types": []}'`,
      `UPDATE clients SET metadata = metadata || '{"audience": ["https://a.example"]}'`,
      `UPDATE clients SET metadata = metadata || '{"token_endpoint_auth_method": "private_key_jwt"}'`,
      'DELETE FROM clients',
      'SELECT 1',
    ];
    for (const damage of damages) {
      await app.db.query(damage);
      const { clientId, generatedSecret = '' } = await app.app.get(FirstAdminClient).recover();
      expect(clientId).toBe(ADMIN.clientId);
      const recovered: TestClient = { clientId, clientSecret: generatedSecret, redirectUri: '' };
      await restarted({}, async (again) => {
        const { body } = await again.form('/token', GRANT, recovered);
        const status = (await again.json('GET', '/admin/v1/accounts', { token: String(body.access_token) })).status;
        expect([damage, status]).toEqual([damage, 200]);
        expect([await enters(again, rotated), await enters(again, ADMIN)]).toEqual([401, 401]);
        expect((await again.json('GET', '/admin/v1/accounts', { token: old })).status).toBe(401);
      });
    }
    const events = await app.db.query("SELECT outcome, details FROM audit_events WHERE event = 'admin_recovered'");
    expect(events).toHaveLength(damages.length);
    expect(events[0]).toEqual({ outcome: 'done', details: { client_id: ADMIN.clientId } });
  });
});
