-- logout_orders_counted, declared in src/domain/logout/orders/logout-order-work.repository.ts
-- parameters:
--   id uuid
--   counted int
--   cursor text, may be null
--   finished boolean

UPDATE logout_orders SET state = 'running', counted = counted + :counted,
       total = CASE WHEN :finished THEN counted + :counted END, cursor = CASE WHEN NOT :finished THEN :cursor END WHERE id = :id;
