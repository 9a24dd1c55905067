import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Notes that people leave. Expand: nothing that is there is read or written differently. */
export class AddNotes1900000000000 implements MigrationInterface {
  name = 'AddNotes1900000000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE "notes" (
        "id" uuid NOT NULL,
        "account_id" uuid NOT NULL,
        "text" text NOT NULL,
        "left_at" TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT "notes_pkey" PRIMARY KEY ("id")
      )`);
    await queryRunner.query('CREATE INDEX "notes_account_id_idx" ON "notes" ("account_id", "left_at")');
    await queryRunner.query(`
      ALTER TABLE "notes" ADD CONSTRAINT "notes_account_id_fkey"
      FOREIGN KEY ("account_id") REFERENCES "accounts"("id") ON DELETE CASCADE ON UPDATE NO ACTION`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE "notes"');
  }
}
