import type { MigrationInterface, QueryRunner } from 'typeorm';

/** From which origins browser applications may be registered here, to be asked without reading every client. */
export class AddClientOrigins1795260300001 implements MigrationInterface {
  name = 'AddClientOrigins1795260300001';

  public async up(queryRunner: QueryRunner): Promise<void> {
    // As the WHATWG URL standard writes an origin: lower case, without the scheme's own port.
    await queryRunner.query(`
            CREATE FUNCTION "client_origins"(metadata jsonb) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
              SELECT coalesce(array_agg(DISTINCT regexp_replace(
                       lower(substring(uri from '^[A-Za-z]+://[^/?#]+')), '^(https://.*):443$|^(http://.*):80$', '\\1\\2')), '{}')
                FROM jsonb_array_elements_text(metadata -> 'redirect_uris') AS uri
               WHERE uri ~* '^https?://'
            $$
        `);
    await queryRunner.query(`
            CREATE INDEX "clients_origins_idx" ON "clients" USING gin ("client_origins"("metadata"))
            WHERE "deleted_at" IS NULL AND "disabled_at" IS NULL
        `);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP INDEX "public"."clients_origins_idx"`);
    await queryRunner.query(`DROP FUNCTION "client_origins"(jsonb)`);
  }
}
