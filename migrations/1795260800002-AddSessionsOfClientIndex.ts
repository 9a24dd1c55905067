import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The sessions of a client in the order in which operators list them. */
export class AddSessionsOfClientIndex1795260800002 implements MigrationInterface {
  name = 'AddSessionsOfClientIndex1795260800002';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      `CREATE INDEX "session_clients_client_id_session_id_idx" ON "session_clients" ("client_id", "session_id")`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP INDEX "public"."session_clients_client_id_session_id_idx"`);
  }
}
