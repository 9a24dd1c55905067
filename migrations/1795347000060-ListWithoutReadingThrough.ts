import type { MigrationInterface, QueryRunner } from 'typeorm';

const DEAD = `state IN ('rejected', 'abandoned')`;

/**
 * Lists of terminations and notices, by what is rare in them, are read from an index in their order. Of notices there are as
 * many indexes for one that is pending as before; the others are about those that failed.
 */
export class ListWithoutReadingThrough1795347000060 implements MigrationInterface {
  name = 'ListWithoutReadingThrough1795347000060';

  public async up(queryRunner: QueryRunner): Promise<void> {
    const run = (text: string): Promise<unknown> => queryRunner.query(text);
    await run(`CREATE INDEX "session_terminations_cause_idx" ON "session_terminations" ("cause", "id")`);
    for (const index of ['dead', 'termination_id', 'pending', 'died_at'])
      await run(`DROP INDEX "logout_deliveries_${index}_idx"`);
    await run(`CREATE INDEX "logout_deliveries_state_idx" ON "logout_deliveries" ("state", "termination_id", "id")`);
    await run(`
            CREATE INDEX "logout_deliveries_client_idx" ON "logout_deliveries" ("state", "client_id", "termination_id", "id")
        `);
    await run(`
            CREATE INDEX "logout_deliveries_error_idx" ON "logout_deliveries" ("state", "last_error", "termination_id", "id")
            WHERE last_error IS NOT NULL
        `);
    await run(`
            CREATE INDEX "logout_deliveries_client_error_idx"
            ON "logout_deliveries" ("state", "client_id", "last_error", "termination_id", "id")
            WHERE last_error IS NOT NULL
        `);
    await run(`
            CREATE INDEX "logout_deliveries_died_at_idx" ON "logout_deliveries" ("state", "finished_at", "client_id")
            WHERE ${DEAD}
        `);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    const run = (text: string): Promise<unknown> => queryRunner.query(text);
    for (const index of ['died_at', 'client_error', 'error', 'client', 'state'])
      await run(`DROP INDEX "logout_deliveries_${index}_idx"`);
    await run(`
            CREATE INDEX "logout_deliveries_pending_idx" ON "logout_deliveries" ("created_at", "client_id")
            WHERE state = 'pending'
        `);
    await run(`CREATE INDEX "logout_deliveries_termination_id_idx" ON "logout_deliveries" ("termination_id", "id")`);
    await run(`
            CREATE INDEX "logout_deliveries_dead_idx" ON "logout_deliveries" ("client_id", "termination_id", "id")
            WHERE ${DEAD}
        `);
    await run(`
            CREATE INDEX "logout_deliveries_died_at_idx" ON "logout_deliveries" ("finished_at", "state", "client_id")
            WHERE ${DEAD}
        `);
    await run(`DROP INDEX "session_terminations_cause_idx"`);
  }
}
