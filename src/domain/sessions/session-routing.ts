import { Injectable } from '@nestjs/common';
import { TransactionRunner } from '../../platform/database/transaction.js';
import { AccountRouting } from '../../platform/keys/account-routing.js';
import { sha256 } from '../../platform/oidc/secret.js';
import { accountOfOldCookie } from './before-routing.js';

const COOKIE = { randomBytes: 24, ids: 1 } as const;
const SID = { randomBytes: 16, ids: 1 } as const;

/** By what a session is looked up where its cookie is there. */
export interface CookieKey {
  readonly accountId: string;
  readonly cookieHash: Buffer;
}

/** What names a session to others, a browser's cookie and the `sid` of a client, names its account as well. */
@Injectable()
export class SessionRouting {
  constructor(
    private readonly routing: AccountRouting,
    private readonly transactions: TransactionRunner,
  ) {}

  /** The value of a cookie, with 192 random bits. */
  newCookie(accountId: string): string {
    return this.routing.create(COOKIE, accountId);
  }

  /** A `sid` that no other client is given (Back-Channel Logout 1.0 §2.1). */
  newSid(accountId: string): string {
    return this.routing.create(SID, accountId);
  }

  /** Says nothing of whether there is such a session. Undefined: there is none. */
  async readCookie(cookie: string): Promise<CookieKey | undefined> {
    const cookieHash = sha256(cookie);
    const [routed] = this.routing.read(COOKIE, cookie) ?? [];
    const accountId = routed ?? (await accountOfOldCookie(this.transactions, cookieHash));
    return accountId === undefined ? undefined : { accountId, cookieHash };
  }
}
