import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AddLogoutOrders1795250000005 implements MigrationInterface {
  name = 'AddLogoutOrders1795250000005';

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            CREATE TABLE "logout_orders" (
                "id" uuid NOT NULL,
                "number" bigint NOT NULL,
                "target" text NOT NULL,
                "upstream_name" text,
                "reason" text,
                "notify_per_second" integer NOT NULL,
                "operator" text NOT NULL,
                "idempotency_key" text,
                "ordered_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "state" text NOT NULL,
                "phase" text NOT NULL,
                "cursor" text,
                "total" integer,
                "done" integer NOT NULL DEFAULT '0',
                "grants_revoked" integer NOT NULL DEFAULT '0',
                "deliveries" integer NOT NULL DEFAULT '0',
                "holds" boolean NOT NULL DEFAULT false,
                "last_notice_at" TIMESTAMP WITH TIME ZONE,
                "next_step_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "finished_at" TIMESTAMP WITH TIME ZONE,
                CONSTRAINT "logout_orders_state_check" CHECK (state IN ('queued', 'running', 'paused', 'done')),
                CONSTRAINT "logout_orders_phase_check" CHECK (phase IN ('sessions', 'grants', 'late', 'notices')),
                CONSTRAINT "logout_orders_pkey" PRIMARY KEY ("id")
            )
        `);
    await queryRunner.query(`
            CREATE UNIQUE INDEX "logout_orders_number_key" ON "logout_orders" ("number")
        `);
    await queryRunner.query(`
            CREATE INDEX "logout_orders_target_idx" ON "logout_orders" ("target", "number")
        `);
    await queryRunner.query(`
            CREATE UNIQUE INDEX "logout_orders_idempotency_key" ON "logout_orders" ("operator", "idempotency_key")
            WHERE idempotency_key IS NOT NULL
        `);
    await queryRunner.query(`
            CREATE INDEX "logout_orders_due_idx" ON "logout_orders" ("next_step_at")
            WHERE state <> 'done'
        `);
    await queryRunner.query(`
            CREATE TABLE "logout_order_applications" (
                "order_id" uuid NOT NULL,
                "client_id" text NOT NULL,
                "deliveries" integer NOT NULL,
                "next_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                CONSTRAINT "logout_order_applications_pkey" PRIMARY KEY ("order_id", "client_id")
            )
        `);
    await queryRunner.query(`
            ALTER TABLE "logout_order_applications"
            ADD CONSTRAINT "logout_order_applications_order_id_fkey" FOREIGN KEY ("order_id")
            REFERENCES "logout_orders"("id") ON DELETE CASCADE ON UPDATE NO ACTION
        `);
    // There is no order yet, so everything began after number 0. A constant default rewrites no table.
    for (const table of ['sessions', 'session_clients', 'session_upstreams', 'grants']) {
      await queryRunner.query(`
            ALTER TABLE "${table}"
            ADD "began_after_order" bigint NOT NULL DEFAULT '0'
        `);
    }
    await queryRunner.query(`
            ALTER TABLE "grants"
            ADD "upstream_id" uuid
        `);
    await queryRunner.query(`
            UPDATE "grants" g SET "upstream_id" = u.upstream_id
              FROM (SELECT DISTINCT ON (session_id) session_id, upstream_id
                      FROM "session_upstreams" ORDER BY session_id, authenticated_at DESC) u
             WHERE g.session_id = u.session_id
        `);
    await queryRunner.query(`
            CREATE INDEX "grants_upstream_id_idx" ON "grants" ("upstream_id", "id")
            WHERE upstream_id IS NOT NULL
        `);
    await queryRunner.query(`
            CREATE INDEX "session_upstreams_upstream_id_idx" ON "session_upstreams" ("upstream_id", "session_id")
        `);
    await queryRunner.query(`
            ALTER TABLE "logout_deliveries"
            ADD "order_id" uuid
        `);
    await queryRunner.query(`
            ALTER TABLE "logout_deliveries"
            ADD "ages_from" TIMESTAMP WITH TIME ZONE
        `);
    await queryRunner.query(`
            CREATE INDEX "logout_deliveries_order_idx" ON "logout_deliveries" ("order_id", "state", "next_attempt_at")
            WHERE order_id IS NOT NULL
        `);
    await queryRunner.query(`
            ALTER TABLE "logout_deliveries"
            ADD CONSTRAINT "logout_deliveries_order_id_fkey" FOREIGN KEY ("order_id")
            REFERENCES "logout_orders"("id") ON DELETE NO ACTION ON UPDATE NO ACTION
        `);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "logout_deliveries" DROP CONSTRAINT "logout_deliveries_order_id_fkey"`);
    await queryRunner.query(`DROP INDEX "public"."logout_deliveries_order_idx"`);
    await queryRunner.query(`ALTER TABLE "logout_deliveries" DROP COLUMN "ages_from"`);
    await queryRunner.query(`ALTER TABLE "logout_deliveries" DROP COLUMN "order_id"`);
    await queryRunner.query(`DROP INDEX "public"."session_upstreams_upstream_id_idx"`);
    await queryRunner.query(`DROP INDEX "public"."grants_upstream_id_idx"`);
    await queryRunner.query(`ALTER TABLE "grants" DROP COLUMN "upstream_id"`);
    for (const table of ['grants', 'session_upstreams', 'session_clients', 'sessions'])
      await queryRunner.query(`ALTER TABLE "${table}" DROP COLUMN "began_after_order"`);
    await queryRunner.query(
      `ALTER TABLE "logout_order_applications" DROP CONSTRAINT "logout_order_applications_order_id_fkey"`,
    );
    await queryRunner.query(`DROP TABLE "logout_order_applications"`);
    await queryRunner.query(`DROP INDEX "public"."logout_orders_due_idx"`);
    await queryRunner.query(`DROP INDEX "public"."logout_orders_idempotency_key"`);
    await queryRunner.query(`DROP INDEX "public"."logout_orders_target_idx"`);
    await queryRunner.query(`DROP INDEX "public"."logout_orders_number_key"`);
    await queryRunner.query(`DROP TABLE "logout_orders"`);
  }
}
