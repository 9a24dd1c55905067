-- logout_figures_failures, declared in src/domain/logout/insight/delivery-figures.service.ts
-- parameters:
--   since timestamptz
--   limit int
-- row:
--   id uuid
--   termination_id uuid
--   client_id text
--   state text
--   finished_at timestamptz
--   last_error text, may be null

SELECT d.id, d.termination_id, d.client_id, d.state, d.finished_at, d.last_error
  FROM ((SELECT id, termination_id, client_id, state, finished_at, last_error FROM logout_deliveries WHERE state = 'rejected' AND finished_at > :since ORDER BY finished_at DESC LIMIT (SELECT :limit)) UNION ALL (SELECT id, termination_id, client_id, state, finished_at, last_error FROM logout_deliveries WHERE state = 'abandoned' AND finished_at > :since ORDER BY finished_at DESC LIMIT (SELECT :limit))) d
 ORDER BY d.finished_at DESC LIMIT :limit;
