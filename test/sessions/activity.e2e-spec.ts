import { SessionRepository } from '../../src/domain/sessions/session.repository.js';
import type { SessionKey } from '../../src/domain/sessions/session.js';
import { TestApp } from '../support/app.js';
import { HOUR } from '../support/clock.js';
import { holding } from '../support/locks.js';
import { signOut } from '../tokens/token-requests.js';

describe('when sessions were used last, for many at once', () => {
  let app: TestApp;
  let repository: SessionRepository;

  beforeAll(async () => {
    app = await TestApp.start();
    repository = app.app.get(SessionRepository);
  });
  afterAll(() => app.stop());

  async function signedIn(): Promise<SessionKey & { readonly signOut: () => Promise<void> }> {
    const { id: accountId, login } = await app.createAccount();
    const browser = app.browser();
    await app.signInTo(browser, await app.createClient(), login);
    const [row] = await app.db.query<{ id: string }>('SELECT id FROM sessions WHERE account_id = $1', [accountId]);
    return { accountId, sessionId: row?.id ?? '', signOut: () => signOut(browser) };
  }
  const rowOf = async ({ accountId }: SessionKey) =>
    (await app.db.query('SELECT * FROM sessions WHERE account_id = $1', [accountId]))[0];
  const touch = (...sessions: SessionKey[]) => repository.touch(sessions, app.clock.in(HOUR));

  it('writes both times of each, and nothing else', async () => {
    const sessions = [await signedIn(), await signedIn(), await signedIn()];
    const before = await Promise.all(sessions.map(rowOf));
    app.clock.advance(1000);
    await touch(...sessions);
    expect(await Promise.all(sessions.map(rowOf))).toEqual(
      before.map((row) => ({ ...row, last_seen_at: app.clock.now(), idle_expires_at: app.clock.in(HOUR) })),
    );
  });

  it('never beyond the end of the session', async () => {
    const session = await signedIn();
    await repository.touch([session], app.clock.in(1000 * HOUR));
    const row = await rowOf(session);
    expect(row?.idle_expires_at).toEqual(row?.expires_at);
  });

  it('leaves one that has ended as it is, and makes none of one that is gone', async () => {
    const [ended, gone, other] = [await signedIn(), await signedIn(), await signedIn()];
    await ended.signOut();
    await app.db.query('DELETE FROM sessions WHERE account_id = $1', [gone.accountId]);
    const before = await rowOf(ended);
    app.clock.advance(1000);
    await touch(ended, gone, other);
    expect(await rowOf(ended)).toEqual(before);
    expect(await rowOf(gone)).toBeUndefined();
    expect((await rowOf(other))?.last_seen_at).toEqual(app.clock.now());
  });

  it('does not wait for one that is ending at this moment', async () => {
    const [ending, other] = [await signedIn(), await signedIn()];
    const before = await rowOf(ending);
    app.clock.advance(1000);
    await holding(app.db, 'SELECT 1 FROM sessions WHERE id = $1 FOR NO KEY UPDATE', [ending.sessionId], () =>
      touch(ending, other),
    );
    expect(await rowOf(ending)).toEqual(before);
    expect((await rowOf(other))?.last_seen_at).toEqual(app.clock.now());
  });
});
