import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How a table that exists becomes one that is kept by day. */
interface ByDay {
  readonly table: string;
  /** The column that says the day: an id of version 7, or a time. */
  readonly key: string;
  readonly primaryKey: string;
  readonly checks?: readonly string[];
  readonly indexes: readonly string[];
}

const TERMINATIONS: ByDay = {
  table: 'session_terminations',
  key: 'id',
  primaryKey: '"id"',
  indexes: [`CREATE INDEX "session_terminations_account_id_idx" ON "session_terminations" ("account_id", "id")`],
};
const AUDIT: ByDay = {
  table: 'audit_events',
  key: 'id',
  primaryKey: '"id"',
  checks: [`CONSTRAINT "audit_events_outcome_check" CHECK (outcome IN ('done', 'refused', 'failed'))`],
  indexes: [
    `CREATE INDEX "audit_events_event_idx" ON "audit_events" ("event", "id")`,
    `CREATE INDEX "audit_events_refusal_key_idx" ON "audit_events" ("refusal_key", "id") WHERE refusal_key IS NOT NULL`,
    `CREATE INDEX "audit_events_refused_idx" ON "audit_events" ("id") WHERE outcome = 'refused'`,
  ],
};
const DELIVERED: ByDay = {
  table: 'logout_delivered',
  key: 'termination_id',
  primaryKey: '"termination_id", "id"',
  indexes: [
    `CREATE INDEX "logout_delivered_client_id_idx" ON "logout_delivered" ("client_id", "termination_id", "id")`,
    `CREATE INDEX "logout_delivered_finished_at_idx" ON "logout_delivered" ("finished_at", "client_id", "created_at")`,
    `CREATE INDEX "logout_delivered_random_id_idx" ON "logout_delivered" ("id") WHERE random_id`,
  ],
};
const ATTEMPTS: ByDay = {
  table: 'logout_delivery_attempts',
  key: 'started_at',
  primaryKey: '"delivery_id", "number", "started_at"',
  indexes: [`CREATE INDEX "logout_delivery_attempts_started_at_idx" ON "logout_delivery_attempts" ("started_at")`],
};
const RECEIPTS: ByDay = {
  table: 'logout_receipts',
  key: 'issued_at',
  primaryKey: '"sequence", "issued_at"',
  indexes: [`CREATE INDEX "logout_receipts_termination_id_idx" ON "logout_receipts" ("termination_id", "revision")`],
};
const ALL = [TERMINATIONS, AUDIT, DELIVERED, ATTEMPTS, RECEIPTS];

/**
 * What is history becomes tables that are kept by day, so that a day goes by dropping it. What is there becomes the
 * first partition as it stands. Notices that were not accepted are in a table of their own, and so are the receipts that
 * are owed: what changes is small, and what is history is never changed.
 */
export class KeepLedgerByDay1795347000003 implements MigrationInterface {
  name = 'KeepLedgerByDay1795347000003';

  public async up(queryRunner: QueryRunner): Promise<void> {
    const run = (text: string): Promise<unknown> => queryRunner.query(text);

    await run(`
            CREATE TABLE "logout_receipts_owed" (
                "termination_id" uuid NOT NULL,
                "since" TIMESTAMP WITH TIME ZONE NOT NULL,
                CONSTRAINT "logout_receipts_owed_pkey" PRIMARY KEY ("termination_id")
            )
        `);
    await run(`
            INSERT INTO "logout_receipts_owed" ("termination_id", "since")
            SELECT "id", "occurred_at" FROM "session_terminations" WHERE "receipted_at" IS NULL
        `);
    await run(`
            CREATE TABLE "logout_delivery_buckets" (
                "bucket" integer NOT NULL,
                "leased_by" uuid,
                "leased_until" TIMESTAMP WITH TIME ZONE NOT NULL,
                CONSTRAINT "logout_delivery_buckets_pkey" PRIMARY KEY ("bucket")
            )
        `);
    await run(`
            INSERT INTO "logout_delivery_buckets" ("bucket", "leased_until")
            SELECT b, '2000-01-01T00:00:00Z' FROM generate_series(0, 15) b
        `);

    await run(`ALTER TABLE "logout_delivery_attempts" DROP CONSTRAINT "logout_delivery_attempts_delivery_id_fkey"`);
    await run(`ALTER TABLE "logout_delivery_attempts" DROP CONSTRAINT "logout_delivery_attempts_pkey"`);
    await this.partDeliveries(run);

    await run(`DROP INDEX "session_terminations_account_id_idx", "session_terminations_occurred_at_idx"`);
    await run(`ALTER TABLE "session_terminations" DROP COLUMN "receipted_at"`);
    await run(`DROP INDEX "audit_events_at_idx", "audit_events_event_idx", "audit_events_refusal_key_idx"`);
    await run(`DROP INDEX "logout_receipts_termination_id_revision_key"`);
    await run(`ALTER TABLE "logout_receipts" DROP CONSTRAINT "logout_receipts_pkey"`);
    for (const table of ALL) await keepByDay(queryRunner, table);
  }

