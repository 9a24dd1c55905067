import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A client that registered itself and was never used leaves after a while. Of those that are there nobody knows: they stay. */
export class AddFirstUseOfClients1795260900002 implements MigrationInterface {
  name = 'AddFirstUseOfClients1795260900002';

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            ALTER TABLE "clients"
            ADD "first_used_at" TIMESTAMP WITH TIME ZONE
        `);
    await queryRunner.query(`
            UPDATE "clients" SET "first_used_at" = now()
        `);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            ALTER TABLE "clients" DROP COLUMN "first_used_at"
        `);
  }
}
