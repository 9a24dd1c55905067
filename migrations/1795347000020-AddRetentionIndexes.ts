import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What retention looks for, in the order in which it looks, so that it never reads a table through. */
export class AddRetentionIndexes1795347000020 implements MigrationInterface {
  name = 'AddRetentionIndexes1795347000020';

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            CREATE INDEX "sessions_terminated_at_idx" ON "sessions" ("terminated_at")
            WHERE terminated_at IS NOT NULL
        `);
    await queryRunner.query(`
            CREATE INDEX "clients_deleted_at_idx" ON "clients" ("deleted_at")
            WHERE deleted_at IS NOT NULL
        `);
    await queryRunner.query(`
            CREATE INDEX "clients_unused_idx" ON "clients" ("created_at")
            WHERE first_used_at IS NULL
                AND registration_token_hash IS NOT NULL
                AND deleted_at IS NULL
        `);
    await queryRunner.query(`
            CREATE INDEX "consents_client_id_idx" ON "consents" ("client_id", "account_id")
        `);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP INDEX "public"."consents_client_id_idx"`);
    await queryRunner.query(`DROP INDEX "public"."clients_unused_idx"`);
    await queryRunner.query(`DROP INDEX "public"."clients_deleted_at_idx"`);
    await queryRunner.query(`DROP INDEX "public"."sessions_terminated_at_idx"`);
  }
}