  /** Delivered notices stay where they are, under another name; the others move to a new table. */
  private async partDeliveries(run: (text: string) => Promise<unknown>): Promise<void> {
    for (const name of ['termination_id_fkey', 'client_id_fkey', 'order_id_fkey'])
      await run(`ALTER TABLE "logout_deliveries" DROP CONSTRAINT "logout_deliveries_${name}"`);
    await run(`ALTER TABLE "logout_deliveries" RENAME TO "logout_delivered"`);
    await run(`ALTER TABLE "logout_delivered" DROP CONSTRAINT "logout_deliveries_pkey"`);
    await run(`
            CREATE TABLE "logout_deliveries" (
                "id" uuid NOT NULL,
                "termination_id" uuid NOT NULL,
                "client_id" text NOT NULL,
                "account_id" uuid,
                "bucket" integer NOT NULL DEFAULT '0',
                "cause" text NOT NULL,
                "sub" text NOT NULL,
                "sid" text,
                "state" text NOT NULL,
                "attempts" integer NOT NULL DEFAULT '0',
                "next_attempt_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "claimed_until" TIMESTAMP WITH TIME ZONE,
                "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "resent_at" TIMESTAMP WITH TIME ZONE,
                "ages_from" TIMESTAMP WITH TIME ZONE,
                "finished_at" TIMESTAMP WITH TIME ZONE,
                "order_id" uuid,
                "last_error" text,
                CONSTRAINT "logout_deliveries_state_check" CHECK (state IN ('pending', 'rejected', 'abandoned')),
                CONSTRAINT "logout_deliveries_pkey" PRIMARY KEY ("id")
            )
        `);
    await run(`
            INSERT INTO "logout_deliveries" (id, termination_id, client_id, account_id, bucket, cause, sub, sid, state, attempts,
                next_attempt_at, claimed_until, created_at, resent_at, ages_from, finished_at, order_id, last_error)
            SELECT d.id, d.termination_id, d.client_id, x.account_id, coalesce(get_byte(uuid_send(x.account_id), 15) & 15, 0), t.cause,
                   d.sub, d.sid, d.state, d.attempts, d.next_attempt_at, d.claimed_until, d.created_at, d.resent_at, d.ages_from,
                   d.finished_at, d.order_id, d.last_error
              FROM "logout_delivered" d JOIN "session_terminations" t ON t.id = d.termination_id
             CROSS JOIN LATERAL (SELECT CASE WHEN d.sub ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN d.sub::uuid END AS account_id) x
             WHERE d.state IN ('pending', 'rejected', 'abandoned')
        `);
    await run(`DELETE FROM "logout_delivered" WHERE state IN ('pending', 'rejected', 'abandoned')`);
    for (const index of ['client_id', 'termination_id', 'created_at', 'finished_at'])
      await run(`DROP INDEX "logout_deliveries_${index}_idx"`);
    for (const column of ['state', 'next_attempt_at', 'claimed_until', 'ages_from', 'order_id', 'last_error'])
      await run(`ALTER TABLE "logout_delivered" DROP COLUMN "${column}"`);
    await run(`
            ALTER TABLE "logout_delivered"
            ADD "account_id" uuid,
            ADD "jti" text,
            ADD "started_at" TIMESTAMP WITH TIME ZONE,
            ADD "duration_ms" integer,
            ADD "status" integer,
            ADD "random_id" boolean NOT NULL DEFAULT true
        `);
    await run(`ALTER TABLE "logout_delivered" ALTER COLUMN "random_id" SET DEFAULT false`);
    await run(`CREATE INDEX "logout_deliveries_termination_id_idx" ON "logout_deliveries" ("termination_id", "id")`);
    await run(`
            CREATE INDEX "logout_deliveries_client_due_idx" ON "logout_deliveries" ("client_id", "bucket", "next_attempt_at")
            WHERE state = 'pending'
        `);
    await run(`
            CREATE INDEX "logout_deliveries_pending_idx" ON "logout_deliveries" ("created_at", "client_id")
            WHERE state = 'pending'
        `);
    await run(`
            CREATE INDEX "logout_deliveries_dead_idx" ON "logout_deliveries" ("client_id", "termination_id", "id")
            WHERE state IN ('rejected', 'abandoned')
        `);
    await run(`
            CREATE INDEX "logout_deliveries_died_at_idx" ON "logout_deliveries" ("finished_at", "state", "client_id")
            WHERE state IN ('rejected', 'abandoned')
        `);
    await run(`
            CREATE INDEX "logout_deliveries_order_idx" ON "logout_deliveries" ("order_id", "state", "next_attempt_at")
            WHERE order_id IS NOT NULL
        `);
  }

