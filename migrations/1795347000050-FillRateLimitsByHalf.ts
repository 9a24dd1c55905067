import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * *Expand.* A row that is counted on has room on its page for its next version, so that no index is written. Pages that
 * are there are not rewritten: rows stay for minutes.
 */
export class FillRateLimitsByHalf1795347000050 implements MigrationInterface {
  name = 'FillRateLimitsByHalf1795347000050';

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "rate_limits" SET (fillfactor = 50)`);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "rate_limits" RESET (fillfactor)`);
  }
}
