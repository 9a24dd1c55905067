-- logout_days_held, declared in src/domain/logout/receipts/unfinished.sql.ts
-- parameters:
--   from timestamptz
--   to timestamptz
-- row:
--   held boolean

SELECT EXISTS (SELECT 1 FROM logout_receipts_owed o
                WHERE o.termination_id >= (lpad(to_hex((extract(epoch FROM :from) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid AND o.termination_id < (lpad(to_hex((extract(epoch FROM :to) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid)
    OR EXISTS (SELECT 1 FROM logout_deliveries d WHERE d.state = 'pending'
                  AND d.termination_id >= (lpad(to_hex((extract(epoch FROM :from) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid AND d.termination_id < (lpad(to_hex((extract(epoch FROM :to) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid) AS held;
