import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AddDeliveryBreakers1795250000002 implements MigrationInterface {
  name = 'AddDeliveryBreakers1795250000002';

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            CREATE TABLE "logout_delivery_breakers" (
                "client_id" text NOT NULL,
                "failures" integer NOT NULL,
                "failed_probes" integer NOT NULL,
                "opened_at" TIMESTAMP WITH TIME ZONE,
                "probe_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "last_error" text,
                CONSTRAINT "logout_delivery_breakers_pkey" PRIMARY KEY ("client_id")
            )
        `);
    await queryRunner.query(`
            ALTER TABLE "logout_delivery_breakers"
            ADD CONSTRAINT "logout_delivery_breakers_client_id_fkey" FOREIGN KEY ("client_id") REFERENCES "clients"("client_id") ON DELETE CASCADE ON UPDATE NO ACTION
        `);
    await queryRunner.query(`
            ALTER TABLE "logout_deliveries"
            ADD "claimed_until" TIMESTAMP WITH TIME ZONE
        `);
    await queryRunner.query(`
            ALTER TABLE "logout_deliveries"
            ADD "resent_at" TIMESTAMP WITH TIME ZONE
        `);
    await queryRunner.query(`
            DROP INDEX "public"."logout_deliveries_due_idx"
        `);
    await queryRunner.query(`
            CREATE INDEX "logout_deliveries_client_due_idx" ON "logout_deliveries" ("client_id", "next_attempt_at")
            WHERE state = 'pending'
        `);
    await queryRunner.query(`
            CREATE INDEX "logout_deliveries_client_id_idx" ON "logout_deliveries" ("client_id", "created_at", "id")
        `);
    await queryRunner.query(`
            CREATE INDEX "logout_deliveries_dead_idx" ON "logout_deliveries" ("created_at", "id")
            WHERE state IN ('rejected', 'abandoned')
        `);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            DROP INDEX "public"."logout_deliveries_dead_idx"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."logout_deliveries_client_id_idx"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."logout_deliveries_client_due_idx"
        `);
    await queryRunner.query(`
            CREATE INDEX "logout_deliveries_due_idx" ON "logout_deliveries" ("next_attempt_at")
            WHERE state = 'pending'
        `);
    await queryRunner.query(`
            ALTER TABLE "logout_deliveries" DROP COLUMN "resent_at"
        `);
    await queryRunner.query(`
            ALTER TABLE "logout_deliveries" DROP COLUMN "claimed_until"
        `);
    await queryRunner.query(`
            ALTER TABLE "logout_delivery_breakers" DROP CONSTRAINT "logout_delivery_breakers_client_id_fkey"
        `);
    await queryRunner.query(`
            DROP TABLE "logout_delivery_breakers"
        `);
  }
}
