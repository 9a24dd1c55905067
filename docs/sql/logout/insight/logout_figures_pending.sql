-- logout_figures_pending, declared in src/domain/logout/insight/delivery-figures.service.ts
-- parameters:
--   limit int
-- row:
--   client_id text
--   count int
--   oldest timestamptz

SELECT d.client_id, count(*)::int AS count, min(d.created_at) AS oldest FROM (
  SELECT client_id, created_at FROM logout_deliveries WHERE state = 'pending' ORDER BY termination_id, id LIMIT (SELECT :limit)
) d GROUP BY d.client_id;
