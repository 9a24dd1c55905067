import { ClientsService } from '../../src/domain/clients/clients.service.js';
import { FirstAdminClient } from '../../src/domain/clients/first-admin-client.js';
import { ADMIN, TestApp } from '../support/app.js';

describe('the administrator’s client when two nodes start at once', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.stop());

  it('is known at the node that came second, which had looked for it just before', async () => {
    const clients = app.app.get(ClientsService);
    await app.db.query("UPDATE clients SET client_id = 'elsewhere'");
    clients.forget(ADMIN.clientId);
    expect(await clients.find(ADMIN.clientId)).toBeUndefined();
    // The other node is first, and its notice comes late.
    await app.db.query('UPDATE clients SET client_id = $1', [ADMIN.clientId]);
    await app.app.get(FirstAdminClient).ensure();
    expect(await clients.isSecret(ADMIN.clientId, ADMIN.clientSecret)).toBe(true);
  });
});
