-- clients_lock_administrators, declared in src/domain/clients/administrators.sql.ts
-- parameters:
--   lock bigint
-- row:
--   pg_advisory_xact_lock void

SELECT pg_advisory_xact_lock(:lock);
