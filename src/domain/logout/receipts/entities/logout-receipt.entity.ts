import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** A signed receipt of one termination. Never changed; retention removes the oldest ones and never from the middle. */
@Entity('logout_receipts')
@Index('logout_receipts_termination_id_revision_key', ['terminationId', 'revision'], { unique: true })
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

  @Column('timestamptz', { name: 'issued_at' })
  issuedAt: Date;
}
