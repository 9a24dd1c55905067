-- logout_figures_ended, declared in src/domain/logout/insight/delivery-figures.service.ts
-- parameters:
--   since timestamptz
--   limit int
-- row:
--   state text
--   count int

SELECT d.state, count(*)::int AS count FROM (
  SELECT state FROM logout_deliveries WHERE finished_at > :since ORDER BY finished_at DESC LIMIT :limit
) d GROUP BY d.state;
