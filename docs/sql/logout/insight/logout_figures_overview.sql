-- logout_figures_overview, declared in src/domain/logout/insight/delivery-figures.service.ts
-- parameters:
--   since timestamptz
--   limit int
-- row:
--   client_id text, may be null
--   hour timestamptz, may be null
--   state text
--   count int
--   seconds float8[]

WITH recent AS (
  SELECT d.state, d.client_id, date_bin('1 hour', d.finished_at, TIMESTAMPTZ '2000-01-01 00:00Z') AS hour,
         extract(epoch FROM d.finished_at - d.created_at)::float8 AS seconds
    FROM (
  (SELECT 'delivered' AS state, client_id, created_at, finished_at FROM logout_delivered
    WHERE finished_at > :since ORDER BY finished_at DESC LIMIT :limit)
   UNION ALL
  (SELECT state, client_id, created_at, finished_at FROM logout_deliveries
    WHERE state IN ('rejected', 'abandoned') AND finished_at > :since ORDER BY finished_at DESC LIMIT :limit)) d
)
SELECT client_id, hour, state, count(*)::int AS count,
       percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY seconds) AS seconds
  FROM recent GROUP BY GROUPING SETS ((state), (client_id, state), (hour, state));
