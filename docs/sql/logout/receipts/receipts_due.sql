-- receipts_due, declared in src/domain/logout/receipts/receipt.repository.ts
-- parameters:
--   terminationIds uuid[]
--   limit int
-- row:
--   id uuid
--   cause text
--   initiator text
--   account_id uuid, may be null
--   sessions int
--   grants_revoked int
--   occurred_at timestamptz
--   without_notice jsonb
--   applications json, may be null
--   superseded bigint, may be null
--   revision int, may be null

SELECT t.id, t.cause, t.initiator ->> 'kind' AS initiator, t.account_id, t.sessions, t.grants_revoked, t.occurred_at,
       t.without_notice, a.applications, r.sequence AS superseded, r.revision
  FROM session_terminations t
  LEFT JOIN LATERAL (
    SELECT json_agg(json_build_object('client_id', g.client_id, 'outcome', g.state, 'notices', g.notices,
                                      'attempts', g.attempts, 'finished_at', g.finished_at) ORDER BY g.client_id, g.state) AS applications
      FROM (SELECT d.client_id, d.state, count(*) AS notices, sum(d.attempts) AS attempts, max(d.finished_at) AS finished_at
              FROM logout_deliveries d WHERE d.termination_id = t.id GROUP BY d.client_id, d.state) g
  ) a ON true
  LEFT JOIN LATERAL (
    SELECT x.sequence, x.revision FROM logout_receipts x WHERE x.termination_id = t.id ORDER BY x.revision DESC LIMIT 1
  ) r ON true
 WHERE t.id = ANY(:terminationIds) AND t.receipted_at IS NULL
   AND NOT EXISTS (SELECT 1 FROM logout_deliveries d WHERE d.termination_id = t.id AND d.state = 'pending')
 ORDER BY t.id LIMIT :limit FOR NO KEY UPDATE OF t SKIP LOCKED;
