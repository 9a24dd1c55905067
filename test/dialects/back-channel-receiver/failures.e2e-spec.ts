import { vi } from 'vitest';
import { Clock } from '../../../src/platform/clock/clock.js';
import { terminationsOf } from '../../back-channel-logout/scene.js';
import type { TestApp } from '../../support/app.js';
import { SECOND } from '../../support/clock.js';
import { newKey, StubUpstream } from '../../support/stub-upstream.js';
import { expectDone, receive, Scene, type Visitor } from './scene.js';

const USED = 'The logout token was used before.';
const SIGNATURE = 'The signature of the logout token is not good.';

describe('a logout token is used once, and only when it was carried out (threat-model#identifier-burnt-before-the-work)', () => {
  let scene: Scene;
  /** The steady time, by which the age of cached keys is told: here it only goes when it is told to. */
  let now = 0;

  beforeAll(async () => {
    vi.spyOn(Clock.prototype, 'steady').mockImplementation(() => now);
    scene = await Scene.start();
  });
  afterAll(async () => {
    await scene.stop();
    vi.restoreAllMocks();
  });
  afterEach(() => scene.upstream.down.clear());

  const tokenFor = ({ subject }: Visitor, claims: Record<string, unknown> = {}): Promise<string> =>
    scene.upstream.logoutToken({ sub: subject.sub, sid: subject.sid, ...claims });

  function later(ms: number): void {
    now += ms;
  }

  async function withNode(use: (node: TestApp) => Promise<void>, overrides = {}): Promise<void> {
    const node = await scene.node(overrides);
    try {
      await use(node);
    } finally {
      await node.stop();
    }
  }

  describe('a replay (§2.6, step 8)', () => {
    it('is refused, on every node, and ends nothing', async () => {
      const first = await scene.visitor();
      const token = await tokenFor(first, { sid: undefined });
      expectDone(await receive(scene.app, token));
      scene.app.clock.advance(SECOND);
      const again = await scene.visitor({ subject: first.subject });
      await scene.expectRefused(() => receive(scene.app, token), USED, { result: 'replayed' });
      await withNode((node) => scene.expectRefused(() => receive(node, token), USED, { result: 'replayed', node }));
      expect(await scene.isSignedIn(again)).toBe(true);
    });

    it('is refused when the same jti says something else', async () => {
      const [first, second] = [await scene.visitor(), await scene.visitor()];
      expectDone(await receive(scene.app, await tokenFor(first, { jti: 'the-same' })));
      const token = await tokenFor(second, { jti: 'the-same' });
      await scene.expectRefused(() => receive(scene.app, token), USED, { result: 'replayed' });
      expect(await scene.isSignedIn(second)).toBe(true);
    });

    it('is none when another issuer uses the same jti', async () => {
      const other = await StubUpstream.start(scene.app.clock);
      await other.register(scene.app);
      for (const upstream of [scene.upstream, other]) {
        const { status } = await receive(scene.app, await upstream.logoutToken({ sid: 's', jti: 'of-both' }));
        expect(status).toBe(200);
      }
      await other.stop();
    });

    it('is refused after the upstream has changed its keys (threat-model#token-confusion)', async () => {
      const first = await scene.visitor();
      const token = await tokenFor(first, { sid: undefined });
      expectDone(await receive(scene.app, token));
      scene.app.clock.advance(SECOND);
      const again = await scene.visitor({ subject: first.subject });
      await scene.upstream.rotateKeys();
      await scene.expectRefused(() => receive(scene.app, token), USED, { result: 'replayed' });
      later(10 * SECOND);
      expectDone(await receive(scene.app, await scene.upstream.logoutToken({ sid: 'known-by-the-new-key' })));
      await scene.expectRefused(() => receive(scene.app, token), SIGNATURE);
      expect(await scene.isSignedIn(again)).toBe(true);
    });

    it('is answered 200 and does nothing, where the operator wants that', async () => {
      const first = await scene.visitor();
      const token = await tokenFor(first, { sid: undefined });
      expectDone(await receive(scene.app, token));
      scene.app.clock.advance(SECOND);
      const again = await scene.visitor({ subject: first.subject });
      await withNode(
        async (node) => {
          const rows = await scene.rowCounts();
          expectDone(await receive(node, token));
          expect(await scene.rowCounts()).toEqual(rows);
          expect(await scene.results(node)).toMatchObject({ replayed: 1, ended: 0, nothing_to_end: 0 });
        },
        { acceptRepeatedLogoutTokens: true },
      );
      expect(await scene.isSignedIn(again)).toBe(true);
    });

    it('is carried out once when it is delivered ten times at once', async () => {
      const visitor = await scene.visitor();
      const token = await tokenFor(visitor);
      const { ended, replayed } = await scene.results();
      const answers = await Promise.all(Array.from({ length: 10 }, () => receive(scene.app, token)));
      expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([
        200,
        ...Array.from({ length: 9 }, () => 400),
      ]);
      expect(await terminationsOf(scene.app, visitor.accountId)).toMatchObject([{ sessions: 1 }]);
      expect(await scene.results()).toMatchObject({ ended: ended + 1, replayed: replayed + 9 });
    });
  });

  describe('an outage of the keys', () => {
    it('is called what it is, and the same token is good once it is over', async () => {
      const visitor = await scene.visitor();
      const token = await tokenFor(visitor);
      await withNode(async (node) => {
        scene.upstream.down.add('/jwks');
        const reason = 'The keys of Corporate SSO cannot be had: failed.';
        await scene.expectNotPerformed(() => receive(node, token), reason, node);
        expect(await scene.lastAudit()).toMatchObject({
          outcome: 'failed',
          details: { result: 'not_performed', reason },
        });
        expect(await scene.isSignedIn(visitor)).toBe(true);
        scene.upstream.down.clear();
        later(SECOND);
        await scene.expectDone(await receive(node, token), 1);
        expect(await scene.isSignedIn(visitor)).toBe(false);
      });
    });

    it('is no outage for a token that must be refused for other reasons', async () => {
      const visitor = await scene.visitor();
      await withNode(async (node) => {
        scene.upstream.down.add('/jwks');
        const token = await scene.upstream.logoutToken({ sid: visitor.subject.sid }, { typ: 'at+jwt' });
        await scene.expectRefused(() => receive(node, token), 'typ is not that of a logout token.', { node });
      });
      expect(await scene.isSignedIn(visitor)).toBe(true);
    });

    it('changes nothing for keys that are known', async () => {
      const visitor = await scene.visitor();
      scene.upstream.down.add('/jwks');
      await scene.expectDone(await receive(scene.app, await tokenFor(visitor)), 1);
      expect(await scene.isSignedIn(visitor)).toBe(false);
    });

    it('does not make us ask more than once a second, however many tokens come', async () => {
      const token = await scene.upstream.logoutToken({ sid: 's' }, { kid: 'unknown' });
      await withNode(async (node) => {
        scene.upstream.down.add('/jwks');
        const asked = scene.upstream.requestsTo('/jwks');
        for (let round = 0; round < 5; round += 1) expect((await receive(node, token)).status).toBe(400);
        expect(scene.upstream.requestsTo('/jwks')).toBe(asked + 1);
      });
    });
  });

  describe('an unknown kid', () => {
    it('has the keys fetched anew, at most once in ten seconds (OpenID Connect Core 1.0 §10.1)', async () => {
      const forged = await scene.upstream.logoutToken({ sid: 's' }, { kid: 'unknown' }, await newKey('RS256'));
      later(10 * SECOND);
      const asked = scene.upstream.requestsTo('/jwks');
      const flood = Array.from({ length: 10 }, () => receive(scene.app, forged));
      for (const { body } of await Promise.all(flood)) expect(body.error_description).toBe(SIGNATURE);
      await scene.expectRefused(() => receive(scene.app, forged), SIGNATURE);
      expect(scene.upstream.requestsTo('/jwks')).toBe(asked + 1);
      later(10 * SECOND);
      await scene.expectRefused(() => receive(scene.app, forged), SIGNATURE);
      expect(scene.upstream.requestsTo('/jwks')).toBe(asked + 2);
    });

    it('is how the first token by a new key comes to be good', async () => {
      const visitor = await scene.visitor();
      await scene.upstream.rotateKeys();
      later(10 * SECOND);
      await scene.expectDone(await receive(scene.app, await tokenFor(visitor)), 1);
      expect(await scene.isSignedIn(visitor)).toBe(false);
    });

    it('during an outage is not called a forgery, since nobody can tell', async () => {
      const visitor = await scene.visitor();
      await scene.upstream.rotateKeys();
      const token = await tokenFor(visitor);
      later(10 * SECOND);
      scene.upstream.down.add('/jwks');
      await scene.expectNotPerformed(
        () => receive(scene.app, token),
        'The keys of Corporate SSO cannot be had: failed.',
      );
      scene.upstream.down.clear();
      later(SECOND);
      await scene.expectDone(await receive(scene.app, token), 1);
      expect(await scene.isSignedIn(visitor)).toBe(false);
    });
  });

  describe('a key that was replaced under the same kid, or that has none', () => {
    async function replaceKey(kid: string | undefined): Promise<void> {
      await scene.upstream.rotateKeys(kid ?? null);
    }

    afterAll(async () => {
      await scene.upstream.rotateKeys();
      later(11 * SECOND);
    });

    it.each([
      ['the same kid', 'stays'],
      ['no kid', undefined],
    ])('%s: the first token and the first sign-in by the new key are good', async (_what, kid) => {
      await replaceKey(kid);
      later(11 * SECOND);
      const visitor = await scene.visitor();
      await replaceKey(kid);
      later(11 * SECOND);
      await scene.expectDone(await receive(scene.app, await tokenFor(visitor)), 1);
      expect(await scene.isSignedIn(visitor)).toBe(false);
      await replaceKey(kid);
      later(11 * SECOND);
      expect(await scene.isSignedIn(await scene.visitor())).toBe(true);
    });

    it('forged signatures make us look once in ten seconds, and are forged still', async () => {
      const forged = await scene.upstream.logoutToken({ sid: 's' }, {}, await newKey('RS256'));
      later(11 * SECOND);
      const asked = scene.upstream.requestsTo('/jwks');
      for (let round = 0; round < 5; round += 1) await scene.expectRefused(() => receive(scene.app, forged), SIGNATURE);
      expect(scene.upstream.requestsTo('/jwks')).toBe(asked + 1);
    });
  });

  describe('a failure of storage', () => {
    it.each([
      ['upstream_logout_tokens', 'INSERT'],
      ['audit_events', 'INSERT'],
      ['sessions', 'UPDATE'],
      ['logout_deliveries', 'INSERT'],
    ])('at %s (%s) is no success, and the same token is good once it is over', async (table, operation) => {
      const client = await scene.app.createClient({ backchannel_logout_uri: 'http://127.0.0.1:9/backchannel' });
      const visitor = await scene.visitor({ client });
      const token = await tokenFor(visitor);
      await scene.app.db.query(
        `CREATE FUNCTION out_of_space() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = '53100'; END $$`,
      );
      await scene.app.db.query(
        `CREATE TRIGGER out_of_space BEFORE ${operation} ON ${table} FOR EACH ROW EXECUTE FUNCTION out_of_space()`,
      );
      try {
        await scene.expectNotPerformed(() => receive(scene.app, token), 'storage failed');
      } finally {
        await scene.app.db.query('DROP FUNCTION out_of_space() CASCADE');
      }
      expect(await scene.isSignedIn(visitor)).toBe(true);
      await scene.expectDone(await receive(scene.app, token), 1);
      expect(await scene.isSignedIn(visitor)).toBe(false);
    });
  });

  it('keeps tokens out of the log', () => {
    expect(scene.log().join('\n')).not.toContain('eyJ');
  });
});
