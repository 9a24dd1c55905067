import type { MigrationInterface, QueryRunner } from 'typeorm';

/** When the claims of an account changed: until now that was the time of any change, of the password too. */
export class AddClaimsUpdatedAt1795260700001 implements MigrationInterface {
  readonly name = 'AddClaimsUpdatedAt1795260700001';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE accounts ADD COLUMN claims_updated_at timestamptz');
    await queryRunner.query('UPDATE accounts SET claims_updated_at = updated_at');
    await queryRunner.query(
      'ALTER TABLE accounts ALTER COLUMN claims_updated_at SET NOT NULL, ALTER COLUMN claims_updated_at SET DEFAULT now()',
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE accounts DROP COLUMN claims_updated_at');
  }
}
