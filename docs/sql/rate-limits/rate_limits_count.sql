-- rate_limits_count, declared in src/platform/rate-limits/rate-limit.repository.ts
-- parameters:
--   key text[]
--   points int[]
--   until bigint[]
--   now bigint
-- row:
--   place int
--   points int
--   until bigint, may be null

WITH x AS (
  SELECT * FROM unnest((SELECT :key), (SELECT :points), (SELECT :until)) WITH ORDINALITY x(key, points, until, place)
), summed AS (
  SELECT x.key, sum(x.points)::int AS points, max(x.until) AS until FROM x WHERE x.points <> 0 GROUP BY x.key
), counted AS (
  INSERT INTO rate_limits AS r (key, points, expire)
  SELECT s.key, s.points, s.until FROM summed s ORDER BY s.key
  ON CONFLICT (key) DO UPDATE
     SET points = CASE WHEN r.expire > :now THEN r.points ELSE 0 END + excluded.points,
         expire = CASE WHEN r.expire > :now THEN r.expire ELSE excluded.expire END
  RETURNING r.key, r.points, r.expire
)
SELECT x.place::int AS place,
       (coalesce(c.points - s.points, found.points, 0) + sum(x.points) OVER (PARTITION BY x.key ORDER BY x.place))::int AS points,
       coalesce(c.expire, found.expire) AS until
  FROM x
  LEFT JOIN summed s ON s.key = x.key
  LEFT JOIN counted c ON c.key = x.key
  LEFT JOIN LATERAL (
    SELECT r.points, r.expire FROM rate_limits r WHERE r.key = x.key AND r.expire > :now AND s.key IS NULL OFFSET 0
  ) found ON true;
