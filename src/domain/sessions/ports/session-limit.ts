import type { Tx } from '../../../platform/database/transaction.js';

/** A sign-in may make one session too many. Ending sessions is a matter of `logout`, which stands above and binds this. */
export abstract class SessionLimit {
  /**
   * Ends what is beyond the limit, in the transaction in which the session begins, which holds the account's row locked.
   * @throws what storage throws: then the session does not begin
   */
  abstract enforce(tx: Tx, accountId: string, newSessionId: string, limit: number): Promise<void>;
}
