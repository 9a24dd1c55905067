import { AuditLog } from '../../src/platform/audit/audit-log.js';
import type { AuditEvent } from '../../src/platform/audit/audit-event.js';
import { Retention } from '../../src/platform/database/retention.js';
import { TransactionRunner } from '../../src/platform/database/transaction.js';
import { TestApp, type Answer } from '../support/app.js';
import { DAY } from '../support/clock.js';

interface Item {
  readonly id: string;
  readonly at: string;
  readonly event: string;
  readonly outcome: string;
  readonly details: Record<string, unknown>;
}

const DONE: AuditEvent = {
  event: 'upstream_logout',
  outcome: 'done',
  details: { issuer: 'https://login.example.org', sessions: 2, by_sid: true, sub: null },
};

describe('the audit log', () => {
  let app: TestApp;
  let audit: AuditLog;
  let token: string;

  beforeAll(async () => {
    app = await TestApp.start();
    audit = app.app.get(AuditLog);
    token = await app.adminToken();
  });
  afterAll(() => app.stop());
  beforeEach(() => app.db.query('TRUNCATE audit_events'));

  const list = (query = '', bearer: string | undefined = token): Promise<Answer> =>
    app.json('GET', `/admin/v1/audit-events${query}`, { token: bearer });
  const items = async (query = ''): Promise<Item[]> => (await list(query)).body.items as Item[];
  const run = <T>(work: Parameters<TransactionRunner['run']>[0]): Promise<T> =>
    app.app.get(TransactionRunner).run(work) as Promise<T>;

  describe('records', () => {
    it('what happened, when, and its details', async () => {
      await audit.record(DONE);
      expect(await items()).toEqual([{ id: expect.any(String), at: app.clock.now().toISOString(), ...DONE }]);
    });

    it('within a transaction, so that one that rolls back leaves nothing', async () => {
      const before = await app.rowCounts();
      const undone = run(async (tx) => {
        await audit.record(DONE, tx);
        throw new Error('changed its mind');
      });
      await expect(undone).rejects.toThrow('changed its mind');
      expect(await app.rowCounts()).toEqual(before);
    });

    it('within a transaction, so that it is seen once that commits', async () => {
      await run(async (tx) => {
        await audit.record(DONE, tx);
        expect(await items()).toEqual([]);
      });
      expect(await items()).toHaveLength(1);
    });

    it('no more than 300 characters of a text, and nothing that storage cannot hold', async () => {
      await audit.record({
        ...DONE,
        details: { long: 'x'.repeat(5000), halved: `${'x'.repeat(299)}😀`, lone: '\uD83D!', nul: 'a\0b' },
      });
      const [item] = await items();
      expect(item?.details).toEqual({
        long: 'x'.repeat(300),
        halved: `${'x'.repeat(299)}\uFFFD`,
        lone: '\uFFFD!',
        nul: 'a\uFFFDb',
      });
    });

    it('for a year, by whole days', async () => {
      await audit.record(DONE);
      app.clock.advance(365 * DAY);
      await app.app.get(Retention).sweep();
      expect(await app.db.query('SELECT 1 FROM audit_events')).toHaveLength(1);
      app.clock.advance(DAY);
      await app.app.get(Retention).sweep();
      expect(await app.db.query('SELECT 1 FROM audit_events')).toEqual([]);
      token = await app.adminToken();
    });
  });

  describe('when storage does not take the event', () => {
    beforeEach(() => app.db.query('ALTER TABLE audit_events RENAME TO audit_events_away'));
    afterEach(() => app.db.query('ALTER TABLE audit_events_away RENAME TO audit_events'));

    it('says so to who records what it did, so that the deed is undone with it', async () => {
      const undone = run(async (tx) => {
        await tx.manager.query('CREATE TABLE deeds ()');
        await audit.record(DONE, tx);
      });
      await expect(undone).rejects.toThrow('audit_events');
      expect(Object.keys(await app.rowCounts())).not.toContain('deeds');
    });

    it('leaves a refusal a refusal, and says so in the log without the details', async () => {
      const lines = app.logger.lines.length;
      await expect(
        audit.recordRefusal('upstream_logout', { reason: 'a-reason-in-the-details' }),
      ).resolves.toBeUndefined();
      const written = app.logger.lines.slice(lines).join('\n');
      expect(written).toContain('upstream_logout (refused) is not on record: 42P01');
      expect(written).not.toContain('a-reason-in-the-details');
    });
  });

  describe('GET /admin/v1/audit-events', () => {
    beforeEach(async () => {
      for (let n = 0; n < 5; n += 1) await audit.record({ ...DONE, details: { n } });
      await audit.recordRefusal('upstream_logout', { n: 5 });
      await audit.record({ event: 'upstream_changed', outcome: 'done', details: { n: 6 } });
    });

    const numbers = (page: readonly Item[]): unknown[] => page.map(({ details }) => details.n);

    it('shows the newest first, page by page', async () => {
      const seen: unknown[] = [];
      let cursor: string | undefined;
      do {
        const { body } = await list(`?limit=3${cursor === undefined ? '' : `&cursor=${cursor}`}`);
        seen.push(numbers(body.items as Item[]));
        cursor = body.next_cursor as string | undefined;
      } while (cursor !== undefined);
      expect(seen).toEqual([[6, 5, 4], [3, 2, 1], [0]]);
    });

    it('shows only one event, or one outcome, or both', async () => {
      expect(numbers(await items('?event=upstream_changed'))).toEqual([6]);
      expect(numbers(await items('?outcome=refused'))).toEqual([5]);
      expect(numbers(await items('?event=upstream_logout&outcome=done&limit=2'))).toEqual([4, 3]);
      expect(numbers(await items('?event=upstream_sign_in'))).toEqual([]);
    });

    it('refuses what is no event, outcome, cursor, limit or parameter', async () => {
      const before = await app.rowCounts();
      for (const query of ['event=other', 'outcome=other', 'cursor=1', 'limit=0', 'limit=201', 'subject=mia']) {
        const answer = await list(`?${query}`);
        expect([query, answer.status, answer.body.error]).toEqual([query, 400, 'invalid_request']);
      }
      expect((await list('?event=upstream_logout&event=upstream_changed')).status).toBe(400);
      expect(await app.rowCounts()).toEqual(before);
    });

    it('lets nobody in but operators, and nobody change it (threat-model#other-peoples-sessions)', async () => {
      const robot = await app.createClient({ grant_types: ['client_credentials'], scope: 'other' });
      const { body } = await app.form('/token', { grant_type: 'client_credentials' }, robot);
      const before = await app.rowCounts();
      const none = await app.json('GET', '/admin/v1/audit-events');
      expect([none.status, none.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="exeunt"']);
      expect((await list('', 'a.b.c')).status).toBe(401);
      const without = await list('', String(body.access_token));
      expect([without.status, without.body.error]).toEqual([403, 'insufficient_scope']);
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'])
        expect((await app.json(method, '/admin/v1/audit-events', { token, body: {} })).status).toBe(405);
      expect(await app.rowCounts()).toEqual(before);
    });
  });
});
