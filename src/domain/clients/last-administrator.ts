import { statement } from '../../platform/database/statement.js';
import type { Tx } from '../../platform/database/transaction.js';
import { ConflictError } from '../../platform/oidc/errors.js';
import { clientMayAdminister } from './clients.sql.js';

/** One for all changes that take an administrator away, so that two of them never each count on the other. */
const LOCK = 0x65786561;

const ADMINISTERS = statement(
  'clients_administers',
  `SELECT ${clientMayAdminister('c', '$2')} AS administers FROM clients c
    WHERE c.client_id = $1 AND c.deleted_at IS NULL FOR NO KEY UPDATE OF c`,
);
const TAKE_TURNS = statement('clients_administrators_lock', 'SELECT pg_advisory_xact_lock($1)');
/** Two are enough to know: whether there is one, and whether it stands alone. */
const ADMINISTRATORS = statement(
  'clients_administrators',
  `SELECT c.client_id FROM clients c WHERE ${clientMayAdminister('c', '$1')} LIMIT 2`,
);

/** Whether this client, which the transaction has locked, can use the admin API. */
export async function canAdminister(tx: Tx, clientId: string, issuer: string): Promise<boolean> {
  const [row] = await tx.query<{ administers: boolean }>(ADMINISTERS, [clientId, issuer]);
  return row?.administers === true;
}

/** Whether any client can use the admin API. */
export async function someoneAdministers(tx: Tx, issuer: string): Promise<boolean> {
  return (await tx.query(ADMINISTRATORS, [issuer])).length > 0;
}

/**
 * Carries out a change of a client, unless after it the admin API could not be used: no client with its scope, or none
 * that is known to be able to prove itself. Two such changes at once wait for each other.
 *
 * @param change says whether what the client proves itself by today will do so afterwards
 * @throws ConflictError; the caller rolls its transaction back
 */
export async function keepingAnAdministrator<T extends { readonly proofStays: boolean }>(
  tx: Tx,
  clientId: string,
  issuer: string,
  change: () => Promise<T>,
): Promise<T> {
  const didAdminister = await canAdminister(tx, clientId, issuer);
  const changed = await change();
  if (!didAdminister) return changed;
  await tx.query(TAKE_TURNS, [LOCK]);
  const left = await tx.query<{ client_id: string }>(ADMINISTRATORS, [issuer]);
  const alone = left.length === 1 && left[0]?.client_id === clientId;
  if (left.length === 0 || (alone && !changed.proofStays)) {
    throw new ConflictError(
      'This is the last client that can administer the service, and nobody could undo this. Register another client with scope exeunt:admin and grant type client_credentials first.',
    );
  }
  return changed;
}
