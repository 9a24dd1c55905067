-- upstream_logout_tokens_ended_since, declared in src/domain/upstreams/upstream-logout-token.repository.ts
-- parameters:
--   issuer text
--   sub text, may be null
--   sid text, may be null
--   issuedAt bigint
-- row:
--   found int

SELECT 1 AS found FROM upstream_logout_tokens t
 WHERE t.issuer = :issuer
   AND ((t.sid = :sid AND (t.sub IS NULL OR t.sub = :sub))
        OR ((t.sid IS NULL OR :sid IS NULL) AND t.sub = :sub AND t.issued_at >= to_timestamp(:issuedAt)))
 LIMIT 1;
