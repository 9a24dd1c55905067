-- sessions_before_routing_cookie, declared in src/domain/sessions/before-routing.ts
-- parameters:
--   cookieHash bytea
-- row:
--   account_id uuid

SELECT s.account_id FROM sessions s WHERE s.before_routing AND s.cookie_hash = :cookieHash;
