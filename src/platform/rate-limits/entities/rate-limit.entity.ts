import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** Counters of the rate limiter. Pages are filled by half, so that a row that is counted on stays where it is (HOT). */
@Entity('rate_limits')
@Index('rate_limits_expire_idx', ['expire'])
export class RateLimitEntity {
  @PrimaryColumn('varchar', { length: 255, primaryKeyConstraintName: 'rate_limits_pkey' })
  key: string;

  @Column('integer', { default: 0 })
  points: number;

  /** Milliseconds since 1970. */
  @Column('bigint', { nullable: true })
  expire: string | null;
}
