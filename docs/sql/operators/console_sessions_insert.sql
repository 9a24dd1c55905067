-- console_sessions_insert, declared in src/domain/operators/console-session.repository.ts
-- parameters:
--   id uuid
--   clientId text
--   expiresAt timestamptz

INSERT INTO console_sessions (id, client_id, expires_at) VALUES (:id, :clientId, :expiresAt);
