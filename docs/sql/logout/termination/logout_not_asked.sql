-- logout_not_asked, declared in src/domain/logout/termination/termination-record.repository.ts
-- parameters:
--   id uuid
--   clientIds text[]
--   now timestamptz
-- row:
--   count bigint

WITH changed AS (
  UPDATE session_terminations t SET without_notice = (
    SELECT jsonb_agg(CASE WHEN w.item ->> 'state' = 'asked' AND w.item ->> 'client_id' = ANY(:clientIds)
                          THEN w.item || '{"state": "not_told", "reason": "frontchannel_uri_refused"}' ELSE w.item END ORDER BY w.place)
      FROM jsonb_array_elements(t.without_notice) WITH ORDINALITY AS w(item, place))
   WHERE t.id = :id AND jsonb_array_length(t.without_notice) > 0
  RETURNING t.id
),
ended AS (SELECT c.id AS termination_id, :now AS resent_at FROM changed c),
 reopened AS (
   INSERT INTO logout_receipts_owed AS o (termination_id, since)
   SELECT DISTINCT e.termination_id, :now FROM ended e WHERE e.resent_at IS NOT NULL ORDER BY e.termination_id
   ON CONFLICT (termination_id) DO UPDATE SET since = least(o.since, excluded.since)
 )
SELECT count(*) FROM ended;
