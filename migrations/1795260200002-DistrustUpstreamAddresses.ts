import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Addresses that other providers called verified count as such only where `trust_email` is set, which it is nowhere yet. */
export class DistrustUpstreamAddresses1795260200002 implements MigrationInterface {
  name = 'DistrustUpstreamAddresses1795260200002';

  public async up(queryRunner: QueryRunner): Promise<void> {
    for (const flag of ['email_verified', 'phone_number_verified'])
      await queryRunner.query(
        `UPDATE "accounts" SET "claims" = "claims" || jsonb_build_object('${flag}', false)
          WHERE "claims" -> '${flag}' = 'true'::jsonb
            AND "id" IN (SELECT "account_id" FROM "upstream_identities" WHERE "owns_claims")`,
      );
  }

  /** What a provider says comes back with the next sign-in. */
  public async down(): Promise<void> {}
}
