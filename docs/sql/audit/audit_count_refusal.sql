-- audit_count_refusal, declared in src/platform/audit/audit-log.ts
-- parameters:
--   id uuid
--   minute uuid
--   at timestamptz
--   event text
--   details jsonb
--   count int
--   until text
--   key bytea

WITH counted AS (
  UPDATE audit_events a SET details = a.details || jsonb_build_object(
           'count', coalesce((a.details ->> 'count')::int, 1) + :count, 'until', :until)
   WHERE a.id >= :minute AND a.id = (SELECT x.id FROM audit_events x WHERE x.refusal_key = :key AND x.id >= :minute ORDER BY x.id LIMIT 1)
  RETURNING 1
)
INSERT INTO audit_events (id, at, event, outcome, details, refusal_key)
SELECT :id, :at, :event, 'refused', CASE WHEN :count > 1 THEN :details || jsonb_build_object('count', :count) ELSE :details END, :key
 WHERE NOT EXISTS (SELECT 1 FROM counted);
