-- sessions_remember_upstream, declared in src/domain/sessions/session.repository.ts
-- parameters:
--   accountId uuid
--   sessionId uuid
--   issuer text
--   upstreamId uuid
--   sub text
--   sid text, may be null
--   idToken text
--   now timestamptz

INSERT INTO session_upstreams (account_id, session_id, issuer, upstream_id, sub, sid, id_token, authenticated_at, began_after_order)
VALUES (:accountId, :sessionId, :issuer, :upstreamId, :sub, :sid, :idToken, :now, (SELECT coalesce(max(o.number), 0) FROM logout_orders o))
ON CONFLICT (account_id, session_id, issuer) DO UPDATE
  SET upstream_id = excluded.upstream_id, sub = excluded.sub, sid = excluded.sid, id_token = excluded.id_token,
      authenticated_at = excluded.authenticated_at, began_after_order = excluded.began_after_order;
