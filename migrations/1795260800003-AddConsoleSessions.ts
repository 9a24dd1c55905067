import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Sessions of the console that began by a client's secret. Cookies from before name none, and are asked to sign in again. */
export class AddConsoleSessions1795260800003 implements MigrationInterface {
  name = 'AddConsoleSessions1795260800003';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            CREATE TABLE "console_sessions" (
                "id" uuid NOT NULL,
                "client_id" text NOT NULL,
                "expires_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                CONSTRAINT "console_sessions_pkey" PRIMARY KEY ("id")
            )
        `);
    await queryRunner.query(`CREATE INDEX "console_sessions_client_id_idx" ON "console_sessions" ("client_id")`);
    await queryRunner.query(`CREATE INDEX "console_sessions_expires_at_idx" ON "console_sessions" ("expires_at")`);
    await queryRunner.query(`
            ALTER TABLE "console_sessions"
            ADD CONSTRAINT "console_sessions_client_id_fkey" FOREIGN KEY ("client_id")
            REFERENCES "clients"("client_id") ON DELETE CASCADE ON UPDATE NO ACTION
        `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE "console_sessions"`);
  }
}
