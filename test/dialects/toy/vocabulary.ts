import type { DialectCause } from '../../../src/domain/logout/command/termination-causes.js';

declare module '../../../src/domain/logout/command/termination-causes.js' {
  interface DialectCauseNames {
    toy_logout: true;
    toy_alarm: true;
  }
}

export const NAME = 'toy';
export const TAG = 'Logout: toy';

/** An application asked for it. */
export const TOY_LOGOUT = { name: 'toy_logout', revokesOfflineGrants: false } as const satisfies DialectCause;
/** An application says that the session is in wrong hands. */
export const TOY_ALARM = { name: 'toy_alarm', revokesOfflineGrants: true } as const satisfies DialectCause;
