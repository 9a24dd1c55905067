import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AddWhatIsTakenFromClients1795260100001 implements MigrationInterface {
  name = 'AddWhatIsTakenFromClients1795260100001';

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            ALTER TABLE "clients"
            ADD "token_generation" integer NOT NULL DEFAULT '0'
        `);
    await queryRunner.query(`
            ALTER TABLE "clients"
            ADD "environment_secret_hash" bytea
        `);
    await queryRunner.query(`
            ALTER TABLE "opaque_access_tokens"
            ADD "token_generation" integer NOT NULL DEFAULT '0'
        `);
    await queryRunner.query(`
            ALTER TABLE "authorization_codes"
            ADD "registered_uri" text
        `);
    // A client that proves itself by keys or not at all has no secret any more: one that came back would be an old one.
    await queryRunner.query(`
            UPDATE "clients" SET "secret_hash" = NULL
            WHERE "secret_hash" IS NOT NULL
              AND "metadata" ->> 'token_endpoint_auth_method' NOT IN ('client_secret_basic', 'client_secret_post')
        `);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            ALTER TABLE "authorization_codes" DROP COLUMN "registered_uri"
        `);
    await queryRunner.query(`
            ALTER TABLE "opaque_access_tokens" DROP COLUMN "token_generation"
        `);
    await queryRunner.query(`
            ALTER TABLE "clients" DROP COLUMN "environment_secret_hash"
        `);
    await queryRunner.query(`
            ALTER TABLE "clients" DROP COLUMN "token_generation"
        `);
  }
}
