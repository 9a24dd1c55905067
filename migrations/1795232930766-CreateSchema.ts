import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateSchema1795232930766 implements MigrationInterface {
  readonly name = 'CreateSchema1795232930766';

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            CREATE TABLE "accounts" (
                "id" uuid NOT NULL,
                "login" text NOT NULL,
                "password_hash" text,
                "claims" jsonb NOT NULL DEFAULT '{}',
                "not_before" TIMESTAMP WITH TIME ZONE,
                "disabled_at" TIMESTAMP WITH TIME ZONE,
                "password_changed_at" TIMESTAMP WITH TIME ZONE,
                "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "updated_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                CONSTRAINT "accounts_pkey" PRIMARY KEY ("id")
            )
        `);
    await queryRunner.query(`
            CREATE UNIQUE INDEX "accounts_login_key" ON "accounts" ("login")
        `);
    await queryRunner.query(`
            CREATE TABLE "rate_limits" (
                "key" character varying(255) NOT NULL,
                "points" integer NOT NULL DEFAULT '0',
                "expire" bigint,
                CONSTRAINT "rate_limits_pkey" PRIMARY KEY ("key")
            )
        `);
    await queryRunner.query(`
            CREATE INDEX "rate_limits_expire_idx" ON "rate_limits" ("expire")
        `);
    await queryRunner.query(`
            CREATE TABLE "consents" (
                "account_id" uuid NOT NULL,
                "client_id" text NOT NULL,
                "scope" text array NOT NULL,
                "claims" text array NOT NULL,
                "granted_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                CONSTRAINT "consents_pkey" PRIMARY KEY ("account_id", "client_id")
            )
        `);
    await queryRunner.query(`
            CREATE TABLE "interactions" (
                "id_hash" bytea NOT NULL,
                "browser_hash" bytea NOT NULL,
                "client_id" text,
                "request" jsonb,
                "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "expires_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "session_id" uuid,
                CONSTRAINT "interactions_pkey" PRIMARY KEY ("id_hash")
            )
        `);
    await queryRunner.query(`
            CREATE INDEX "interactions_expires_at_idx" ON "interactions" ("expires_at")
        `);
    await queryRunner.query(`
            CREATE TABLE "clients" (
                "client_id" text NOT NULL,
                "secret_hash" bytea,
                "registration_token_hash" bytea,
                "metadata" jsonb NOT NULL,
                "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "updated_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "deleted_at" TIMESTAMP WITH TIME ZONE,
                CONSTRAINT "clients_pkey" PRIMARY KEY ("client_id")
            )
        `);
    await queryRunner.query(`
            CREATE INDEX "clients_created_at_idx" ON "clients" ("created_at", "client_id")
        `);
    await queryRunner.query(`
            CREATE TABLE "used_client_assertions" (
                "client_id" text NOT NULL,
                "jti_hash" bytea NOT NULL,
                "expires_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                CONSTRAINT "used_client_assertions_pkey" PRIMARY KEY ("client_id", "jti_hash")
            )
        `);
    await queryRunner.query(`
            CREATE INDEX "used_client_assertions_expires_at_idx" ON "used_client_assertions" ("expires_at")
        `);
    await queryRunner.query(`
            CREATE TABLE "signing_keys" (
                "kid" text NOT NULL,
                "alg" text NOT NULL,
                "public_jwk" jsonb,
                "private_jwk" text,
                "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "active_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "retired_at" TIMESTAMP WITH TIME ZONE,
                "unpublish_at" TIMESTAMP WITH TIME ZONE,
                CONSTRAINT "signing_keys_alg_check" CHECK (alg IN ('RS256', 'ES256', 'EdDSA', 'A256GCM')),
                CONSTRAINT "signing_keys_pkey" PRIMARY KEY ("kid")
            )
        `);
    await queryRunner.query(`
            CREATE TABLE "logout_delivery_attempts" (
                "delivery_id" uuid NOT NULL,
                "number" integer NOT NULL,
                "jti" text NOT NULL,
                "started_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "duration_ms" integer NOT NULL,
                "status" integer,
                "error_code" text,
                CONSTRAINT "logout_delivery_attempts_pkey" PRIMARY KEY ("delivery_id", "number")
            )
        `);
    await queryRunner.query(`
            CREATE TABLE "logout_deliveries" (
                "id" uuid NOT NULL,
                "termination_id" uuid NOT NULL,
                "client_id" text NOT NULL,
                "sub" text NOT NULL,
                "sid" text,
                "state" text NOT NULL,
                "attempts" integer NOT NULL DEFAULT '0',
                "next_attempt_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "finished_at" TIMESTAMP WITH TIME ZONE,
                "last_error" text,
                CONSTRAINT "logout_deliveries_state_check" CHECK (
                    state IN ('pending', 'delivered', 'rejected', 'abandoned')
                ),
                CONSTRAINT "logout_deliveries_pkey" PRIMARY KEY ("id")
            )
        `);
    await queryRunner.query(`
            CREATE INDEX "logout_deliveries_created_at_idx" ON "logout_deliveries" ("created_at", "id")
        `);
    await queryRunner.query(`
            CREATE INDEX "logout_deliveries_termination_id_idx" ON "logout_deliveries" ("termination_id")
        `);
    await queryRunner.query(`
            CREATE INDEX "logout_deliveries_due_idx" ON "logout_deliveries" ("next_attempt_at")
            WHERE state = 'pending'
        `);
    await queryRunner.query(`
            CREATE TABLE "session_terminations" (
                "id" uuid NOT NULL,
                "cause" text NOT NULL,
                "initiator" jsonb NOT NULL,
                "account_id" uuid,
                "sessions" integer NOT NULL,
                "grants_revoked" integer NOT NULL,
                "deliveries" integer NOT NULL,
                "occurred_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                CONSTRAINT "session_terminations_pkey" PRIMARY KEY ("id")
            )
        `);
    await queryRunner.query(`
            CREATE INDEX "session_terminations_account_id_idx" ON "session_terminations" ("account_id")
        `);
    await queryRunner.query(`
            CREATE INDEX "session_terminations_occurred_at_idx" ON "session_terminations" ("occurred_at", "id")
        `);
    await queryRunner.query(`
            CREATE TABLE "session_clients" (
                "session_id" uuid NOT NULL,
                "client_id" text NOT NULL,
                "sid" text NOT NULL,
                "joined_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                CONSTRAINT "session_clients_pkey" PRIMARY KEY ("session_id", "client_id")
            )
        `);
    await queryRunner.query(`
            CREATE UNIQUE INDEX "session_clients_client_id_sid_key" ON "session_clients" ("client_id", "sid")
        `);
    await queryRunner.query(`
            CREATE TABLE "sessions" (
                "id" uuid NOT NULL,
                "cookie_hash" bytea NOT NULL,
                "account_id" uuid NOT NULL,
                "authenticated_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "amr" text array NOT NULL,
                "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "last_seen_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "idle_expires_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "expires_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "client_count" integer NOT NULL DEFAULT '0',
                "address" text,
                "user_agent" text,
                "terminated_at" TIMESTAMP WITH TIME ZONE,
                "termination_id" uuid,
                CONSTRAINT "sessions_pkey" PRIMARY KEY ("id")
            )
        `);
    await queryRunner.query(`
            CREATE INDEX "sessions_live_account_idx" ON "sessions" ("account_id")
            WHERE terminated_at IS NULL
        `);
    await queryRunner.query(`
            CREATE UNIQUE INDEX "sessions_cookie_hash_key" ON "sessions" ("cookie_hash")
        `);
    await queryRunner.query(`
            CREATE TABLE "authorization_codes" (
                "code_hash" bytea NOT NULL,
                "grant_id" uuid NOT NULL,
                "redirect_uri" text,
                "code_challenge" text,
                "nonce" text,
                "expires_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "consumed_at" TIMESTAMP WITH TIME ZONE,
                CONSTRAINT "authorization_codes_pkey" PRIMARY KEY ("code_hash")
            )
        `);
    await queryRunner.query(`
            CREATE INDEX "authorization_codes_expires_at_idx" ON "authorization_codes" ("expires_at")
        `);
    await queryRunner.query(`
            CREATE INDEX "authorization_codes_grant_id_idx" ON "authorization_codes" ("grant_id")
        `);
    await queryRunner.query(`
            CREATE TABLE "grants" (
                "id" uuid NOT NULL,
                "account_id" uuid NOT NULL,
                "client_id" text NOT NULL,
                "session_id" uuid,
                "offline" boolean NOT NULL,
                "scope" text NOT NULL,
                "claims" jsonb,
                "authenticated_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "amr" text array NOT NULL,
                "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "revoked_at" TIMESTAMP WITH TIME ZONE,
                "revoked_cause" text,
                CONSTRAINT "grants_revoked_cause_check" CHECK ((revoked_at IS NULL) = (revoked_cause IS NULL)),
                CONSTRAINT "grants_pkey" PRIMARY KEY ("id")
            )
        `);
    await queryRunner.query(`
            CREATE INDEX "grants_client_id_idx" ON "grants" ("client_id")
        `);
    await queryRunner.query(`
            CREATE INDEX "grants_account_id_idx" ON "grants" ("account_id")
        `);
    await queryRunner.query(`
            CREATE INDEX "grants_session_id_idx" ON "grants" ("session_id")
        `);
    await queryRunner.query(`
            CREATE TABLE "opaque_access_tokens" (
                "token_hash" bytea NOT NULL,
                "jti" text NOT NULL,
                "grant_id" uuid,
                "client_id" text NOT NULL,
                "scope" text NOT NULL,
                "audience" text array NOT NULL,
                "issued_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "expires_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                CONSTRAINT "opaque_access_tokens_pkey" PRIMARY KEY ("token_hash")
            )
        `);
    await queryRunner.query(`
            CREATE INDEX "opaque_access_tokens_expires_at_idx" ON "opaque_access_tokens" ("expires_at")
        `);
    await queryRunner.query(`
            CREATE INDEX "opaque_access_tokens_grant_id_idx" ON "opaque_access_tokens" ("grant_id")
        `);
    await queryRunner.query(`
            CREATE TABLE "refresh_tokens" (
                "token_hash" bytea NOT NULL,
                "grant_id" uuid NOT NULL,
                "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "expires_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "consumed_at" TIMESTAMP WITH TIME ZONE,
                "successor_salt" bytea,
                CONSTRAINT "refresh_tokens_pkey" PRIMARY KEY ("token_hash")
            )
        `);
    await queryRunner.query(`
            CREATE INDEX "refresh_tokens_expires_at_idx" ON "refresh_tokens" ("expires_at")
        `);
    await queryRunner.query(`
            CREATE INDEX "refresh_tokens_grant_id_idx" ON "refresh_tokens" ("grant_id")
        `);
    await queryRunner.query(`
            CREATE TABLE "revoked_access_tokens" (
                "jti" text NOT NULL,
                "expires_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                CONSTRAINT "revoked_access_tokens_pkey" PRIMARY KEY ("jti")
            )
        `);
    await queryRunner.query(`
            CREATE INDEX "revoked_access_tokens_expires_at_idx" ON "revoked_access_tokens" ("expires_at")
        `);
    await queryRunner.query(`
            ALTER TABLE "consents"
            ADD CONSTRAINT "consents_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "accounts"("id") ON DELETE CASCADE ON UPDATE NO ACTION
        `);
    await queryRunner.query(`
            ALTER TABLE "consents"
            ADD CONSTRAINT "consents_client_id_fkey" FOREIGN KEY ("client_id") REFERENCES "clients"("client_id") ON DELETE CASCADE ON UPDATE NO ACTION
        `);
    await queryRunner.query(`
            ALTER TABLE "interactions"
            ADD CONSTRAINT "interactions_client_id_fkey" FOREIGN KEY ("client_id") REFERENCES "clients"("client_id") ON DELETE CASCADE ON UPDATE NO ACTION
        `);
    await queryRunner.query(`
            ALTER TABLE "interactions"
            ADD CONSTRAINT "interactions_session_id_fkey" FOREIGN KEY ("session_id") REFERENCES "sessions"("id") ON DELETE CASCADE ON UPDATE NO ACTION
        `);
    await queryRunner.query(`
            ALTER TABLE "logout_delivery_attempts"
            ADD CONSTRAINT "logout_delivery_attempts_delivery_id_fkey" FOREIGN KEY ("delivery_id") REFERENCES "logout_deliveries"("id") ON DELETE CASCADE ON UPDATE NO ACTION
        `);
    await queryRunner.query(`
            ALTER TABLE "logout_deliveries"
            ADD CONSTRAINT "logout_deliveries_termination_id_fkey" FOREIGN KEY ("termination_id") REFERENCES "session_terminations"("id") ON DELETE CASCADE ON UPDATE NO ACTION
        `);
    await queryRunner.query(`
            ALTER TABLE "logout_deliveries"
            ADD CONSTRAINT "logout_deliveries_client_id_fkey" FOREIGN KEY ("client_id") REFERENCES "clients"("client_id") ON DELETE CASCADE ON UPDATE NO ACTION
        `);
    await queryRunner.query(`
            ALTER TABLE "session_clients"
            ADD CONSTRAINT "session_clients_session_id_fkey" FOREIGN KEY ("session_id") REFERENCES "sessions"("id") ON DELETE CASCADE ON UPDATE NO ACTION
        `);
    await queryRunner.query(`
            ALTER TABLE "session_clients"
            ADD CONSTRAINT "session_clients_client_id_fkey" FOREIGN KEY ("client_id") REFERENCES "clients"("client_id") ON DELETE CASCADE ON UPDATE NO ACTION
        `);
    await queryRunner.query(`
            ALTER TABLE "sessions"
            ADD CONSTRAINT "sessions_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "accounts"("id") ON DELETE CASCADE ON UPDATE NO ACTION
        `);
    await queryRunner.query(`
            ALTER TABLE "authorization_codes"
            ADD CONSTRAINT "authorization_codes_grant_id_fkey" FOREIGN KEY ("grant_id") REFERENCES "grants"("id") ON DELETE CASCADE ON UPDATE NO ACTION
        `);
    await queryRunner.query(`
            ALTER TABLE "grants"
            ADD CONSTRAINT "grants_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "accounts"("id") ON DELETE CASCADE ON UPDATE NO ACTION
        `);
    await queryRunner.query(`
            ALTER TABLE "grants"
            ADD CONSTRAINT "grants_client_id_fkey" FOREIGN KEY ("client_id") REFERENCES "clients"("client_id") ON DELETE CASCADE ON UPDATE NO ACTION
        `);
    await queryRunner.query(`
            ALTER TABLE "grants"
            ADD CONSTRAINT "grants_session_id_fkey" FOREIGN KEY ("session_id") REFERENCES "sessions"("id") ON DELETE
            SET NULL ON UPDATE NO ACTION
        `);
    await queryRunner.query(`
            ALTER TABLE "opaque_access_tokens"
            ADD CONSTRAINT "opaque_access_tokens_grant_id_fkey" FOREIGN KEY ("grant_id") REFERENCES "grants"("id") ON DELETE CASCADE ON UPDATE NO ACTION
        `);
    await queryRunner.query(`
            ALTER TABLE "opaque_access_tokens"
            ADD CONSTRAINT "opaque_access_tokens_client_id_fkey" FOREIGN KEY ("client_id") REFERENCES "clients"("client_id") ON DELETE CASCADE ON UPDATE NO ACTION
        `);
    await queryRunner.query(`
            ALTER TABLE "refresh_tokens"
            ADD CONSTRAINT "refresh_tokens_grant_id_fkey" FOREIGN KEY ("grant_id") REFERENCES "grants"("id") ON DELETE CASCADE ON UPDATE NO ACTION
        `);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            ALTER TABLE "refresh_tokens" DROP CONSTRAINT "refresh_tokens_grant_id_fkey"
        `);
    await queryRunner.query(`
            ALTER TABLE "opaque_access_tokens" DROP CONSTRAINT "opaque_access_tokens_client_id_fkey"
        `);
    await queryRunner.query(`
            ALTER TABLE "opaque_access_tokens" DROP CONSTRAINT "opaque_access_tokens_grant_id_fkey"
        `);
    await queryRunner.query(`
            ALTER TABLE "grants" DROP CONSTRAINT "grants_session_id_fkey"
        `);
    await queryRunner.query(`
            ALTER TABLE "grants" DROP CONSTRAINT "grants_client_id_fkey"
        `);
    await queryRunner.query(`
            ALTER TABLE "grants" DROP CONSTRAINT "grants_account_id_fkey"
        `);
    await queryRunner.query(`
            ALTER TABLE "authorization_codes" DROP CONSTRAINT "authorization_codes_grant_id_fkey"
        `);
    await queryRunner.query(`
            ALTER TABLE "sessions" DROP CONSTRAINT "sessions_account_id_fkey"
        `);
    await queryRunner.query(`
            ALTER TABLE "session_clients" DROP CONSTRAINT "session_clients_client_id_fkey"
        `);
    await queryRunner.query(`
            ALTER TABLE "session_clients" DROP CONSTRAINT "session_clients_session_id_fkey"
        `);
    await queryRunner.query(`
            ALTER TABLE "logout_deliveries" DROP CONSTRAINT "logout_deliveries_client_id_fkey"
        `);
    await queryRunner.query(`
            ALTER TABLE "logout_deliveries" DROP CONSTRAINT "logout_deliveries_termination_id_fkey"
        `);
    await queryRunner.query(`
            ALTER TABLE "logout_delivery_attempts" DROP CONSTRAINT "logout_delivery_attempts_delivery_id_fkey"
        `);
    await queryRunner.query(`
            ALTER TABLE "interactions" DROP CONSTRAINT "interactions_session_id_fkey"
        `);
    await queryRunner.query(`
            ALTER TABLE "interactions" DROP CONSTRAINT "interactions_client_id_fkey"
        `);
    await queryRunner.query(`
            ALTER TABLE "consents" DROP CONSTRAINT "consents_client_id_fkey"
        `);
    await queryRunner.query(`
            ALTER TABLE "consents" DROP CONSTRAINT "consents_account_id_fkey"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."revoked_access_tokens_expires_at_idx"
        `);
    await queryRunner.query(`
            DROP TABLE "revoked_access_tokens"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."refresh_tokens_grant_id_idx"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."refresh_tokens_expires_at_idx"
        `);
    await queryRunner.query(`
            DROP TABLE "refresh_tokens"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."opaque_access_tokens_grant_id_idx"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."opaque_access_tokens_expires_at_idx"
        `);
    await queryRunner.query(`
            DROP TABLE "opaque_access_tokens"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."grants_session_id_idx"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."grants_account_id_idx"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."grants_client_id_idx"
        `);
    await queryRunner.query(`
            DROP TABLE "grants"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."authorization_codes_grant_id_idx"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."authorization_codes_expires_at_idx"
        `);
    await queryRunner.query(`
            DROP TABLE "authorization_codes"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."sessions_cookie_hash_key"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."sessions_live_account_idx"
        `);
    await queryRunner.query(`
            DROP TABLE "sessions"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."session_clients_client_id_sid_key"
        `);
    await queryRunner.query(`
            DROP TABLE "session_clients"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."session_terminations_occurred_at_idx"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."session_terminations_account_id_idx"
        `);
    await queryRunner.query(`
            DROP TABLE "session_terminations"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."logout_deliveries_due_idx"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."logout_deliveries_termination_id_idx"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."logout_deliveries_created_at_idx"
        `);
    await queryRunner.query(`
            DROP TABLE "logout_deliveries"
        `);
    await queryRunner.query(`
            DROP TABLE "logout_delivery_attempts"
        `);
    await queryRunner.query(`
            DROP TABLE "signing_keys"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."used_client_assertions_expires_at_idx"
        `);
    await queryRunner.query(`
            DROP TABLE "used_client_assertions"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."clients_created_at_idx"
        `);
    await queryRunner.query(`
            DROP TABLE "clients"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."interactions_expires_at_idx"
        `);
    await queryRunner.query(`
            DROP TABLE "interactions"
        `);
    await queryRunner.query(`
            DROP TABLE "consents"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."rate_limits_expire_idx"
        `);
    await queryRunner.query(`
            DROP TABLE "rate_limits"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."accounts_login_key"
        `);
    await queryRunner.query(`
            DROP TABLE "accounts"
        `);
  }
}
