-- receipts_standing, declared in src/domain/logout/receipts/receipts.service.ts
-- parameters:
--   terminationId uuid
-- row:
--   receipted boolean
--   occurred_at timestamptz
--   without_notice jsonb
--   applications json, may be null

SELECT t.receipted_at IS NOT NULL AS receipted, t.occurred_at, t.without_notice, a.applications FROM session_terminations t
  LEFT JOIN LATERAL (
    SELECT json_agg(json_build_object('clientId', g.client_id, 'state', g.state, 'notices', g.notices, 'attempts', g.attempts)
                    ORDER BY g.client_id, g.state) AS applications
      FROM (SELECT d.client_id, d.state, count(*) AS notices, sum(d.attempts) AS attempts
              FROM logout_deliveries d WHERE d.termination_id = t.id GROUP BY d.client_id, d.state) g
  ) a ON true
 WHERE t.id = :terminationId;
