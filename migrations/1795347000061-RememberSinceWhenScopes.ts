import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A client remembers in which generation it got a scope back, and a grant of which generation it is. What a client had lost
 * before this was taken from its grants' rows, and stays so.
 */
export class RememberSinceWhenScopes1795347000061 implements MigrationInterface {
  name = 'RememberSinceWhenScopes1795347000061';

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "clients" ADD "scope_since" jsonb`);
    await queryRunner.query(`ALTER TABLE "grants" ADD "client_generation" integer NOT NULL DEFAULT '0'`);
  }

  /** Grants that lost a scope lose it in their rows: without the columns they would get it back. */
  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            UPDATE "grants" g SET scope = (
              SELECT coalesce(string_agg(w.value, ' ' ORDER BY w.place), '')
                FROM unnest(string_to_array(g.scope, ' ')) WITH ORDINALITY w (value, place)
               WHERE w.value = ANY (string_to_array(c.metadata ->> 'scope', ' '))
                 AND coalesce((c.scope_since ->> w.value)::int, 0) <= g.client_generation)
              FROM "clients" c WHERE c.client_id = g.client_id AND (c.scope_since IS NOT NULL OR c.token_generation > 0)
        `);
    await queryRunner.query(`ALTER TABLE "grants" DROP COLUMN "client_generation"`);
    await queryRunner.query(`ALTER TABLE "clients" DROP COLUMN "scope_since"`);
  }
}
