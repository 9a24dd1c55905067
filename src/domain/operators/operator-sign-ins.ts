import { Injectable } from '@nestjs/common';
import type { AuditDetails } from '../../platform/audit/audit-event.js';
import { AuditLog } from '../../platform/audit/audit-log.js';
import type { AddressLimiter } from '../../platform/rate-limits/address-limiter.js';
import { RateLimits } from '../../platform/rate-limits/rate-limits.js';
import { AccountsService } from '../accounts/accounts.service.js';
import { isAdministrator } from '../clients/client.js';
import { ClientAuthenticator } from '../clients/proofs/client-authenticator.js';
import { ClientConsoleSessions } from './client-console-sessions.js';
import type { Operator } from './operators.service.js';

const ATTEMPTS_PER_MINUTE = 20;

export type ClientSignIn =
  | { readonly kind: 'signed_in'; readonly cookie: string }
  | { readonly kind: 'wrong_credentials' }
  | { readonly kind: 'too_many_attempts'; readonly retryAfterSeconds: number };

/** Lets operators into the console, limits the attempts, and puts each on record, refused ones too. */
@Injectable()
export class OperatorSignIns {
  private readonly attempts: AddressLimiter;

  constructor(
    private readonly accounts: AccountsService,
    private readonly authenticator: ClientAuthenticator,
    private readonly sessions: ClientConsoleSessions,
    private readonly audit: AuditLog,
    limits: RateLimits,
  ) {
    this.attempts = limits.addressLimiter('console_sign_in', ATTEMPTS_PER_MINUTE, 60);
  }

  /** By the secret of an admin client. Wrong ids and wrong secrets are one answer. */
  async signInClient(clientId: string, secret: string, address: string): Promise<ClientSignIn> {
    const retryAfterSeconds = await this.attempts.consume(address);
    if (retryAfterSeconds !== undefined) {
      await this.refused('client', 'too_many_attempts', address);
      return { kind: 'too_many_attempts', retryAfterSeconds };
    }
    const client = await this.authenticator.findBySecret([{ clientId, secret }], address);
    if (client === undefined || !isAdministrator(client)) {
      await this.refused('client', client === undefined ? 'wrong_credentials' : 'not_an_operator', address);
      return { kind: 'wrong_credentials' };
    }
    // Before the cookie: a sign-in that cannot be put on record is refused.
    await this.audit.record({
      event: 'console_sign_in',
      outcome: 'done',
      details: { by: 'client', client_id: client.clientId, address },
    });
    return { kind: 'signed_in', cookie: await this.sessions.begin(client) };
  }

  /** An account has just proved its password: on record, whether or not it is an operator's. */
  async signedIn(accountId: string, address: string): Promise<boolean> {
    const account = await this.accounts.find(accountId);
    const isOperator = account?.roles.includes('operator') === true;
    if (!isOperator) await this.refused('account', 'not_an_operator', address, accountId);
    else
      await this.audit.record({
        event: 'console_sign_in',
        outcome: 'done',
        details: { by: 'account', account_id: accountId, address },
      });
    return isOperator;
  }

  /** What was typed is not on record: it may be a password in the wrong field. */
  refused(by: Operator['kind'], reason: string, address: string, accountId?: string): Promise<void> {
    const whose: AuditDetails = accountId === undefined ? {} : { account_id: accountId };
    return this.audit.recordRefusal('console_sign_in', { by, reason, address, ...whose });
  }
}
