import type { MigrationInterface, QueryRunner } from 'typeorm';

const NOBODY = '00000000-0000-0000-0000-000000000000';

/**
 * The tables of tokens begin with the account; the code is in its grant's row, and a refresh token is a generation of its
 * grant's. What was issued before goes on working until it expires.
 *
 * Rewrites nothing but `opaque_access_tokens`, and builds the keys and indexes of `grants` anew.
 */
export class RefreshByGeneration1795347000002 implements MigrationInterface {
  name = 'RefreshByGeneration1795347000002';

  public async up(queryRunner: QueryRunner): Promise<void> {
    await this.run(queryRunner, [
      ...['authorization_codes', 'refresh_tokens', 'opaque_access_tokens'].map(
        (table) => `ALTER TABLE "${table}" DROP CONSTRAINT "${table}_grant_id_fkey"`,
      ),
      ...this.grantsUp(),
      ...this.codesUp(),
      ...this.refreshTokensUp(),
      ...this.accessTokensUp(),
    ]);
  }

  /** What was refreshed since is lost, with the tokens and codes of that time: these people sign in again. */
  public async down(queryRunner: QueryRunner): Promise<void> {
    await this.run(queryRunner, [
      ...this.accessTokensDown(),
      ...this.refreshTokensDown(),
      ...this.codesDown(),
      ...this.grantsDown(),
      ...['authorization_codes', 'refresh_tokens', 'opaque_access_tokens'].map(
        (table) =>
          `ALTER TABLE "${table}" ADD CONSTRAINT "${table}_grant_id_fkey" FOREIGN KEY ("grant_id") REFERENCES "grants" ("id") ON DELETE CASCADE`,
      ),
    ]);
  }

  private async run(queryRunner: QueryRunner, statements: readonly string[]): Promise<void> {
    for (const statement of statements) await queryRunner.query(statement);
  }

  private grantsUp(): string[] {
    return [
      `ALTER TABLE "grants" DROP CONSTRAINT "grants_pkey"`,
      `ALTER TABLE "grants" ADD CONSTRAINT "grants_pkey" PRIMARY KEY ("account_id", "id")`,
      ...['session_id', 'account_id', 'client_id', 'upstream_id'].map((column) => `DROP INDEX "grants_${column}_idx"`),
      `CREATE INDEX "grants_id_idx" ON "grants" ("id")`,
      `CREATE INDEX "grants_account_id_session_id_idx" ON "grants" ("account_id", "session_id")`,
      `CREATE INDEX "grants_client_id_idx" ON "grants" ("client_id", "account_id", "id")`,
      `CREATE INDEX "grants_upstream_id_idx" ON "grants" ("upstream_id", "account_id", "id") WHERE upstream_id IS NOT NULL`,
      `ALTER TABLE "grants"
         ADD "code_hash" bytea, ADD "code_expires_at" TIMESTAMP WITH TIME ZONE, ADD "code_consumed_at" TIMESTAMP WITH TIME ZONE,
         ADD "code_challenge" text, ADD "nonce" text, ADD "redirect_uri" text, ADD "registered_uri" text,
         ADD "refresh_root_hash" bytea, ADD "refresh_generation" integer NOT NULL DEFAULT 0,
         ADD "refreshed_at" TIMESTAMP WITH TIME ZONE, ADD "refresh_expires_at" TIMESTAMP WITH TIME ZONE,
         ADD "before_routing" boolean NOT NULL DEFAULT true`,
      `ALTER TABLE "grants" ALTER COLUMN "before_routing" SET DEFAULT false`,
      // The same day for all that there are: a constant needs no rewrite of the table.
      `DO $$ BEGIN
         EXECUTE format('ALTER TABLE "grants" ADD "keep_until" date NOT NULL DEFAULT %L', (
           SELECT (greatest(now(), (SELECT max(expires_at) FROM "refresh_tokens"), (SELECT max(expires_at) FROM "opaque_access_tokens"),
                            (SELECT max(expires_at) FROM "authorization_codes"), (SELECT max(created_at) FROM "grants") + interval '2 days')
                   AT TIME ZONE 'UTC')::date + 1));
       END $$`,
      `ALTER TABLE "grants" ALTER COLUMN "keep_until" DROP DEFAULT`,
      `ALTER TABLE "grants" SET (fillfactor = 80)`,
      `CREATE INDEX "grants_keep_until_idx" ON "grants" ("keep_until")`,
    ];
  }

