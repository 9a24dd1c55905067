import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The index of a session's grants serves only what names the session: a grant is found by its key. */
export class FindGrantsByTheirKey1795347000062 implements MigrationInterface {
  name = 'FindGrantsByTheirKey1795347000062';

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP INDEX "public"."grants_account_id_session_id_idx"`);
    await queryRunner.query(`
            CREATE INDEX "grants_account_id_session_id_idx" ON "grants" ("account_id", "session_id")
            WHERE session_id IS NOT NULL
        `);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP INDEX "public"."grants_account_id_session_id_idx"`);
    await queryRunner.query(`
            CREATE INDEX "grants_account_id_session_id_idx" ON "grants" ("account_id", "session_id")
        `);
  }
}
