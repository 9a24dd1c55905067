-- logout_figures_ended, declared in src/domain/logout/insight/delivery-figures.service.ts
-- parameters:
--   since timestamptz
--   oldest uuid
--   limit int
-- row:
--   state text
--   count int

SELECT d.state, count(*)::int AS count FROM ((SELECT 'delivered' AS state, client_id, created_at, finished_at FROM logout_delivered
          WHERE termination_id >= :oldest AND finished_at > :since ORDER BY finished_at DESC LIMIT (SELECT :limit))
        UNION ALL (SELECT state, client_id, created_at, finished_at FROM logout_deliveries WHERE state = 'rejected' AND finished_at > :since ORDER BY finished_at DESC LIMIT (SELECT :limit)) UNION ALL (SELECT state, client_id, created_at, finished_at FROM logout_deliveries WHERE state = 'abandoned' AND finished_at > :since ORDER BY finished_at DESC LIMIT (SELECT :limit))) d GROUP BY d.state;
