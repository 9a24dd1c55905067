-- upstreams_store_metadata, declared in src/domain/upstreams/upstream.repository.ts
-- parameters:
--   id uuid
--   issuer text
--   metadata jsonb
--   at timestamptz

UPDATE upstreams SET metadata = :metadata, metadata_at = :at WHERE id = :id AND issuer = :issuer;
