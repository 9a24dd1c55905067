import type { MigrationInterface, QueryRunner } from 'typeorm';

/** An interaction is kept for a while after its answer, so that whoever comes to it again is led on. */
export class KeepAnsweredInteractions1795260600001 implements MigrationInterface {
  name = 'KeepAnsweredInteractions1795260600001';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE interactions ADD COLUMN answered_at timestamptz');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    // Before, an answer deleted it.
    await queryRunner.query('DELETE FROM interactions WHERE answered_at IS NOT NULL');
    await queryRunner.query('ALTER TABLE interactions DROP COLUMN answered_at');
  }
}
