-- change_feed_notify, declared in src/platform/database/change-feed.ts
-- parameters:
--   payload text
-- row:
--   pg_notify void

SELECT pg_notify('exeunt_changes', :payload);
