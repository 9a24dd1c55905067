import type { DialectCause } from '../../../domain/logout/command/termination-causes.js';
import { OWN_NAME } from '../../../domain/upstreams/upstream.js';

declare module '../../../domain/logout/command/termination-causes.js' {
  interface DialectCauseNames {
    elasticsearch_logout: true;
  }
}

export const NAME = 'elasticsearch';
/** The realm that is this provider itself, so that a facilitator needs no upstream. No upstream may have this name. */
export const OWN_REALM = OWN_NAME;
export const TAG = 'Logout: Elasticsearch';

/** What a facilitator may do, by the names of Elasticsearch's cluster privileges. */
export const PRIVILEGES = ['manage_oidc', 'manage_token'] as const;
export type Privilege = (typeof PRIVILEGES)[number];

/** A facilitator signed the person out, and sends the browser to the logout of the realm. */
export const ELASTICSEARCH_LOGOUT = {
  name: 'elasticsearch_logout',
  revokesOfflineGrants: false,
  sendsBrowserToProvider: true,
} as const satisfies DialectCause;
