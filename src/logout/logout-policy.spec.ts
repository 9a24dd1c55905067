import { logoutPolicy } from './logout-policy.js';
import { TERMINATION_CAUSES, type LogoutTarget, type TerminationCause } from './logout.js';

const SESSION: LogoutTarget = { kind: 'session', sessionId: 's' };
const COOKIE: LogoutTarget = { kind: 'cookie', cookieHash: Buffer.alloc(32) };
const ACCOUNT: LogoutTarget = { kind: 'account', accountId: 'a' };
const OTHERS: LogoutTarget = { kind: 'account', accountId: 'a', exceptSessionId: 's' };

describe('which grants with offline_access fall (Back-Channel Logout 1.0 §2.7)', () => {
  const revokes = (cause: TerminationCause, target: LogoutTarget): boolean =>
    logoutPolicy({ cause, target, initiator: { kind: 'system' } }).revokesOfflineGrants;

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

  it.each(ORDINARY)('an ordinary logout (%s) of one session keeps them', (cause) => {
    expect(revokes(cause, SESSION)).toBe(false);
    expect(revokes(cause, COOKIE)).toBe(false);
  });

  it.each(TERMINATION_CAUSES.filter((cause) => !ORDINARY.includes(cause)))(
    '%s says that credentials cannot be trusted any more: they fall',
    (cause) => {
      expect(revokes(cause, SESSION)).toBe(true);
    },
  );

  it.each(TERMINATION_CAUSES)(
    'everywhere means everywhere: a whole account loses them whatever the cause (%s)',
    (cause) => {
      expect(revokes(cause, ACCOUNT)).toBe(true);
      expect(revokes(cause, OTHERS)).toBe(true);
    },
  );
});
