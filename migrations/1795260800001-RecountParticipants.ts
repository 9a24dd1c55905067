import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Sessions whose number of applications stayed behind when a deleted client was removed. */
export class RecountParticipants1795260800001 implements MigrationInterface {
  name = 'RecountParticipants1795260800001';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      `UPDATE sessions s SET client_count = (SELECT count(*) FROM session_clients c WHERE c.session_id = s.id)
        WHERE s.client_count <> (SELECT count(*) FROM session_clients c WHERE c.session_id = s.id)`,
    );
  }

  /** A right number is right for the schema before this one, too. */
  async down(): Promise<void> {}
}
