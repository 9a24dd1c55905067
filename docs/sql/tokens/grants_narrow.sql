-- grants_narrow, declared in src/domain/tokens/grant.repository.ts
-- parameters:
--   clientId text
--   scope text[]

UPDATE grants g SET scope = (
  SELECT coalesce(string_agg(w.value, ' ' ORDER BY w.place), '')
    FROM unnest(string_to_array(g.scope, ' ')) WITH ORDINALITY w (value, place) WHERE w.value <> ALL (:scope))
 WHERE g.client_id = :clientId AND g.revoked_at IS NULL AND string_to_array(g.scope, ' ') && :scope;
