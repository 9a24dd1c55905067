import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

@Entity('accounts')
// A login is one person however it is capitalised. It is stored in lower case.
@Index('accounts_login_key', ['login'], { unique: true })
export class AccountEntity {
  /** Published as `sub`; never reassigned. */
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'accounts_pkey' })
  id: string;

  @Column('text')
  login: string;

  @Column('text', { name: 'password_hash', nullable: true })
  passwordHash: string | null;

  /** Standard claims (OpenID Connect Core 1.0 §5.1), `email` among them. */
  @Column('jsonb', { default: {} })
  claims: Record<string, unknown>;

  /**
   * When the claims, or the login that stands in for one of them, changed: the claim `updated_at`. A new password is no
   * change of them.
   */
  @Column('timestamptz', { name: 'claims_updated_at', default: () => 'now()' })
  claimsUpdatedAt: Date;

  /** What the person may do here besides signing in; `operator` opens the console. */
  @Column('text', { array: true, default: [] })
  roles: string[];

  /**
   * Sessions and grants that began before this moment are dead, however many there are
   * (docs/decisions/0025-logout-orders-are-epochs.md).
   */
  @Column('timestamptz', { name: 'not_before', nullable: true })
  notBefore: Date | null;

  @Column('timestamptz', { name: 'disabled_at', nullable: true })
  disabledAt: Date | null;

  @Column('timestamptz', { name: 'password_changed_at', nullable: true })
  passwordChangedAt: Date | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  @Column('timestamptz', { name: 'updated_at' })
  updatedAt: Date;
}