  private codesUp(): string[] {
    return [
      `UPDATE "grants" g SET code_hash = c.code_hash, code_expires_at = c.expires_at, code_consumed_at = c.consumed_at,
              code_challenge = c.code_challenge, nonce = c.nonce, redirect_uri = c.redirect_uri, registered_uri = c.registered_uri
         FROM "authorization_codes" c WHERE g.id = c.grant_id`,
      `DROP TABLE "authorization_codes"`,
      `CREATE INDEX "grants_before_routing_code_hash_idx" ON "grants" ("code_hash") WHERE before_routing AND code_hash IS NOT NULL`,
    ];
  }

  private refreshTokensUp(): string[] {
    return [
      `ALTER TABLE "refresh_tokens" RENAME TO "old_refresh_tokens"`,
      ...['pkey', 'grant_id_idx', 'expires_at_idx'].map(
        (name) => `ALTER INDEX "refresh_tokens_${name}" RENAME TO "old_refresh_tokens_${name}"`,
      ),
    ];
  }

  private accessTokensUp(): string[] {
    return [
      `ALTER TABLE "opaque_access_tokens" ADD "account_id" uuid, ADD "before_routing" boolean NOT NULL DEFAULT true`,
      `ALTER TABLE "opaque_access_tokens" ALTER COLUMN "before_routing" SET DEFAULT false`,
      `UPDATE "opaque_access_tokens" o SET account_id = coalesce((SELECT g.account_id FROM "grants" g WHERE g.id = o.grant_id), '${NOBODY}')`,
      `ALTER TABLE "opaque_access_tokens" ALTER COLUMN "account_id" SET NOT NULL`,
      `ALTER TABLE "opaque_access_tokens" DROP CONSTRAINT "opaque_access_tokens_pkey"`,
      `ALTER TABLE "opaque_access_tokens" ADD CONSTRAINT "opaque_access_tokens_pkey" PRIMARY KEY ("account_id", "token_hash")`,
      `ALTER TABLE "opaque_access_tokens" DROP CONSTRAINT "opaque_access_tokens_client_id_fkey"`,
      `DROP INDEX "opaque_access_tokens_grant_id_idx"`,
      `CREATE INDEX "opaque_access_tokens_before_routing_idx" ON "opaque_access_tokens" ("token_hash") WHERE before_routing`,
      `ALTER TABLE "revoked_access_tokens" ADD "account_id" uuid NOT NULL DEFAULT '${NOBODY}'`,
      `ALTER TABLE "revoked_access_tokens" ALTER COLUMN "account_id" DROP DEFAULT`,
      `UPDATE "revoked_access_tokens" r SET account_id = o.account_id FROM "opaque_access_tokens" o WHERE o.jti = r.jti`,
      `ALTER TABLE "revoked_access_tokens" DROP CONSTRAINT "revoked_access_tokens_pkey"`,
      `ALTER TABLE "revoked_access_tokens" ADD CONSTRAINT "revoked_access_tokens_pkey" PRIMARY KEY ("account_id", "jti")`,
    ];
  }

  private accessTokensDown(): string[] {
    return [
      `ALTER TABLE "revoked_access_tokens" DROP CONSTRAINT "revoked_access_tokens_pkey"`,
      // One of before may have been revoked again since, under its account.
      `DELETE FROM "revoked_access_tokens" r USING "revoked_access_tokens" again WHERE again.jti = r.jti AND again.account_id > r.account_id`,
      `ALTER TABLE "revoked_access_tokens" DROP COLUMN "account_id"`,
      `ALTER TABLE "revoked_access_tokens" ADD CONSTRAINT "revoked_access_tokens_pkey" PRIMARY KEY ("jti")`,
      `DELETE FROM "opaque_access_tokens" o WHERE NOT EXISTS (SELECT 1 FROM "clients" c WHERE c.client_id = o.client_id)
           OR o.grant_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM "grants" g WHERE g.id = o.grant_id)`,
      `DROP INDEX "opaque_access_tokens_before_routing_idx"`,
      `ALTER TABLE "opaque_access_tokens" DROP CONSTRAINT "opaque_access_tokens_pkey"`,
      `ALTER TABLE "opaque_access_tokens" DROP COLUMN "before_routing", DROP COLUMN "account_id"`,
      `ALTER TABLE "opaque_access_tokens" ADD CONSTRAINT "opaque_access_tokens_pkey" PRIMARY KEY ("token_hash")`,
      `CREATE INDEX "opaque_access_tokens_grant_id_idx" ON "opaque_access_tokens" ("grant_id")`,
      `ALTER TABLE "opaque_access_tokens" ADD CONSTRAINT "opaque_access_tokens_client_id_fkey" FOREIGN KEY ("client_id") REFERENCES "clients" ("client_id") ON DELETE CASCADE`,
    ];
  }

