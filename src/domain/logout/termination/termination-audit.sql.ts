import { recordEvents } from '../../../platform/audit/audit.sql.js';

/**
 * The terminations in `record`, an INSERT with `RETURNING *`, are in the audit log, in the same statement and under the
 * same id: CTE `audited`. Names of causes and counts; who asked by kind, since the termination says the rest.
 */
export const AUDIT_TERMINATIONS = recordEvents(
  'session_termination',
  `SELECT r.id, r.occurred_at AS at,
            jsonb_build_object('termination_id', r.id, 'cause', r.cause, 'initiator', r.initiator ->> 'kind',
                               'sessions', r.sessions, 'grants_revoked', r.grants_revoked, 'deliveries', r.deliveries) AS details
       FROM record r`,
  ['record'],
);
