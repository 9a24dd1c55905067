import { Injectable } from '@nestjs/common';
import type { Account, SignInOutcome } from '../accounts/account.js';
import { PasswordSignIn } from '../accounts/password-sign-in.service.js';
import { LogoutService } from '../logout/command/logout.service.js';
import { Metrics } from '../../platform/metrics/metrics.js';
import type { Browser, SignedInSession } from '../sessions/session.js';
import type { UpstreamPerson } from '../upstreams/upstream-person.js';
import { UpstreamSessions, type UpstreamSignIn } from '../upstreams/upstream-sessions.service.js';
import type { Upstream } from '../upstreams/upstream.js';
import type { CurrentInteraction } from '../interactions/interaction.js';
import { PasswordSessions, type PasswordSession } from './password-sessions.service.js';

export type SignIn =
  | ({ readonly kind: 'signed_in'; readonly account: Account } & PasswordSession)
  | Exclude<SignInOutcome, { kind: 'signed_in' }>;

/** From a password, or another provider's word, to a session. */
@Injectable()
export class SignInService {
  constructor(
    private readonly passwords: PasswordSignIn,
    private readonly passwordSessions: PasswordSessions,
    private readonly upstreamSessions: UpstreamSessions,
    private readonly logoutService: LogoutService,
    private readonly metrics: Metrics,
  ) {}

  /**
   * The same person again keeps the session and gets a new cookie. Another person's sign-in in the same browser ends
   * the session that was there, everywhere: on a shared machine no person meets the tokens of the one before
   * (docs/threat-model.md#reused-session-id).
   * @param interaction where it happens within one: however often its form is sent, it begins one session
   */
  async signIn(
    login: string,
    password: string,
    browser: Browser,
    current: SignedInSession | undefined,
    interaction?: CurrentInteraction,
  ): Promise<SignIn> {
    const outcome = await this.passwords.check(login, password, browser.address ?? '');
    if (outcome.kind !== 'signed_in') return outcome;
    const { account } = outcome;
    const own = current?.accountId === account.id ? current.id : undefined;
    const begun = await (interaction === undefined
      ? this.passwordSessions.begin(account, browser, own)
      : this.passwordSessions.beginWithin(interaction, account, browser, own));
    if (begun === undefined) return { kind: 'wrong_credentials' };
    await this.endOf(current, account.id);
    return { kind: 'signed_in', account, ...begun };
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
      target: { kind: 'account-session', accountId: current.accountId, sessionId: current.id },
      cause: 'account_switched',
      initiator: { kind: 'user', accountId: current.accountId },
    });
  }
}
