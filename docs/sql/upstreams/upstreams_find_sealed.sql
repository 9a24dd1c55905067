-- upstreams_find_sealed, declared in src/domain/upstreams/upstream.repository.ts
-- parameters:
--   prefix text
--   after text
-- row:
--   id text
--   sealed text

SELECT concat_ws(E'\n', t.id) AS id, t.client_secret AS sealed FROM upstreams t
 WHERE t.client_secret IS NOT NULL AND NOT starts_with(t.client_secret, :prefix) AND concat_ws(E'\n', t.id) > :after
 ORDER BY 1 LIMIT 500 FOR UPDATE;
