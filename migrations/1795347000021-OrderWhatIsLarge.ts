import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Orders also carry out what a change ends when that is too much for one statement, by its own cause; and they count their
 * sessions in steps. Those that are under way begin their phase again, since they look along other indexes: what they have
 * dealt with is not found again.
 */
export class OrderWhatIsLarge1795347000021 implements MigrationInterface {
  name = 'OrderWhatIsLarge1795347000021';

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            ALTER TABLE "logout_orders"
            ADD "ordered_by" text NOT NULL DEFAULT 'operator',
                ADD "cause" text NOT NULL DEFAULT 'logout_order',
                ADD "counted" integer NOT NULL DEFAULT '0',
                ADD CONSTRAINT "logout_orders_ordered_by_check" CHECK (ordered_by IN ('operator', 'client'))
        `);
    await queryRunner.query(`UPDATE "logout_orders" SET cursor = NULL WHERE state <> 'done'`);
  }

  /** What was ended by an order for a change stays recorded as that; one that is under way goes on as an order. */
  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`UPDATE "logout_orders" SET cursor = NULL WHERE state <> 'done'`);
    await queryRunner.query(`
            ALTER TABLE "logout_orders" DROP CONSTRAINT "logout_orders_ordered_by_check",
                DROP COLUMN "counted",
                DROP COLUMN "cause",
                DROP COLUMN "ordered_by"
        `);
  }
}
