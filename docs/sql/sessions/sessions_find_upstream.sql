-- sessions_find_upstream, declared in src/domain/sessions/session.repository.ts
-- parameters:
--   accountId uuid
--   sessionId uuid
-- row:
--   upstream_id uuid
--   issuer text
--   sub text
--   sid text, may be null
--   id_token text

SELECT upstream_id, issuer, sub, sid, id_token FROM session_upstreams
 WHERE account_id = :accountId AND session_id = :sessionId ORDER BY authenticated_at DESC LIMIT 1;