  /** A table as large as the ledger is copied: what is kept by day can not be one table again without it. */
  public async down(queryRunner: QueryRunner): Promise<void> {
    const run = (text: string): Promise<unknown> => queryRunner.query(text);
    for (const { table } of ALL) await makePlain(queryRunner, table);

    await run(`ALTER TABLE "logout_receipts" ADD CONSTRAINT "logout_receipts_pkey" PRIMARY KEY ("sequence")`);
    await run(`
            CREATE UNIQUE INDEX "logout_receipts_termination_id_revision_key" ON "logout_receipts" ("termination_id", "revision")
        `);
    await run(`ALTER TABLE "audit_events" ADD CONSTRAINT "audit_events_pkey" PRIMARY KEY ("id")`);
    await run(`
            ALTER TABLE "audit_events"
            ADD CONSTRAINT "audit_events_outcome_check" CHECK (outcome IN ('done', 'refused', 'failed'))
        `);
    await run(`CREATE INDEX "audit_events_event_idx" ON "audit_events" ("event", "id")`);
    await run(`CREATE INDEX "audit_events_at_idx" ON "audit_events" ("at", "id")`);
    await run(`
            UPDATE "audit_events" a SET refusal_key = NULL
             WHERE EXISTS (SELECT 1 FROM "audit_events" x WHERE x.refusal_key = a.refusal_key AND x.id < a.id)
        `);
    await run(`
            CREATE UNIQUE INDEX "audit_events_refusal_key_idx" ON "audit_events" ("refusal_key") WHERE refusal_key IS NOT NULL
        `);
    await run(`ALTER TABLE "session_terminations" ADD CONSTRAINT "session_terminations_pkey" PRIMARY KEY ("id")`);
    await run(`ALTER TABLE "session_terminations" ADD "receipted_at" TIMESTAMP WITH TIME ZONE`);
    await run(`
            UPDATE "session_terminations" t SET receipted_at = (SELECT max(r.issued_at) FROM "logout_receipts" r WHERE r.termination_id = t.id)
             WHERE NOT EXISTS (SELECT 1 FROM "logout_receipts_owed" o WHERE o.termination_id = t.id)
        `);
    await run(`CREATE INDEX "session_terminations_account_id_idx" ON "session_terminations" ("account_id")`);
    await run(`CREATE INDEX "session_terminations_occurred_at_idx" ON "session_terminations" ("occurred_at", "id")`);
    await run(`
            CREATE INDEX "session_terminations_unreceipted_idx" ON "session_terminations" ("id") WHERE receipted_at IS NULL
        `);
    await this.joinDeliveries(run);
    await run(`DROP TABLE "logout_delivery_buckets"`);
    await run(`DROP TABLE "logout_receipts_owed"`);
  }

