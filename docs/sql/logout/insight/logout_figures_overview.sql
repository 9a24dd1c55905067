-- logout_figures_overview, declared in src/domain/logout/insight/delivery-figures.service.ts
-- parameters:
--   now timestamptz
--   since timestamptz
--   oldest uuid
--   limit int
-- row:
--   client_id text, may be null
--   hour timestamptz, may be null
--   state text
--   count int
--   seconds float8[]

WITH hours AS MATERIALIZED (
  SELECT date_bin('1 hour', :now, TIMESTAMPTZ '2000-01-01 00:00Z') - make_interval(hours => n) AS hour FROM generate_series(0, 24) n
), recent AS MATERIALIZED (
  SELECT d.state, d.client_id, h.hour, extract(epoch FROM d.finished_at - d.created_at)::float8 AS seconds
    FROM hours h CROSS JOIN LATERAL (
       (SELECT 'delivered' AS state, client_id, created_at, finished_at FROM logout_delivered
          WHERE termination_id >= :oldest AND finished_at > :since AND finished_at >= h.hour AND finished_at < h.hour + interval '1 hour' ORDER BY finished_at DESC LIMIT (SELECT :limit))
        UNION ALL (SELECT state, client_id, created_at, finished_at FROM logout_deliveries WHERE state = 'rejected' AND finished_at > :since AND finished_at >= h.hour AND finished_at < h.hour + interval '1 hour' ORDER BY finished_at DESC LIMIT (SELECT :limit)) UNION ALL (SELECT state, client_id, created_at, finished_at FROM logout_deliveries WHERE state = 'abandoned' AND finished_at > :since AND finished_at >= h.hour AND finished_at < h.hour + interval '1 hour' ORDER BY finished_at DESC LIMIT (SELECT :limit))
    ) d
)
SELECT client_id, hour, state, count(*)::int AS count,
       percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY seconds) AS seconds
  FROM recent GROUP BY GROUPING SETS ((state), (client_id, state), (hour, state));
