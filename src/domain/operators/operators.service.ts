import { Injectable } from '@nestjs/common';
import { HOUR } from '../../platform/clock/durations.js';
import { displayName } from '../accounts/account.js';
import { AccountsService } from '../accounts/accounts.service.js';
import { clientName } from '../clients/client.js';
import { Clock } from '../../platform/clock/clock.js';
import { SessionsService } from '../sessions/sessions.service.js';
import { ClientConsoleSessions } from './client-console-sessions.js';

/** An operator who signed in longer ago is asked again: a session may live for weeks. */
const ACCOUNT_MAX_AGE_MS = 12 * HOUR;

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

/** The values of the two cookies that can let an operator in. */
export interface ConsoleCookies {
  readonly session: string | undefined;
  readonly console: string | undefined;
}

/**
 * Who may look at the console: an account with the role `operator` in its ordinary session, or a holder of the secret
 * of a client with the scope `exeunt:admin`. Checked at every request, so losing the role, the session or the client
 * has effect at once.
 */
@Injectable()
export class OperatorsService {
  constructor(
    private readonly sessions: SessionsService,
    private readonly accounts: AccountsService,
    private readonly clientSessions: ClientConsoleSessions,
    private readonly clock: Clock,
  ) {}

  async admit(cookies: ConsoleCookies): Promise<Admission> {
    const client = await this.clientSessions.find(cookies.console);
    if (client !== undefined)
      return { kind: 'operator', operator: { kind: 'client', id: client.clientId, name: clientName(client) } };
    return this.admitSession(cookies.session);
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
}
