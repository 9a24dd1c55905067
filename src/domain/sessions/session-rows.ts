import type { RowOf } from '../../platform/database/statement.js';
import type { Session } from './session.js';

export const SESSION_COLUMNS = {
  id: 'uuid',
  account_id: 'uuid',
  authenticated_at: 'timestamptz',
  amr: 'text[]',
  created_at: 'timestamptz',
  last_seen_at: 'timestamptz',
  expires_at: 'timestamptz',
  address: 'text?',
  user_agent: 'text?',
  terminated_at: 'timestamptz?',
  termination_id: 'uuid?',
} as const;

/** The {@link SESSION_COLUMNS} of the session `s`. An upstream may have said when it asked the person. */
export const SESSION_SELECTED = `s.id, s.account_id, coalesce(s.upstream_auth_time, s.authenticated_at) AS authenticated_at,
           s.amr, s.created_at, s.last_seen_at, s.expires_at, s.address, s.user_agent, s.terminated_at, s.termination_id`;

export function toSession(row: Readonly<RowOf<typeof SESSION_COLUMNS>>): Session {
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
