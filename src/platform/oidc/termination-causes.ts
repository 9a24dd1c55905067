/**
 * Why sessions or grants end. Vocabulary, because a client may be registered for some of them
 * (`backchannel_logout_causes`); what each one does is said in `logout/logout-policy.ts`.
 */
export const TERMINATION_CAUSES = [
  'end_session',
  'end_session_client',
  'elasticsearch_logout',
  'csp_logout',
  'upstream_logout',
  'upstream_deleted',
  'self_service',
  'admin',
  'session_idle',
  'session_expired',
  'max_sessions',
  'consent_withdrawn',
  'account_disabled',
  'account_deleted',
  'password_changed',
  'account_switched',
  'client_disabled',
  'client_deleted',
  'offline_access_withdrawn',
  'refresh_token_reuse',
  'code_reuse',
  'logout_order',
] as const;
export type TerminationCause = (typeof TERMINATION_CAUSES)[number];
