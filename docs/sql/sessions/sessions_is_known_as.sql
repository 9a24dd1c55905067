-- sessions_is_known_as, declared in src/domain/sessions/session.repository.ts
-- parameters:
--   accountId uuid
--   sessionId uuid
--   clientId text
--   sid text
-- row:
--   found int

SELECT 1 AS found FROM session_clients
 WHERE account_id = :accountId AND session_id = :sessionId AND client_id = :clientId AND sid = :sid;
