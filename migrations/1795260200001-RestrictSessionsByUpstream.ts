import type { MigrationInterface, QueryRunner } from 'typeorm';

export class RestrictSessionsByUpstream1795260200001 implements MigrationInterface {
  name = 'RestrictSessionsByUpstream1795260200001';

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            ALTER TABLE "sessions"
            ADD "own_sign_in_at" TIMESTAMP WITH TIME ZONE
        `);
    await queryRunner.query(`
            ALTER TABLE "sessions"
            ADD "upstream_auth_time" TIMESTAMP WITH TIME ZONE
        `);
    // Of earlier sign-ins only the last one is known.
    await queryRunner.query(`
            UPDATE "sessions" SET "own_sign_in_at" = "authenticated_at" WHERE NOT 'fed' = ANY ("amr")
        `);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            ALTER TABLE "sessions" DROP COLUMN "upstream_auth_time"
        `);
    await queryRunner.query(`
            ALTER TABLE "sessions" DROP COLUMN "own_sign_in_at"
        `);
  }
}
