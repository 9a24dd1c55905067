import { Injectable } from '@nestjs/common';
import { v7 as uuid } from 'uuid';
import { Clock } from '../../../src/platform/clock/clock.js';
import { statement } from '../../../src/platform/database/statement.js';
import { TransactionRunner, type Tx } from '../../../src/platform/database/transaction.js';

const LEAVE = statement({
  name: 'notes_leave',
  parameters: { id: 'uuid', accountId: 'uuid', text: 'text', now: 'timestamptz' },
  text: 'INSERT INTO notes (id, account_id, text, left_at) VALUES (:id, :accountId, :text, :now)',
});

const LIST = statement({
  name: 'notes_list',
  parameters: { accountId: 'uuid' },
  row: { text: 'text', left_at: 'timestamptz' },
  text: 'SELECT text, left_at FROM notes WHERE account_id = :accountId ORDER BY left_at, id',
});

export const NOTE_STATEMENTS = [LEAVE, LIST];

/** Owns the table `notes`. */
@Injectable()
export class NoteRepository {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly clock: Clock,
  ) {}

  async leave(tx: Tx, accountId: string, text: string): Promise<void> {
    await tx.query(LEAVE, { id: uuid(), accountId, text, now: this.clock.now() });
  }

  /** Oldest first. */
  async list(accountId: string): Promise<readonly string[]> {
    const rows = await this.transactions.query(LIST, { accountId });
    return rows.map(({ text }) => text);
  }
}
