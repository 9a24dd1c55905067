import { readFileSync } from 'node:fs';
import type { ClientBase } from 'pg';

const FILL = readFileSync(new URL('../../bench/scale/fill.sql', import.meta.url), 'utf8');

/** What `bench/scale/fill.sql` takes, by the names that it has there. */
export interface Filling {
  readonly sessions: number;
  readonly now: Date;
  readonly clientId: string;
  /** The number of the last receipt that is there. */
  readonly receiptsBefore?: string | number | undefined;
}

/** Fills a database with sessions of one application, and what hangs on them, each of another person. */
export async function fillWith(client: ClientBase, filling: Filling): Promise<void> {
  const settings = {
    receipts_before: filling.receiptsBefore ?? 0,
    from: 1,
    to: filling.sessions,
    now: filling.now.toISOString(),
    clients: filling.clientId,
    participants: 1,
    per_account: 1,
  };
  for (const [name, value] of Object.entries(settings))
    await client.query('SELECT set_config($1, $2, false)', [`fill.${name}`, String(value)]);
  await client.query(FILL);
}
