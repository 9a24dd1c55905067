-- audit_insert, declared in src/platform/audit/audit-log.ts
-- parameters:
--   id uuid
--   at timestamptz
--   event text
--   outcome text
--   details jsonb

INSERT INTO audit_events (id, at, event, outcome, details) VALUES (:id, :at, :event, :outcome, :details);
