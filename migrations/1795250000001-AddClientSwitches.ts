import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AddClientSwitches1795250000001 implements MigrationInterface {
  name = 'AddClientSwitches1795250000001';

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            ALTER TABLE "clients"
            ADD "disabled_at" TIMESTAMP WITH TIME ZONE
        `);
    await queryRunner.query(`
            ALTER TABLE "clients"
            ADD "enabled_at" TIMESTAMP WITH TIME ZONE
        `);
    // From now on idle expiry is never after the full one, and one index finds whatever has expired.
    await queryRunner.query(`
            UPDATE "sessions" SET "idle_expires_at" = "expires_at"
            WHERE "terminated_at" IS NULL AND "idle_expires_at" > "expires_at"
        `);
    await queryRunner.query(`
            CREATE INDEX "sessions_live_idle_expires_at_idx" ON "sessions" ("idle_expires_at")
            WHERE terminated_at IS NULL
        `);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            DROP INDEX "public"."sessions_live_idle_expires_at_idx"
        `);
    await queryRunner.query(`
            ALTER TABLE "clients" DROP COLUMN "enabled_at"
        `);
    await queryRunner.query(`
            ALTER TABLE "clients" DROP COLUMN "disabled_at"
        `);
  }
}
