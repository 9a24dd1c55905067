-- session_upstreams_find_sealed, declared in src/domain/upstreams/upstream-links.service.ts
-- parameters:
--   prefix text
--   after text
-- row:
--   id text
--   sealed text

SELECT concat_ws(E'\n', t.account_id, t.session_id, t.issuer) AS id, t.id_token AS sealed FROM session_upstreams t
 WHERE t.id_token IS NOT NULL AND NOT starts_with(t.id_token, :prefix) AND concat_ws(E'\n', t.account_id, t.session_id, t.issuer) > :after
 ORDER BY 1 LIMIT 500 FOR UPDATE;
