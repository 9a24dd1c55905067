import type { DialectCause } from '../../../domain/logout/command/termination-causes.js';

declare module '../../../domain/logout/command/termination-causes.js' {
  interface DialectCauseNames {
    end_session: true;
    end_session_client: true;
  }
}

export const NAME = 'oidc-end-session';
export const TAG = 'Logout: end_session';

/** The person signed out. */
export const END_SESSION = {
  name: 'end_session',
  revokesOfflineGrants: false,
  givenInBrowser: true,
} as const satisfies DialectCause;
/** The person signed out of the application that asked, alone. */
export const END_SESSION_CLIENT = {
  name: 'end_session_client',
  revokesOfflineGrants: false,
  givenInBrowser: true,
} as const satisfies DialectCause;
