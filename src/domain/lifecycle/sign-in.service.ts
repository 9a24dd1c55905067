import { Injectable } from '@nestjs/common';
import type { Account, SignInOutcome } from '../accounts/account.js';
import { PasswordSignIn } from '../accounts/password-sign-in.service.js';
import type { Tx } from '../../platform/database/transaction.js';
import { LogoutService } from '../logout/command/logout.service.js';
import { Metrics } from '../../platform/metrics/metrics.js';
import type { Browser, SignedInSession } from '../sessions/session.js';
import { SessionsService, type StartedSession } from '../sessions/sessions.service.js';
import type { UpstreamPerson } from '../upstreams/upstream-person.js';
import { UpstreamSessions, type UpstreamSignIn } from '../upstreams/upstream-sessions.service.js';
import type { Upstream } from '../upstreams/upstream.js';
import { InteractionsService } from '../interactions/interactions.service.js';

export type SignIn =
  | { readonly kind: 'signed_in'; readonly account: Account; readonly started: StartedSession }
  | Exclude<SignInOutcome, { kind: 'signed_in' }>;

const AMR_PASSWORD = ['pwd'];

/** From a password, or another provider's word, to a session. */
@Injectable()
export class SignInService {
  constructor(
    private readonly passwords: PasswordSignIn,
    private readonly interactions: InteractionsService,
    private readonly sessions: SessionsService,
    private readonly upstreamSessions: UpstreamSessions,
    private readonly logoutService: LogoutService,
    private readonly metrics: Metrics,
  ) {}

  /**
   * The same person again keeps the session and gets a new cookie. Another person's sign-in in the same browser ends
   * the session that was there, everywhere: on a shared machine no person meets the tokens of the one before
   * (docs/threat-model.md#reused-session-id).
   * @param interactionId where it happens within one: however often its form is sent, it begins one session
   */
  async signIn(
    login: string,
    password: string,
    browser: Browser,
    current: SignedInSession | undefined,
    interactionId?: string,
  ): Promise<SignIn> {
    const outcome = await this.passwords.signIn(login, password, browser.address ?? '');
    if (outcome.kind !== 'signed_in') return outcome;
    const { account } = outcome;
    const own = current?.accountId === account.id ? current.id : undefined;
    const begin = async (tx?: Tx, earlier?: string): Promise<StartedSession | undefined> => {
      const id = own ?? earlier;
      const again =
        id === undefined ? undefined : await this.sessions.reauthenticate(id, account, AMR_PASSWORD, browser, tx);
      return again ?? (await this.sessions.begin(account, AMR_PASSWORD, browser, tx));
    };
    const started = await (interactionId === undefined ? begin() : this.interactions.signedIn(interactionId, begin));
    if (started === undefined) return { kind: 'wrong_credentials' };
    await this.endOf(current, account.id);
    return { kind: 'signed_in', account, started };
  }

  /** As {@link signIn}, by an upstream's word for the person. */
  async signInByUpstream(
    upstream: Upstream,
    person: UpstreamPerson,
    browser: Browser,
    current: SignedInSession | undefined,
  ): Promise<UpstreamSignIn> {
    const outcome = await this.upstreamSessions.begin(upstream, person, browser, current);
    this.metrics.countSignIn('upstream', outcome.kind === 'signed_in' ? 'done' : 'refused');
    if (outcome.kind === 'signed_in') await this.endOf(current, outcome.accountId);
    return outcome;
  }

  private async endOf(current: SignedInSession | undefined, accountId: string): Promise<void> {
    if (current === undefined || current.accountId === accountId) return;
    await this.logoutService.logout({
      target: { kind: 'session', sessionId: current.id },
      cause: 'account_switched',
      initiator: { kind: 'user', accountId: current.accountId },
    });
  }
}
