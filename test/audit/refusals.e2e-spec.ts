import { AuditLog } from '../../src/platform/audit/audit-log.js';
import { MAX_ROWS_PER_MINUTE } from '../../src/platform/audit/refusal-counts.js';
import { Retention } from '../../src/platform/database/retention.js';
import { TestApp } from '../support/app.js';
import { DAY, MINUTE } from '../support/clock.js';

interface Item {
  readonly event: string;
  readonly outcome: string;
  readonly details: Record<string, unknown>;
}

describe('refusals on record', () => {
  let app: TestApp;
  let audit: AuditLog;

  beforeAll(async () => {
    app = await TestApp.start();
    audit = app.app.get(AuditLog);
  });
  afterAll(() => app.stop());
  beforeEach(async () => {
    await app.db.query('TRUNCATE audit_events');
    app.clock.advance(MINUTE);
  });

  const items = async (): Promise<Item[]> => {
    const { body } = await app.json('GET', '/admin/v1/audit-events?outcome=refused', { token: await app.adminToken() });
    return (body.items as Item[]).toReversed();
  };
  const refuse = (reason: string, address = '192.0.2.1'): Promise<void> =>
    audit.recordRefusal('console_sign_in', { by: 'client', reason, address });

  it('the same one within a minute is one row that counts, also when many come at once', async () => {
    await refuse('wrong_credentials');
    app.clock.advance(1000);
    await Promise.all(Array.from({ length: 300 }, () => refuse('wrong_credentials')));
    expect(await items()).toEqual([
      expect.objectContaining({
        outcome: 'refused',
        details: {
          by: 'client',
          reason: 'wrong_credentials',
          address: '192.0.2.1',
          count: 301,
          until: app.clock.now().toISOString(),
        },
      }),
    ]);
  });

  it('another reason, another address and another minute are rows of their own', async () => {
    await refuse('wrong_credentials');
    await refuse('too_many_attempts');
    await refuse('wrong_credentials', '192.0.2.2');
    app.clock.advance(MINUTE);
    await refuse('wrong_credentials');
    expect((await items()).map(({ details }) => [details.reason, details.address, details.count ?? 1])).toEqual([
      ['wrong_credentials', '192.0.2.1', 1],
      ['too_many_attempts', '192.0.2.1', 1],
      ['wrong_credentials', '192.0.2.2', 1],
      ['wrong_credentials', '192.0.2.1', 1],
    ]);
  });

  it('is one row on two nodes', async () => {
    const node = await TestApp.start({}, { db: app.db, clock: app.clock });
    await refuse('wrong_credentials');
    await node.app
      .get(AuditLog)
      .recordRefusal('console_sign_in', { by: 'client', reason: 'wrong_credentials', address: '192.0.2.1' });
    expect((await items()).map(({ details }) => details.count)).toEqual([2]);
    await node.stop();
  });

  it('however many differ, a minute leaves a bounded number of rows, and none is lost from the count', async () => {
    const sent = MAX_ROWS_PER_MINUTE + 200;
    for (let n = 0; n < sent; n += 1) await refuse('wrong_credentials', `198.51.100.${n % 256}#${n}`);
    const rows = await items();
    const all = await app.db.query<{ n: number; counted: number }>(
      `SELECT count(*)::int AS n, sum(coalesce((details ->> 'count')::int, 1))::int AS counted FROM audit_events`,
    );
    expect(all).toEqual([{ n: MAX_ROWS_PER_MINUTE + 1, counted: sent }]);
    expect(rows.at(-1)?.details).toMatchObject({ reason: 'various', count: 200 });
  });

  it('are kept for a week; what was done, for a year', async () => {
    await refuse('wrong_credentials');
    await audit.record({ event: 'console_sign_in', outcome: 'done', details: { by: 'client' } });
    const outcomes = async (): Promise<unknown[]> =>
      (await app.db.query<{ outcome: string }>('SELECT outcome FROM audit_events ORDER BY id')).map(
        (row) => row.outcome,
      );
    app.clock.advance(7 * DAY - MINUTE);
    await app.app.get(Retention).sweep();
    expect(await outcomes()).toEqual(['refused', 'done']);
    app.clock.advance(2 * MINUTE);
    await app.app.get(Retention).sweep();
    expect(await outcomes()).toEqual(['done']);
    app.clock.advance(-7 * DAY);
  });

  it('400 knocks at the console’s door leave two rows of that, and one of the secret that was wrong', async () => {
    const browser = app.browser();
    const door = await browser.get('/console/sign-in');
    for (let n = 0; n < 400; n += 20)
      await Promise.all(
        Array.from({ length: 20 }, () =>
          browser.submit(door, 'client-submit', { client_id: 'nobody', client_secret: 'guess' }),
        ),
      );
    expect((await items()).map(({ event, details }) => [event, details.reason, details.count])).toEqual([
      ['client_authentication', 'wrong_credentials', 20],
      ['console_sign_in', 'wrong_credentials', 20],
      ['console_sign_in', 'too_many_attempts', 380],
    ]);
  });
});
