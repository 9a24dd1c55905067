import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A notice remembers its logout's place in a trace, so that every attempt continues it. Null where there are no traces. */
export class KeepTheTraceOfANotice1795347000090 implements MigrationInterface {
  name = 'KeepTheTraceOfANotice1795347000090';

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "logout_deliveries" ADD "traceparent" text`);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "logout_deliveries" DROP COLUMN "traceparent"`);
  }
}
