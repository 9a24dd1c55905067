import type { DialectCause } from '../../../domain/logout/command/termination-causes.js';

declare module '../../../domain/logout/command/termination-causes.js' {
  interface DialectCauseNames {
    elasticsearch_logout: true;
  }
}

export const NAME = 'elasticsearch';
export const TAG = 'Logout: Elasticsearch';

/** A facilitator signed the person out, and sends the browser to the logout of the realm. */
export const ELASTICSEARCH_LOGOUT = {
  name: 'elasticsearch_logout',
  revokesOfflineGrants: false,
  sendsBrowserToProvider: true,
} as const satisfies DialectCause;
