import type { DialectCause } from '../../../domain/logout/command/termination-causes.js';

declare module '../../../domain/logout/command/termination-causes.js' {
  interface DialectCauseNames {
    csp_logout: true;
  }
}

export const NAME = 'vmware-csp';
export const TAG = 'Logout: VMware CSP';

/** An application asked for the identity provider's logout URL, and the session ended by it. */
export const CSP_LOGOUT = {
  name: 'csp_logout',
  revokesOfflineGrants: false,
  sendsBrowserToProvider: true,
} as const satisfies DialectCause;
