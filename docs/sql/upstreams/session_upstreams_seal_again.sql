-- session_upstreams_seal_again, declared in src/domain/upstreams/upstream-links.service.ts
-- ends something: its commit waits for what LOGOUT_DURABILITY says
-- parameters:
--   ids text[]
--   sealed text[]
--   again text[]

UPDATE session_upstreams t SET id_token = x.again FROM unnest(:ids, :sealed, :again) AS x(id, sealed, again)
 WHERE concat_ws(E'\n', t.account_id, t.session_id, t.issuer) = x.id AND t.id_token = x.sealed;
