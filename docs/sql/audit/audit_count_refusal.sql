-- audit_count_refusal, declared in src/platform/audit/audit-log.ts
-- parameters:
--   id uuid
--   at timestamptz
--   event text
--   details jsonb
--   count int
--   until text
--   key bytea

INSERT INTO audit_events (id, at, event, outcome, details, refusal_key)
VALUES (:id, :at, :event, 'refused', CASE WHEN :count > 1 THEN :details || jsonb_build_object('count', :count) ELSE :details END, :key)
ON CONFLICT (refusal_key) WHERE refusal_key IS NOT NULL DO UPDATE SET details = audit_events.details || jsonb_build_object(
  'count', coalesce((audit_events.details ->> 'count')::int, 1) + :count, 'until', :until);
