import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Authorization requests that clients push ahead of the browser (RFC 9126). */
export class KeepPushedRequests1795347000080 implements MigrationInterface {
  name = 'KeepPushedRequests1795347000080';

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            CREATE TABLE "pushed_requests" (
                "id_hash" bytea NOT NULL,
                "client_id" text NOT NULL,
                "parameters" jsonb NOT NULL,
                "expires_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "used_at" TIMESTAMP WITH TIME ZONE,
                CONSTRAINT "pushed_requests_pkey" PRIMARY KEY ("id_hash")
            )
        `);
    await queryRunner.query(`
            CREATE INDEX "pushed_requests_client_id_idx" ON "pushed_requests" ("client_id")
        `);
    await queryRunner.query(`
            CREATE INDEX "pushed_requests_expires_at_idx" ON "pushed_requests" ("expires_at")
        `);
    await queryRunner.query(`
            ALTER TABLE "pushed_requests"
            ADD CONSTRAINT "pushed_requests_client_id_fkey" FOREIGN KEY ("client_id") REFERENCES "clients"("client_id") ON DELETE CASCADE ON UPDATE NO ACTION
        `);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            ALTER TABLE "pushed_requests" DROP CONSTRAINT "pushed_requests_client_id_fkey"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."pushed_requests_expires_at_idx"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."pushed_requests_client_id_idx"
        `);
    await queryRunner.query(`
            DROP TABLE "pushed_requests"
        `);
  }
}