  private async joinDeliveries(run: (text: string) => Promise<unknown>): Promise<void> {
    await run(`
            ALTER TABLE "logout_delivery_attempts"
            ADD CONSTRAINT "logout_delivery_attempts_pkey" PRIMARY KEY ("delivery_id", "number")
        `);
    await run(`
            INSERT INTO "logout_delivery_attempts" (delivery_id, number, jti, started_at, duration_ms, status)
            SELECT id, attempts, jti, started_at, duration_ms, status FROM "logout_delivered" WHERE jti IS NOT NULL
            ON CONFLICT (delivery_id, number) DO NOTHING
        `);
    for (const index of ['termination_id', 'client_due', 'pending', 'dead', 'died_at', 'order'])
      await run(`DROP INDEX "logout_deliveries_${index}_idx"`);
    await run(`ALTER TABLE "logout_deliveries" DROP CONSTRAINT "logout_deliveries_state_check"`);
    await run(`
            INSERT INTO "logout_deliveries" (id, termination_id, client_id, cause, sub, sid, state, attempts, next_attempt_at, created_at,
                resent_at, finished_at)
            SELECT id, termination_id, client_id, '', sub, sid, 'delivered', attempts, finished_at, created_at, resent_at, finished_at
              FROM "logout_delivered"
        `);
    await run(`DROP TABLE "logout_delivered"`);
    await run(`
            ALTER TABLE "logout_deliveries"
            DROP COLUMN "account_id",
            DROP COLUMN "bucket",
            DROP COLUMN "cause",
            ADD CONSTRAINT "logout_deliveries_state_check" CHECK (state IN ('pending', 'delivered', 'rejected', 'abandoned'))
        `);
    await run(`
            DELETE FROM "logout_deliveries" d WHERE NOT EXISTS (SELECT 1 FROM "clients" c WHERE c.client_id = d.client_id)
                OR NOT EXISTS (SELECT 1 FROM "session_terminations" t WHERE t.id = d.termination_id)
        `);
    await run(`
            DELETE FROM "logout_delivery_attempts" a WHERE NOT EXISTS (SELECT 1 FROM "logout_deliveries" d WHERE d.id = a.delivery_id)
        `);
    await run(`
            ALTER TABLE "logout_delivery_attempts"
            ADD CONSTRAINT "logout_delivery_attempts_delivery_id_fkey" FOREIGN KEY ("delivery_id") REFERENCES "logout_deliveries"("id") ON DELETE CASCADE ON UPDATE NO ACTION
        `);
    await run(`
            ALTER TABLE "logout_deliveries"
            ADD CONSTRAINT "logout_deliveries_termination_id_fkey" FOREIGN KEY ("termination_id") REFERENCES "session_terminations"("id") ON DELETE CASCADE ON UPDATE NO ACTION,
            ADD CONSTRAINT "logout_deliveries_client_id_fkey" FOREIGN KEY ("client_id") REFERENCES "clients"("client_id") ON DELETE CASCADE ON UPDATE NO ACTION,
            ADD CONSTRAINT "logout_deliveries_order_id_fkey" FOREIGN KEY ("order_id") REFERENCES "logout_orders"("id") ON DELETE NO ACTION ON UPDATE NO ACTION
        `);
    await run(`CREATE INDEX "logout_deliveries_created_at_idx" ON "logout_deliveries" ("created_at", "id")`);
    await run(`CREATE INDEX "logout_deliveries_termination_id_idx" ON "logout_deliveries" ("termination_id")`);
    await run(
      `CREATE INDEX "logout_deliveries_client_id_idx" ON "logout_deliveries" ("client_id", "created_at", "id")`,
    );
    await run(`
            CREATE INDEX "logout_deliveries_client_due_idx" ON "logout_deliveries" ("client_id", "next_attempt_at") WHERE state = 'pending'
        `);
    await run(`
            CREATE INDEX "logout_deliveries_dead_idx" ON "logout_deliveries" ("created_at", "id") WHERE state IN ('rejected', 'abandoned')
        `);
    await run(`
            CREATE INDEX "logout_deliveries_finished_at_idx" ON "logout_deliveries" ("finished_at", "state", "client_id", "created_at")
            WHERE finished_at IS NOT NULL
        `);
    await run(`
            CREATE INDEX "logout_deliveries_pending_idx" ON "logout_deliveries" ("created_at", "client_id") WHERE state = 'pending'
        `);
    await run(`
            CREATE INDEX "logout_deliveries_order_idx" ON "logout_deliveries" ("order_id", "state", "next_attempt_at")
            WHERE order_id IS NOT NULL
        `);
  }
}

