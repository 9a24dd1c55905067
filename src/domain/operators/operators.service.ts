import { Injectable } from '@nestjs/common';
import { v4 as uuid } from 'uuid';
import { HOUR, MINUTE } from '../../platform/clock/durations.js';
import { displayName } from '../accounts/account.js';
import { AccountsService } from '../accounts/accounts.service.js';
import type { AuditDetails } from '../../platform/audit/audit-event.js';
import { AuditLog } from '../../platform/audit/audit-log.js';
import { clientName, isAdministrator, type Client } from '../clients/client.js';
import { ClientAuthenticator } from '../clients/proofs/client-authenticator.js';
import { ClientsService } from '../clients/clients.service.js';
import { Clock } from '../../platform/clock/clock.js';
import { Sealer } from '../../platform/keys/sealer.js';
import type { AddressLimiter } from '../../platform/rate-limits/address-limiter.js';
import { RateLimits } from '../../platform/rate-limits/rate-limits.js';
import { ConsoleSessionRepository } from './console-session.repository.js';
import { SessionsService } from '../sessions/sessions.service.js';

const SEALED = 'console';
/** A secret in a cookie's stead is for looking something up, not for a day at the desk. */
export const CLIENT_TTL_MS = 30 * MINUTE;
/** An operator who signed in longer ago is asked again: a session may live for weeks. */
const ACCOUNT_MAX_AGE_MS = 12 * HOUR;
const ATTEMPTS_PER_MINUTE = 20;

/** An operator who may look at the console. */
export interface Operator {
  readonly kind: 'account' | 'client';
  readonly id: string;
  readonly name: string;
}

export type Admission =
  | { readonly kind: 'operator'; readonly operator: Operator }
  /** Signed in, and not as an operator. */
  | { readonly kind: 'not_an_operator'; readonly name: string }
  /** An operator whose sign-in was too long ago. */
  | { readonly kind: 'stale' }
  | { readonly kind: 'nobody' };

export type ClientSignIn =
  | { readonly kind: 'signed_in'; readonly cookie: string }
  | { readonly kind: 'wrong_credentials' }
  | { readonly kind: 'too_many_attempts'; readonly retryAfterSeconds: number };

/** The values of the two cookies that can let an operator in. */
export interface ConsoleCookies {
  readonly session: string | undefined;
  readonly console: string | undefined;
}

interface SealedClient {
  /** Of the row that must be there: leaving deletes it, and then no copy of the cookie opens anything. */
  readonly id: string;
  readonly clientId: string;
  /** A client that was changed since signs in again, and so does one that something was taken from, at any time. */
  readonly updatedAt: number;
  readonly generation: number;
}

/**
 * Who may look at the console: an account with the role `operator` in its ordinary session, or a holder of the secret
 * of a client with the scope `exeunt:admin`. Checked at every request, so losing the role, the session or the client
 * has effect at once.
 */
@Injectable()
export class OperatorsService {
  private readonly attempts: AddressLimiter;

  constructor(
    private readonly sessions: SessionsService,
    private readonly accounts: AccountsService,
    private readonly clients: ClientsService,
    private readonly authenticator: ClientAuthenticator,
    private readonly sealer: Sealer,
    private readonly audit: AuditLog,
    private readonly clock: Clock,
    private readonly consoleSessions: ConsoleSessionRepository,
    limits: RateLimits,
  ) {
    this.attempts = limits.addressLimiter('console_sign_in', ATTEMPTS_PER_MINUTE, 60);
  }

  async admit(cookies: ConsoleCookies): Promise<Admission> {
    const client = await this.clientOf(cookies.console);
    if (client !== undefined)
      return { kind: 'operator', operator: { kind: 'client', id: client.clientId, name: clientName(client) } };
    return this.admitSession(cookies.session);
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
    const value: SealedClient = {
      id: uuid(),
      clientId: client.clientId,
      updatedAt: client.updatedAt.getTime(),
      generation: client.tokenGeneration,
    };
    await this.consoleSessions.insert(value.id, value.clientId, this.clock.in(CLIENT_TTL_MS));
    return { kind: 'signed_in', cookie: this.sealer.seal(SEALED, value, CLIENT_TTL_MS) };
  }

  /** Ends a client's session of the console, in every copy of its cookie. */
  async leave(cookie: string | undefined): Promise<void> {
    const sealed = cookie === undefined ? undefined : this.sealer.open<SealedClient>(SEALED, cookie);
    if (sealed?.id !== undefined) await this.consoleSessions.delete(sealed.id);
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

  private async admitSession(cookie: string | undefined): Promise<Admission> {
    const session = await this.sessions.findByCookie(cookie);
    if (session === undefined) return { kind: 'nobody' };
    const name = displayName(session) ?? session.login;
    // An upstream that is for some applications only cannot make an operator.
    if (!session.serves) return { kind: 'not_an_operator', name };
    const account = await this.accounts.find(session.accountId);
    if (account?.disabledAt !== null || !account.roles.includes('operator')) return { kind: 'not_an_operator', name };
    if (session.authenticatedAt <= this.clock.in(-ACCOUNT_MAX_AGE_MS)) return { kind: 'stale' };
    return { kind: 'operator', operator: { kind: 'account', id: account.id, name } };
  }

  private async clientOf(cookie: string | undefined): Promise<Client | undefined> {
    const sealed = cookie === undefined ? undefined : this.sealer.open<SealedClient>(SEALED, cookie);
    if (sealed?.id === undefined) return undefined;
    if (!(await this.consoleSessions.isAlive(sealed.id, sealed.clientId, this.clock.now()))) return undefined;
    const client = await this.clients.findEnabled(sealed.clientId);
    if (client === undefined || !isAdministrator(client)) return undefined;
    const { updatedAt, tokenGeneration } = client;
    return updatedAt.getTime() === sealed.updatedAt && tokenGeneration === sealed.generation ? client : undefined;
  }
}
