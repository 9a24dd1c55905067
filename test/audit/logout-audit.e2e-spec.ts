import { TestApp } from '../support/app.js';
import { clientOf, someoneAt, terminationsOf } from '../back-channel-logout/scene.js';
import { DAY } from '../support/clock.js';
import { signOut } from '../rp-initiated-logout/end-session.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';

describe('the audit log of logouts', () => {
  let app: TestApp;
  let party: StubRelyingParty;

  beforeAll(async () => {
    app = await TestApp.start();
    party = await StubRelyingParty.start();
  });
  afterAll(async () => {
    await party.stop();
    await app.stop();
  });
  beforeEach(() => app.db.query('TRUNCATE audit_events'));

  const events = async (event: string): Promise<unknown> =>
    (await app.json('GET', `/admin/v1/audit-events?event=${event}`, { token: await app.adminToken() })).body.items;

  it('has each termination: its id, cause, kind of initiator and counts, and neither a login nor an address', async () => {
    const { browser, accountId, login } = await someoneAt(app, [await clientOf(app, party)]);
    await signOut(browser);
    const [termination] = await terminationsOf(app, accountId);
    const recorded = await events('session_termination');
    expect(recorded).toEqual([
      {
        id: termination?.id,
        at: app.clock.now().toISOString(),
        event: 'session_termination',
        outcome: 'done',
        details: {
          termination_id: termination?.id,
          cause: 'end_session',
          initiator: 'user',
          sessions: 1,
          grants_revoked: 1,
          deliveries: 1,
        },
      },
    ]);
    expect(JSON.stringify(recorded)).not.toContain(login);
    expect(JSON.stringify(recorded)).not.toContain(party.origin);
  });

  it('has each of the sessions that expired, and each gets its receipt', async () => {
    while ((await app.issueReceipts()) > 0);
    const { accountId } = await someoneAt(app, [await clientOf(app, party)]);
    app.clock.advance(30 * DAY);
    await app.sweepExpired();
    const [termination] = await terminationsOf(app, accountId);
    expect(await events('session_termination')).toContainEqual({
      id: termination?.id,
      at: app.clock.now().toISOString(),
      event: 'session_termination',
      outcome: 'done',
      details: {
        termination_id: termination?.id,
        cause: 'session_expired',
        initiator: 'system',
        sessions: 1,
        grants_revoked: 1,
        deliveries: 1,
      },
    });
    expect(await app.issueReceipts()).toBeGreaterThan(0);
    const token = await app.adminToken();
    const receipt = await app.json('GET', `/admin/v1/terminations/${termination?.id}/receipt`, { token });
    expect([receipt.status, receipt.body.state]).toEqual([200, 'final']);
  });

  it('has no termination that ended nothing', async () => {
    await signOut(app.browser());
    expect(await events('session_termination')).toEqual([]);
  });

  it('has no termination without its record: if that cannot be written, nobody is signed out', async () => {
    const client = await clientOf(app, party);
    const { browser, accountId, tokens } = await someoneAt(app, [client]);
    await app.db.query('ALTER TABLE audit_events RENAME TO audit_events_away');
    const page = await signOut(browser);
    await app.db.query('ALTER TABLE audit_events_away RENAME TO audit_events');
    expect(page.status).toBeGreaterThanOrEqual(500);
    expect(await terminationsOf(app, accountId)).toEqual([]);
    expect(await app.isActive(client, tokens[0]!.access_token)).toBe(true);
  });

  it('has each batch of receipts: how many, and which places in the chain', async () => {
    while ((await app.issueReceipts()) > 0);
    await app.db.query('TRUNCATE audit_events');
    for (const _ of [1, 2]) await signOut((await someoneAt(app, [await clientOf(app, party)])).browser);
    expect(await app.issueReceipts()).toBe(2);
    const [{ last }] = (await app.db.query<{ last: string }>('SELECT max(sequence) AS last FROM logout_receipts')) as [
      { last: string },
    ];
    expect(await events('receipts_issued')).toEqual([
      expect.objectContaining({
        event: 'receipts_issued',
        outcome: 'done',
        details: { count: 2, first: Number(last) - 1, last: Number(last) },
      }),
    ]);
  });
});
