-- logout_remove_old_attempts, declared in src/domain/logout/notices/delivery-ledger.repository.ts
-- parameters:
--   before timestamptz
-- row:
--   removed int

DELETE FROM logout_delivery_attempts WHERE started_at < :before AND started_at = ANY(ARRAY(
  SELECT x.started_at FROM logout_delivery_attempts x WHERE x.started_at < :before AND true ORDER BY x.started_at LIMIT 1000))
RETURNING 1 AS removed;
