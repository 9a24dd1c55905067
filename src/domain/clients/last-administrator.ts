import type { Tx } from '../../platform/database/transaction.js';
import { ConflictError } from '../../platform/oidc/errors.js';
import { ADMINISTERS, ADMINISTRATORS, LOCK_ADMINISTRATORS } from './administrators.sql.js';

/** "exea" in ASCII. */
const LOCK = 0x65786561;

/** Whether this client, which the transaction has locked, can use the admin API. */
export async function canAdminister(tx: Tx, clientId: string, issuer: string): Promise<boolean> {
  const [row] = await tx.query(ADMINISTERS, { clientId, issuer });
  return row?.administers === true;
}

/** Whether any client can use the admin API. */
export async function someoneAdministers(tx: Tx, issuer: string): Promise<boolean> {
  return (await tx.query(ADMINISTRATORS, { issuer })).length > 0;
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
  await tx.query(LOCK_ADMINISTRATORS, { lock: LOCK });
  const left = await tx.query(ADMINISTRATORS, { issuer });
  const alone = left.length === 1 && left[0]?.client_id === clientId;
  if (left.length === 0 || (alone && !changed.proofStays)) {
    throw new ConflictError(
      'This is the last client that can administer the service, and nobody could undo this. Register another client with scope exeunt:admin and grant type client_credentials first.',
    );
  }
  return changed;
}
