-- upstreams_find_metadata, declared in src/domain/upstreams/upstream.repository.ts
-- parameters:
--   id uuid
-- row:
--   metadata jsonb
--   metadata_at timestamptz

SELECT metadata, metadata_at FROM upstreams
 WHERE id = :id AND metadata IS NOT NULL AND metadata_at IS NOT NULL;
