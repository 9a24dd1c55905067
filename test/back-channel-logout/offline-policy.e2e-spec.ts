import { LogoutService } from '../../src/domain/logout/command/logout.service.js';
import { type LogoutTarget, type TerminationCause } from '../../src/domain/logout/command/logout.js';
import { TestApp, type TestClient } from '../support/app.js';
import { TERMINATION_CAUSES } from '../support/causes.js';

/** "The person, or a time limit, says that this session is over": what was allowed for later goes on. */
const ORDINARY: readonly TerminationCause[] = [
  'end_session',
  'end_session_client',
  'elasticsearch_logout',
  'csp_logout',
  'upstream_logout',
  'self_service',
  'admin',
  'account_switched',
  'session_idle',
  'session_expired',
  'max_sessions',
];

describe('which grants with offline_access fall (Back-Channel Logout 1.0 §2.7)', () => {
  let app: TestApp;
  let client: TestClient;

  beforeAll(async () => {
    app = await TestApp.start();
    client = await app.createClient({ scope: 'openid offline_access', skip_consent: true });
  });
  afterAll(() => app.stop());

  /** Ends a session by this cause and says whether its offline grant can still be refreshed. */
  async function outlives(
    cause: TerminationCause,
    targetOf: (sessionId: string, accountId: string) => LogoutTarget,
  ): Promise<boolean> {
    const { id, login } = await app.createAccount();
    const tokens = await app.signInTo(app.browser(), client, login, { scope: 'openid offline_access' });
    expect(tokens.scope).toContain('offline_access');
    const [session] = await app.db.query<{ id: string }>('SELECT id FROM sessions WHERE account_id = $1', [id]);
    const target = targetOf(session?.id ?? '', id);
    const outcome = await app.app.get(LogoutService).logoutAny({ target, cause, initiator: { kind: 'system' } });
    expect(outcome).toMatchObject({ kind: 'ended' });
    const { status } = await app.refresh(client, tokens.refresh_token);
    expect([200, 400]).toContain(status);
    return status === 200;
  }

  it.each(TERMINATION_CAUSES)('the end of one session by %s', async (cause) => {
    expect(await outlives(cause, (sessionId) => ({ kind: 'session', sessionId }))).toBe(ORDINARY.includes(cause));
  });

  it.each(TERMINATION_CAUSES)('everywhere means everywhere: a whole account, by %s', async (cause) => {
    expect(await outlives(cause, (_, accountId) => ({ kind: 'account', accountId }))).toBe(false);
  });
});
