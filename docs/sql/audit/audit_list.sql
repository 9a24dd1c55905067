-- audit_list, declared in src/platform/audit/audit-log.ts
-- parameters:
--   cursor uuid, may be null
--   event text, may be null
--   outcome text, may be null
--   limit int
-- row:
--   id uuid
--   at timestamptz
--   event text
--   outcome text
--   details jsonb

SELECT id, at, event, outcome, details FROM audit_events
 WHERE (:cursor IS NULL OR id < :cursor) AND (:event IS NULL OR event = :event) AND (:outcome IS NULL OR outcome = :outcome)
 ORDER BY id DESC LIMIT :limit;
