import type { LogoutCommand, TerminationCause } from './logout.js';

/** What a cause brings down besides the sessions themselves. */
export interface LogoutPolicy {
  /** Also the grants that were made for when nobody is there (`offline_access`). */
  readonly revokesOfflineGrants: boolean;
}

/**
 * Which causes reach grants with `offline_access`. An ordinary logout does not: Back-Channel Logout
 * 1.0 §2.7 says it SHOULD NOT. Whatever says "these credentials can no longer be trusted" does.
 */
const REVOKES_OFFLINE_GRANTS: Readonly<Record<TerminationCause, boolean>> = {
  end_session: false,
  end_session_client: false,
  elasticsearch_logout: false,
  csp_logout: false,
  upstream_logout: false,
  upstream_deleted: true,
  self_service: false,
  admin: false,
  session_idle: false,
  session_expired: false,
  max_sessions: false,
  consent_withdrawn: true,
  account_switched: false,
  account_disabled: true,
  account_deleted: true,
  password_changed: true,
  client_disabled: true,
  client_deleted: true,
  offline_access_withdrawn: true,
  refresh_token_reuse: true,
  code_reuse: true,
  logout_order: true,
};

/** Pure: the same for every dialect. "Everywhere" means everywhere, so a whole account loses its offline grants too. */
export function logoutPolicy(command: LogoutCommand): LogoutPolicy {
  return { revokesOfflineGrants: REVOKES_OFFLINE_GRANTS[command.cause] || command.target.kind === 'account' };
}

/**
 * Causes that a person gives on a page of ours, which then asks applications by frames. All others come without a
 * browser.
 */
const GIVEN_IN_BROWSER: ReadonlySet<TerminationCause> = new Set(['end_session', 'end_session_client', 'self_service']);

/** Whether a page of ours is shown in the browser of the session that ends by it. */
export function isGivenInBrowser(cause: TerminationCause): boolean {
  return GIVEN_IN_BROWSER.has(cause);
}
