import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The table that statements of endings insert nothing into, so that their settings are carried out (`durability.ts`). */
export class AddCommitWaits1795347000070 implements MigrationInterface {
  name = 'AddCommitWaits1795347000070';

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`CREATE TABLE "commit_waits" ()`);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE "commit_waits"`);
  }
}