  private refreshTokensDown(): string[] {
    return [
      // What a chain of generations began with counts as used, as it is.
      `UPDATE "old_refresh_tokens" o SET consumed_at = g.refreshed_at FROM "grants" g
        WHERE g.id = o.grant_id AND g.refresh_generation > 0 AND o.consumed_at IS NULL`,
      `DELETE FROM "old_refresh_tokens" o WHERE NOT EXISTS (SELECT 1 FROM "grants" g WHERE g.id = o.grant_id)`,
      `ALTER TABLE "old_refresh_tokens" RENAME TO "refresh_tokens"`,
      ...['pkey', 'grant_id_idx', 'expires_at_idx'].map(
        (name) => `ALTER INDEX "old_refresh_tokens_${name}" RENAME TO "refresh_tokens_${name}"`,
      ),
    ];
  }

  private codesDown(): string[] {
    return [
      `DROP INDEX "grants_before_routing_code_hash_idx"`,
      `CREATE TABLE "authorization_codes" (
         "code_hash" bytea NOT NULL, "grant_id" uuid NOT NULL, "redirect_uri" text, "registered_uri" text, "code_challenge" text,
         "nonce" text, "expires_at" TIMESTAMP WITH TIME ZONE NOT NULL, "consumed_at" TIMESTAMP WITH TIME ZONE,
         CONSTRAINT "authorization_codes_pkey" PRIMARY KEY ("code_hash"))`,
      `INSERT INTO "authorization_codes" (code_hash, grant_id, redirect_uri, registered_uri, code_challenge, nonce, expires_at, consumed_at)
       SELECT code_hash, id, redirect_uri, registered_uri, code_challenge, nonce, code_expires_at, code_consumed_at FROM "grants"
        WHERE code_hash IS NOT NULL AND code_expires_at > now() - interval '1 day'`,
      `CREATE INDEX "authorization_codes_grant_id_idx" ON "authorization_codes" ("grant_id")`,
      `CREATE INDEX "authorization_codes_expires_at_idx" ON "authorization_codes" ("expires_at")`,
    ];
  }

  private grantsDown(): string[] {
    const code = 'code_hash code_expires_at code_consumed_at code_challenge nonce redirect_uri registered_uri';
    const refresh = 'refresh_root_hash refresh_generation refreshed_at refresh_expires_at before_routing keep_until';
    const columns = `${code} ${refresh}`.split(' ');
    return [
      ...['keep_until_idx', 'upstream_id_idx', 'client_id_idx', 'account_id_session_id_idx', 'id_idx'].map(
        (name) => `DROP INDEX "grants_${name}"`,
      ),
      `ALTER TABLE "grants" RESET (fillfactor)`,
      `ALTER TABLE "grants" ${columns.map((name) => `DROP COLUMN "${name}"`).join(', ')}`,
      `ALTER TABLE "grants" DROP CONSTRAINT "grants_pkey"`,
      `ALTER TABLE "grants" ADD CONSTRAINT "grants_pkey" PRIMARY KEY ("id")`,
      `CREATE INDEX "grants_session_id_idx" ON "grants" ("session_id")`,
      `CREATE INDEX "grants_account_id_idx" ON "grants" ("account_id")`,
      `CREATE INDEX "grants_client_id_idx" ON "grants" ("client_id")`,
      `CREATE INDEX "grants_upstream_id_idx" ON "grants" ("upstream_id", "id") WHERE upstream_id IS NOT NULL`,
    ];
  }
}
