-- logout_deliveries_hasten, declared in src/domain/logout/notices/redelivery.repository.ts
-- parameters:
--   now timestamptz
--   clientId text
--   limit int

UPDATE logout_deliveries d SET next_attempt_at = :now
 WHERE d.state = 'pending' AND d.id = ANY(ARRAY(
   SELECT p.id FROM (SELECT * FROM logout_deliveries x WHERE x.state = (SELECT 'pending') AND x.client_id = :clientId
                      ORDER BY x.termination_id, x.id LIMIT (SELECT :limit)) p
    WHERE p.next_attempt_at > :now AND p.next_attempt_at < '9999-12-31T00:00:00Z'::timestamptz)) AND (d.claimed_until IS NULL OR d.claimed_until <= :now) AND (d.attempts > 0 OR d.next_attempt_at <= :now);
