import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/**
 * A signed receipt of one termination, kept by the day of its issue (docs/decisions/0055-the-ledger-by-day.md). Never
 * changed; retention removes the oldest ones and never from the middle.
 */
@Entity('logout_receipts')
@Index('logout_receipts_termination_id_idx', ['terminationId', 'revision'])
export class LogoutReceiptEntity {
  /** Without gaps: the order in which they were issued. */
  @PrimaryColumn('bigint', { primaryKeyConstraintName: 'logout_receipts_pkey' })
  sequence: string;

  /** No foreign key: what retention removes is decided by the chain, not by the termination. */
  @Column('uuid', { name: 'termination_id' })
  terminationId: string;

  /** 1, and one more whenever a notice of the termination ended once more. */
  @Column('integer')
  revision: number;

  @Column('text')
  jws: string;

  /** SHA-256 of the JWS, base64url. */
  @Column('text')
  hash: string;

  /** Of the receipt before; null for the first of all. */
  @Column('text', { name: 'previous_hash', nullable: true })
  previousHash: string | null;

  /** It never goes back along the chain. In the key, since the day hangs on it. */
  @PrimaryColumn('timestamptz', { name: 'issued_at', primaryKeyConstraintName: 'logout_receipts_pkey' })
  issuedAt: Date;
}
