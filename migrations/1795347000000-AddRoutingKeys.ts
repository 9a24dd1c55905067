import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A kind of key for the account's id in cookies, session ids, codes and tokens. Down forgets these keys, and what they masked. */
export class AddRoutingKeys1795347000000 implements MigrationInterface {
  name = 'AddRoutingKeys1795347000000';

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            ALTER TABLE "signing_keys" DROP CONSTRAINT "signing_keys_alg_check"
        `);
    await queryRunner.query(`
            ALTER TABLE "signing_keys"
            ADD CONSTRAINT "signing_keys_alg_check" CHECK (
                    alg IN ('RS256', 'ES256', 'EdDSA', 'A256GCM', 'HS256')
                )
        `);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            DELETE FROM "signing_keys" WHERE alg = 'HS256'
        `);
    await queryRunner.query(`
            ALTER TABLE "signing_keys" DROP CONSTRAINT "signing_keys_alg_check"
        `);
    await queryRunner.query(`
            ALTER TABLE "signing_keys"
            ADD CONSTRAINT "signing_keys_alg_check" CHECK (
                    alg IN ('RS256', 'ES256', 'EdDSA', 'A256GCM')
                )
        `);
  }
}
