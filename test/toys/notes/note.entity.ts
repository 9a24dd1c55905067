import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** What a person wrote down here. */
@Entity('notes')
@Index('notes_account_id_idx', ['accountId', 'leftAt'])
export class NoteEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'notes_pkey' })
  id: string;

  @ForeignKey('accounts', { name: 'notes_account_id_fkey', onDelete: 'CASCADE' })
  @Column('uuid', { name: 'account_id' })
  accountId: string;

  @Column('text')
  text: string;

  @Column('timestamptz', { name: 'left_at' })
  leftAt: Date;
}
