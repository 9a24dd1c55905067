import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The same refusal within a minute is one row, found by its key. */
export class CountRefusals1795260900001 implements MigrationInterface {
  name = 'CountRefusals1795260900001';

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            ALTER TABLE "audit_events"
            ADD "refusal_key" bytea
        `);
    await queryRunner.query(`
            CREATE UNIQUE INDEX "audit_events_refusal_key_idx" ON "audit_events" ("refusal_key")
            WHERE refusal_key IS NOT NULL
        `);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            DROP INDEX "public"."audit_events_refusal_key_idx"
        `);
    await queryRunner.query(`
            ALTER TABLE "audit_events" DROP COLUMN "refusal_key"
        `);
  }
}
