-- upstreams_seal_again, declared in src/domain/upstreams/upstream.repository.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- parameters:
--   ids text[]
--   sealed text[]
--   again text[]

UPDATE upstreams t SET client_secret = x.again FROM unnest(:ids, :sealed, :again) AS x(id, sealed, again)
 WHERE concat_ws(E'\n', t.id) = x.id AND t.client_secret = x.sealed;
