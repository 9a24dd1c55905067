/** What is recorded. A new event is one word here. */
export const AUDIT_EVENT_NAMES = [
  'upstream_logout',
  'upstream_sign_in',
  'upstream_changed',
  'sign_in',
  'client_authentication',
  'account_changed',
  'client_changed',
  'organization_changed',
  'keys_rotated',
  'session_termination',
  'receipts_issued',
  'console_sign_in',
  'deliveries_resent',
  'logout_checked',
  'logout_order',
  'admin_recovered',
] as const;
export type AuditEventName = (typeof AUDIT_EVENT_NAMES)[number];

/** `refused`: the request was wrong, nothing changed. `failed`: it was right, and we could not do it. */
export const AUDIT_OUTCOMES = ['done', 'refused', 'failed'] as const;
export type AuditOutcome = (typeof AUDIT_OUTCOMES)[number];

/**
 * What an operator needs to follow the event: identifiers, counts, our own reason codes. Flat, and never a token, a
 * hint, a secret or a cookie. Texts are cut at {@link MAX_DETAIL_LENGTH}.
 */
export type AuditDetails = Readonly<Record<string, string | number | boolean | null>>;

export const MAX_DETAIL_LENGTH = 300;

/** Something that happened, as it is handed in. */
export interface AuditEvent {
  readonly event: AuditEventName;
  readonly outcome: AuditOutcome;
  readonly details: AuditDetails;
}

/** An event as it stands in the record. */
export interface RecordedAuditEvent extends AuditEvent {
  readonly id: string;
  readonly at: Date;
}
