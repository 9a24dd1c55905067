-- logout_list_terminations, declared in src/domain/logout/termination/termination-record.repository.ts
-- parameters:
--   cursor uuid, may be null
--   accountId uuid, may be null
--   cause text, may be null
--   id uuid, may be null
--   limit int
-- row:
--   id uuid
--   cause text
--   initiator jsonb
--   account_id uuid, may be null
--   sessions int
--   grants_revoked int
--   deliveries int
--   without_notice jsonb
--   occurred_at timestamptz
--   receipted boolean

SELECT t.id, t.cause, t.initiator, t.account_id, t.sessions, t.grants_revoked, t.deliveries, t.without_notice, t.occurred_at,
       NOT EXISTS (SELECT 1 FROM logout_receipts_owed o WHERE o.termination_id = t.id) AS receipted
  FROM session_terminations t
 WHERE (:cursor IS NULL OR t.id < :cursor) AND (:accountId IS NULL OR t.account_id = :accountId)
   AND (:cause IS NULL OR t.cause = :cause) AND (:id IS NULL OR t.id = :id)
 ORDER BY t.id DESC LIMIT (SELECT :limit);
