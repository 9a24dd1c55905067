import type { MigrationInterface, QueryRunner } from 'typeorm';

/** People sign in by their e-mail address too. An index of an expression, which entities cannot describe. */
export class AddAccountEmailIndex1795260700002 implements MigrationInterface {
  readonly name = 'AddAccountEmailIndex1795260700002';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query("CREATE INDEX accounts_email_idx ON accounts (lower(claims ->> 'email'))");
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP INDEX accounts_email_idx');
  }
}
