import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AddWithoutNotice1795260400001 implements MigrationInterface {
  name = 'AddWithoutNotice1795260400001';

  public async up(queryRunner: QueryRunner): Promise<void> {
    // A constant default rewrites no table. What ended before says nothing of those it did not tell.
    await queryRunner.query(`
            ALTER TABLE "session_terminations"
            ADD "without_notice" jsonb NOT NULL DEFAULT '[]'
        `);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            ALTER TABLE "session_terminations" DROP COLUMN "without_notice"
        `);
  }
}
