-- pushed_requests_use, declared in src/domain/interactions/pushed-request.repository.ts
-- parameters:
--   pushedHash bytea
--   now timestamptz
-- row:
--   id_hash bytea

WITH one AS (SELECT 1),
 used AS (
   UPDATE pushed_requests p SET used_at = :now FROM one
    WHERE p.id_hash = :pushedHash AND p.used_at IS NULL RETURNING p.id_hash
 )
SELECT id_hash FROM used;
