import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Keys of sessions and of what belongs to one begin with the account. Up writes every row of `session_clients` and
 * `session_upstreams` and builds four keys and five indexes; the tables are locked meanwhile.
 *
 * Nothing but its own statements leads from `grants` to a session any more. Down forgets the session of a grant whose row is
 * gone.
 */
export class KeySessionsByAccount1795347000001 implements MigrationInterface {
  name = 'KeySessionsByAccount1795347000001';

  public async up(queryRunner: QueryRunner): Promise<void> {
    const statements = [
      ...['grants', 'session_clients', 'session_upstreams'].map(
        (table) => `ALTER TABLE "${table}" DROP CONSTRAINT "${table}_session_id_fkey"`,
      ),
      ...this.sessionsUp(),
      ...this.childUp('session_clients', 'client_id'),
      `DROP INDEX "session_clients_client_id_sid_key"`,
      `CREATE UNIQUE INDEX "session_clients_account_id_client_id_sid_key" ON "session_clients" ("account_id", "client_id", "sid")`,
      ...this.childUp('session_upstreams', 'issuer'),
      `DROP INDEX "session_upstreams_upstream_id_idx"`,
      `CREATE INDEX "session_upstreams_upstream_id_idx" ON "session_upstreams" ("upstream_id", "account_id", "session_id")`,
    ];
    for (const statement of statements) await queryRunner.query(statement);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    const statements = [
      `DROP INDEX "session_clients_account_id_client_id_sid_key"`,
      `DROP INDEX "session_upstreams_upstream_id_idx"`,
      ...['session_clients', 'session_upstreams'].map(
        (table) => `ALTER TABLE "${table}" DROP CONSTRAINT "${table}_account_id_session_id_fkey"`,
      ),
      ...this.sessionsDown(),
      ...this.childDown('session_clients', 'client_id'),
      `CREATE UNIQUE INDEX "session_clients_client_id_sid_key" ON "session_clients" ("client_id", "sid")`,
      ...this.childDown('session_upstreams', 'issuer'),
      `CREATE INDEX "session_upstreams_upstream_id_idx" ON "session_upstreams" ("upstream_id", "session_id")`,
      `UPDATE "grants" t SET session_id = NULL
          WHERE session_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM "sessions" s WHERE s.id = t.session_id)`,
      this.foreignKey('grants', 'SET NULL'),
    ];
    for (const statement of statements) await queryRunner.query(statement);
  }

  private sessionsUp(): string[] {
    return [
      `ALTER TABLE "sessions" DROP CONSTRAINT "sessions_pkey"`,
      `ALTER TABLE "sessions" ADD CONSTRAINT "sessions_pkey" PRIMARY KEY ("account_id", "id")`,
      `ALTER TABLE "sessions" ADD "before_routing" boolean NOT NULL DEFAULT true`,
      `ALTER TABLE "sessions" ALTER COLUMN "before_routing" SET DEFAULT false`,
      `DROP INDEX "sessions_cookie_hash_key"`,
      `DROP INDEX "sessions_live_account_idx"`,
      `CREATE UNIQUE INDEX "sessions_account_id_cookie_hash_key" ON "sessions" ("account_id", "cookie_hash")`,
      `CREATE INDEX "sessions_id_idx" ON "sessions" ("id")`,
      `CREATE INDEX "sessions_before_routing_cookie_hash_idx" ON "sessions" ("cookie_hash") WHERE before_routing`,
      `CREATE INDEX "sessions_live_account_id_id_idx" ON "sessions" ("account_id", "id") WHERE terminated_at IS NULL`,
    ];
  }

  private sessionsDown(): string[] {
    return [
      `DROP INDEX "sessions_live_account_id_id_idx"`,
      `DROP INDEX "sessions_before_routing_cookie_hash_idx"`,
      `DROP INDEX "sessions_id_idx"`,
      `DROP INDEX "sessions_account_id_cookie_hash_key"`,
      `CREATE INDEX "sessions_live_account_idx" ON "sessions" ("account_id") WHERE terminated_at IS NULL`,
      `CREATE UNIQUE INDEX "sessions_cookie_hash_key" ON "sessions" ("cookie_hash")`,
      `ALTER TABLE "sessions" DROP COLUMN "before_routing"`,
      `ALTER TABLE "sessions" DROP CONSTRAINT "sessions_pkey"`,
      `ALTER TABLE "sessions" ADD CONSTRAINT "sessions_pkey" PRIMARY KEY ("id")`,
    ];
  }

  private childUp(table: string, last: string): string[] {
    return [
      `ALTER TABLE "${table}" ADD "account_id" uuid`,
      `UPDATE "${table}" t SET account_id = s.account_id FROM "sessions" s WHERE s.id = t.session_id`,
      `ALTER TABLE "${table}" ALTER COLUMN "account_id" SET NOT NULL`,
      `ALTER TABLE "${table}" DROP CONSTRAINT "${table}_pkey"`,
      `ALTER TABLE "${table}" ADD CONSTRAINT "${table}_pkey" PRIMARY KEY ("account_id", "session_id", "${last}")`,
      `ALTER TABLE "${table}" ADD CONSTRAINT "${table}_account_id_session_id_fkey"
         FOREIGN KEY ("account_id", "session_id") REFERENCES "sessions" ("account_id", "id") ON DELETE CASCADE`,
    ];
  }

  private childDown(table: string, last: string): string[] {
    return [
      `ALTER TABLE "${table}" DROP CONSTRAINT "${table}_pkey"`,
      `ALTER TABLE "${table}" DROP COLUMN "account_id"`,
      `ALTER TABLE "${table}" ADD CONSTRAINT "${table}_pkey" PRIMARY KEY ("session_id", "${last}")`,
      this.foreignKey(table, 'CASCADE'),
    ];
  }

  private foreignKey(table: string, onDelete: string): string {
    return `ALTER TABLE "${table}" ADD CONSTRAINT "${table}_session_id_fkey"
       FOREIGN KEY ("session_id") REFERENCES "sessions" ("id") ON DELETE ${onDelete}`;
  }
}
