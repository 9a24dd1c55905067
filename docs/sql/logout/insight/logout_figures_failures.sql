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

SELECT d.id, d.termination_id, d.client_id, d.state, d.finished_at, d.last_error FROM logout_deliveries d
 WHERE d.finished_at > :since AND d.state IN ('rejected', 'abandoned') ORDER BY d.finished_at DESC LIMIT :limit;
