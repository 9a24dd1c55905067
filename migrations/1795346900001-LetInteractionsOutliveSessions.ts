import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * An interaction names the session that began within it, by a key of `sessions` that will not be one by itself. It is kept
 * for a day, so a session that is gone before that leaves a name of nothing, which is not looked up.
 */
export class LetInteractionsOutliveSessions1795346900001 implements MigrationInterface {
  name = 'LetInteractionsOutliveSessions1795346900001';

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            ALTER TABLE "interactions" DROP CONSTRAINT "interactions_session_id_fkey"
        `);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            UPDATE "interactions" SET "session_id" = NULL
            WHERE "session_id" IS NOT NULL AND NOT EXISTS (SELECT 1 FROM "sessions" s WHERE s."id" = "interactions"."session_id")
        `);
    await queryRunner.query(`
            ALTER TABLE "interactions"
            ADD CONSTRAINT "interactions_session_id_fkey" FOREIGN KEY ("session_id") REFERENCES "sessions"("id") ON DELETE CASCADE ON UPDATE NO ACTION
        `);
  }
}
