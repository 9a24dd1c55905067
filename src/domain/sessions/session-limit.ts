import { Injectable } from '@nestjs/common';
import type { Tx } from '../../platform/database/transaction.js';

type Enforcer = (tx: Tx, accountId: string, newSessionId: string, limit: number) => Promise<void>;

/**
 * A sign-in may make one session too many. Ending sessions is a matter of `logout`, which stands above this module; it
 * registers here at start. Without it no session begins where a limit is set, so that none is ever forgotten.
 */
@Injectable()
export class SessionLimit {
  private enforcer: Enforcer | undefined;

  enforceWith(enforcer: Enforcer): void {
    this.enforcer = enforcer;
  }

  /** As a part of the transaction in which the session begins, which holds the account's row locked. */
  async enforce(tx: Tx, accountId: string, newSessionId: string, limit: number): Promise<void> {
    if (this.enforcer === undefined) throw new Error('nobody enforces the limit of sessions');
    await this.enforcer(tx, accountId, newSessionId, limit);
  }
}
