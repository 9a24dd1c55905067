import type { Session } from './session.js';

/** What is read of the session `s`, as {@link SessionRow} has it. */
export const SESSION_COLUMNS = `s.id, s.account_id, coalesce(s.upstream_auth_time, s.authenticated_at) AS authenticated_at, s.amr, s.created_at, s.last_seen_at, s.expires_at, s.address,
  s.user_agent, s.terminated_at, s.termination_id`;

export interface SessionRow {
  id: string;
  account_id: string;
  authenticated_at: Date;
  amr: string[];
  created_at: Date;
  last_seen_at: Date;
  expires_at: Date;
  address: string | null;
  user_agent: string | null;
  terminated_at: Date | null;
  termination_id: string | null;
}

export function toSession(row: SessionRow): Session {
  return {
    id: row.id,
    accountId: row.account_id,
    authenticatedAt: row.authenticated_at,
    amr: row.amr,
    createdAt: row.created_at,
    lastSeenAt: row.last_seen_at,
    expiresAt: row.expires_at,
    address: row.address,
    userAgent: row.user_agent,
    terminatedAt: row.terminated_at,
    terminationId: row.termination_id,
  };
}
