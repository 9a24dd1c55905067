import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AddReceiptsAndRoles1795250000004 implements MigrationInterface {
  name = 'AddReceiptsAndRoles1795250000004';

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            CREATE TABLE "logout_receipts" (
                "sequence" bigint NOT NULL,
                "termination_id" uuid NOT NULL,
                "revision" integer NOT NULL,
                "jws" text NOT NULL,
                "hash" text NOT NULL,
                "previous_hash" text,
                "issued_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                CONSTRAINT "logout_receipts_pkey" PRIMARY KEY ("sequence")
            )
        `);
    await queryRunner.query(`
            CREATE UNIQUE INDEX "logout_receipts_termination_id_revision_key" ON "logout_receipts" ("termination_id", "revision")
        `);
    await queryRunner.query(`
            ALTER TABLE "session_terminations"
            ADD "receipted_at" TIMESTAMP WITH TIME ZONE
        `);
    await queryRunner.query(`
            CREATE INDEX "session_terminations_unreceipted_idx" ON "session_terminations" ("id")
            WHERE receipted_at IS NULL
        `);
    await queryRunner.query(`
            CREATE INDEX "logout_deliveries_finished_at_idx" ON "logout_deliveries" ("finished_at", "state", "client_id", "created_at")
            WHERE finished_at IS NOT NULL
        `);
    await queryRunner.query(`
            CREATE INDEX "logout_deliveries_pending_idx" ON "logout_deliveries" ("created_at", "client_id")
            WHERE state = 'pending'
        `);
    await queryRunner.query(`
            ALTER TABLE "accounts"
            ADD "roles" text array NOT NULL DEFAULT '{}'
        `);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            ALTER TABLE "accounts" DROP COLUMN "roles"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."logout_deliveries_pending_idx"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."logout_deliveries_finished_at_idx"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."session_terminations_unreceipted_idx"
        `);
    await queryRunner.query(`
            ALTER TABLE "session_terminations" DROP COLUMN "receipted_at"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."logout_receipts_termination_id_revision_key"
        `);
    await queryRunner.query(`
            DROP TABLE "logout_receipts"
        `);
  }
}
