import { recordEvents } from '../../../platform/audit/audit.sql.js';

/**
 * CTE `audited`: the terminations that `source`, an INSERT with `RETURNING *`, has just written are in the audit log, in
 * the same statement and under the same id. Names of causes and counts; who asked by kind, since the termination says
 * the rest.
 */
export function auditTerminations(source: string): string {
  return recordEvents(
    'audited',
    'session_termination',
    `SELECT r.id, r.occurred_at AS at,
            jsonb_build_object('termination_id', r.id, 'cause', r.cause, 'initiator', r.initiator ->> 'kind',
                               'sessions', r.sessions, 'grants_revoked', r.grants_revoked, 'deliveries', r.deliveries) AS details
       FROM ${source} r`,
  );
}
