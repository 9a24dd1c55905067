import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AddUpstreams1795246973357 implements MigrationInterface {
  name = 'AddUpstreams1795246973357';

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            CREATE TABLE "audit_events" (
                "id" uuid NOT NULL,
                "at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "event" text NOT NULL,
                "outcome" text NOT NULL,
                "details" jsonb NOT NULL,
                CONSTRAINT "audit_events_outcome_check" CHECK (outcome IN ('done', 'refused', 'failed')),
                CONSTRAINT "audit_events_pkey" PRIMARY KEY ("id")
            )
        `);
    await queryRunner.query(`
            CREATE INDEX "audit_events_event_idx" ON "audit_events" ("event", "id")
        `);
    await queryRunner.query(`
            CREATE INDEX "audit_events_at_idx" ON "audit_events" ("at", "id")
        `);
    await queryRunner.query(`
            CREATE TABLE "session_upstreams" (
                "session_id" uuid NOT NULL,
                "issuer" text NOT NULL,
                "upstream_id" uuid NOT NULL,
                "sub" text NOT NULL,
                "sid" text,
                "id_token" text NOT NULL,
                "authenticated_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                CONSTRAINT "session_upstreams_pkey" PRIMARY KEY ("session_id", "issuer")
            )
        `);
    await queryRunner.query(`
            CREATE INDEX "session_upstreams_issuer_sub_idx" ON "session_upstreams" ("issuer", "sub")
        `);
    await queryRunner.query(`
            CREATE INDEX "session_upstreams_issuer_sid_idx" ON "session_upstreams" ("issuer", "sid")
        `);
    await queryRunner.query(`
            CREATE TABLE "organizations" (
                "id" text NOT NULL,
                "name" text NOT NULL,
                "upstream_id" uuid,
                "is_default" boolean NOT NULL,
                "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                CONSTRAINT "organizations_pkey" PRIMARY KEY ("id")
            )
        `);
    await queryRunner.query(`
            CREATE UNIQUE INDEX "organizations_default_key" ON "organizations" ("is_default")
            WHERE is_default
        `);
    await queryRunner.query(`
            CREATE TABLE "upstream_authentications" (
                "state_hash" bytea NOT NULL,
                "upstream_id" uuid NOT NULL,
                "browser_hash" bytea NOT NULL,
                "purpose" text NOT NULL,
                "max_age" integer,
                "expires_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                CONSTRAINT "upstream_authentications_pkey" PRIMARY KEY ("state_hash")
            )
        `);
    await queryRunner.query(`
            CREATE INDEX "upstream_authentications_expires_at_idx" ON "upstream_authentications" ("expires_at")
        `);
    await queryRunner.query(`
            CREATE TABLE "upstream_identities" (
                "issuer" text NOT NULL,
                "sub" text NOT NULL,
                "account_id" uuid NOT NULL,
                "owns_claims" boolean NOT NULL,
                "linked_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                CONSTRAINT "upstream_identities_pkey" PRIMARY KEY ("issuer", "sub")
            )
        `);
    await queryRunner.query(`
            CREATE INDEX "upstream_identities_account_id_idx" ON "upstream_identities" ("account_id")
        `);
    await queryRunner.query(`
            CREATE TABLE "upstream_logout_tokens" (
                "issuer" text NOT NULL,
                "jti_hash" bytea NOT NULL,
                "sub" text,
                "sid" text,
                "issued_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "expires_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                CONSTRAINT "upstream_logout_tokens_pkey" PRIMARY KEY ("issuer", "jti_hash")
            )
        `);
    await queryRunner.query(`
            CREATE INDEX "upstream_logout_tokens_issuer_sub_idx" ON "upstream_logout_tokens" ("issuer", "sub")
        `);
    await queryRunner.query(`
            CREATE INDEX "upstream_logout_tokens_issuer_sid_idx" ON "upstream_logout_tokens" ("issuer", "sid")
        `);
    await queryRunner.query(`
            CREATE INDEX "upstream_logout_tokens_expires_at_idx" ON "upstream_logout_tokens" ("expires_at")
        `);
    await queryRunner.query(`
            CREATE TABLE "upstreams" (
                "id" uuid NOT NULL,
                "name" text NOT NULL,
                "issuer" text NOT NULL,
                "client_id" text NOT NULL,
                "client_secret" text,
                "configuration" jsonb NOT NULL,
                "metadata" jsonb,
                "metadata_at" TIMESTAMP WITH TIME ZONE,
                "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "updated_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                CONSTRAINT "upstreams_pkey" PRIMARY KEY ("id")
            )
        `);
    await queryRunner.query(`
            CREATE UNIQUE INDEX "upstreams_issuer_client_id_key" ON "upstreams" ("issuer", "client_id")
        `);
    await queryRunner.query(`
            CREATE UNIQUE INDEX "upstreams_name_key" ON "upstreams" ("name")
        `);
    await queryRunner.query(`
            ALTER TABLE "grants"
            ADD "realm" text
        `);
    await queryRunner.query(`
            ALTER TABLE "session_upstreams"
            ADD CONSTRAINT "session_upstreams_session_id_fkey" FOREIGN KEY ("session_id") REFERENCES "sessions"("id") ON DELETE CASCADE ON UPDATE NO ACTION
        `);
    await queryRunner.query(`
            ALTER TABLE "organizations"
            ADD CONSTRAINT "organizations_upstream_id_fkey" FOREIGN KEY ("upstream_id") REFERENCES "upstreams"("id") ON DELETE RESTRICT ON UPDATE NO ACTION
        `);
    await queryRunner.query(`
            ALTER TABLE "upstream_authentications"
            ADD CONSTRAINT "upstream_authentications_upstream_id_fkey" FOREIGN KEY ("upstream_id") REFERENCES "upstreams"("id") ON DELETE CASCADE ON UPDATE NO ACTION
        `);
    await queryRunner.query(`
            ALTER TABLE "upstream_identities"
            ADD CONSTRAINT "upstream_identities_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "accounts"("id") ON DELETE CASCADE ON UPDATE NO ACTION
        `);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            ALTER TABLE "upstream_identities" DROP CONSTRAINT "upstream_identities_account_id_fkey"
        `);
    await queryRunner.query(`
            ALTER TABLE "upstream_authentications" DROP CONSTRAINT "upstream_authentications_upstream_id_fkey"
        `);
    await queryRunner.query(`
            ALTER TABLE "organizations" DROP CONSTRAINT "organizations_upstream_id_fkey"
        `);
    await queryRunner.query(`
            ALTER TABLE "session_upstreams" DROP CONSTRAINT "session_upstreams_session_id_fkey"
        `);
    await queryRunner.query(`
            ALTER TABLE "grants" DROP COLUMN "realm"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."upstreams_name_key"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."upstreams_issuer_client_id_key"
        `);
    await queryRunner.query(`
            DROP TABLE "upstreams"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."upstream_logout_tokens_expires_at_idx"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."upstream_logout_tokens_issuer_sid_idx"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."upstream_logout_tokens_issuer_sub_idx"
        `);
    await queryRunner.query(`
            DROP TABLE "upstream_logout_tokens"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."upstream_identities_account_id_idx"
        `);
    await queryRunner.query(`
            DROP TABLE "upstream_identities"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."upstream_authentications_expires_at_idx"
        `);
    await queryRunner.query(`
            DROP TABLE "upstream_authentications"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."organizations_default_key"
        `);
    await queryRunner.query(`
            DROP TABLE "organizations"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."session_upstreams_issuer_sid_idx"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."session_upstreams_issuer_sub_idx"
        `);
    await queryRunner.query(`
            DROP TABLE "session_upstreams"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."audit_events_at_idx"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."audit_events_event_idx"
        `);
    await queryRunner.query(`
            DROP TABLE "audit_events"
        `);
  }
}
