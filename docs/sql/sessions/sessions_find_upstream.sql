-- sessions_find_upstream, declared in src/domain/sessions/session.repository.ts
-- parameters:
--   sessionId uuid
-- row:
--   upstream_id uuid
--   issuer text
--   sub text
--   sid text, may be null
--   id_token text

SELECT upstream_id, issuer, sub, sid, id_token FROM session_upstreams
 WHERE session_id = :sessionId ORDER BY authenticated_at DESC LIMIT 1;