/** The rows that are there become the first partition; it ends with tomorrow, or with the latest of them. */
async function keepByDay(queryRunner: QueryRunner, byDay: ByDay): Promise<void> {
  const { table, key } = byDay;
  const before = `${table}_before`;
  const run = (text: string): Promise<unknown> => queryRunner.query(text);
  await run(`ALTER TABLE "${table}" RENAME TO "${before}"`);
  const own = (await run(`
            SELECT conname FROM pg_constraint WHERE conrelid = '"${before}"'::regclass AND contype = 'p'
        `)) as readonly { readonly conname: string }[];
  for (const { conname } of own) await run(`ALTER INDEX "${conname}" RENAME TO "${before}_pkey"`);
  await run(`CREATE TABLE "${table}" (LIKE "${before}" INCLUDING DEFAULTS) PARTITION BY RANGE ("${key}")`);
  await run(`ALTER TABLE "${table}" ADD CONSTRAINT "${table}_pkey" PRIMARY KEY (${byDay.primaryKey})`);
  for (const check of byDay.checks ?? []) await run(`ALTER TABLE "${table}" ADD ${check}`);
  for (const index of byDay.indexes) await run(index);
  const [latest] = (await run(
    `SELECT "${key}"::text AS key FROM "${before}" ORDER BY "${before}"."${key}" DESC LIMIT 1`,
  )) as readonly {
    readonly key: string;
  }[];
  if (latest === undefined) await run(`DROP TABLE "${before}"`);
  else
    await run(
      `ALTER TABLE "${table}" ATTACH PARTITION "${before}" FOR VALUES FROM (MINVALUE) TO ('${endAfter(latest.key)}')`,
    );
  await run(`CREATE TABLE "${table}_other" PARTITION OF "${table}" DEFAULT`);
}

const DAY_MS = 86_400_000;

/** The midnight, in UTC, after tomorrow or after the day of `key`: as an id where `key` is one. */
function endAfter(key: string): string {
  const isId = /^[0-9a-f]{8}-/.test(key);
  const latest = isId ? Number.parseInt(key.slice(0, 13).replace('-', ''), 16) : Date.parse(key);
  const end = (Math.floor(Math.max(latest, Date.now() + DAY_MS) / DAY_MS) + 1) * DAY_MS;
  const hex = end.toString(16).padStart(12, '0');
  return isId ? `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000` : new Date(end).toISOString();
}

async function makePlain(queryRunner: QueryRunner, table: string): Promise<void> {
  await queryRunner.query(`ALTER TABLE "${table}" RENAME TO "${table}_by_day"`);
  await queryRunner.query(`CREATE TABLE "${table}" (LIKE "${table}_by_day" INCLUDING DEFAULTS)`);
  await queryRunner.query(`INSERT INTO "${table}" SELECT * FROM "${table}_by_day"`);
  await queryRunner.query(`DROP TABLE "${table}_by_day"`);
}
