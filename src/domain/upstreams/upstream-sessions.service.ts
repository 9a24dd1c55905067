import { Injectable } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.js';
import { isRefusedValue } from '../../platform/database/storage-errors.js';
import { TransactionRunner, type Tx } from '../../platform/database/transaction.js';
import type { Browser } from '../sessions/session.js';
import { SessionSignIns, type StartedSession } from '../sessions/session-sign-ins.service.js';
import { FEDERATED_AMR } from '../../platform/oidc/authentication-context.js';
import { ConflictError } from '../../platform/oidc/errors.js';
import { UpstreamIdentities } from './upstream-identities.service.js';
import { UpstreamLinks } from './upstream-links.service.js';
import { UpstreamLogoutTokens } from './upstream-logout-tokens.service.js';
import type { UpstreamPerson } from './upstream-person.js';
import { UpstreamSignInError } from './upstream-errors.js';
import type { Upstream } from './upstream.js';

/** What came of a sign-in that an upstream vouched for. */
export type UpstreamSignIn =
  | {
      readonly kind: 'signed_in';
      readonly accountId: string;
      readonly amr: readonly string[];
      /** `auth_time` */
      readonly authenticatedAt: Date;
      readonly started: StartedSession;
    }
  /** No account is this person's, and the upstream may not make accounts. */
  | { readonly kind: 'no_account' }
  /** Disabled, or its sessions ended by an order that is still in force. */
  | { readonly kind: 'account_unusable' }
  /** The person signed out at the upstream before we were done. */
  | { readonly kind: 'ended_meanwhile' };

/** From an upstream's word to a session here, which remembers whose word it was. */
@Injectable()
export class UpstreamSessions {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly identities: UpstreamIdentities,
    private readonly logoutTokens: UpstreamLogoutTokens,
    private readonly sessions: SessionSignIns,
    private readonly links: UpstreamLinks,
    private readonly clock: Clock,
  ) {}

  /**
   * One transaction: the account, the session, what it came by. A logout token for it either finds the session or is
   * found here.
   * @param current the browser's session; the same person's continues with a new cookie
   */
  async begin(
    upstream: Upstream,
    person: UpstreamPerson,
    browser: Browser,
    current: { readonly id: string; readonly accountId: string } | undefined,
  ): Promise<UpstreamSignIn> {
    return this.storing(async (tx) => {
      if (await this.logoutTokens.endedMeanwhile(tx, person)) return { kind: 'ended_meanwhile' };
      const account = await this.identities.accountOf(tx, upstream, person);
      if (account === undefined) return { kind: 'no_account' };
      const amr = [FEDERATED_AMR, ...person.amr];
      const again =
        current?.accountId === account.id
          ? await this.sessions.reauthenticate(current.id, account, amr, browser, tx, person.authTime)
          : undefined;
      const started = again ?? (await this.sessions.begin(account, amr, browser, tx, person.authTime));
      if (started === undefined) return { kind: 'account_unusable' };
      const who = { account_id: account.id, address: browser.address ?? null };
      await this.links.remember(tx, upstream, person, { accountId: account.id, sessionId: started.sessionId }, who);
      const authenticatedAt = person.authTime ?? this.clock.now();
      return { kind: 'signed_in', accountId: account.id, amr, authenticatedAt, started };
    });
  }

  /** What an upstream says and storage does not take is the upstream's mistake, and not our outage. */
  private async storing<Result>(work: (tx: Tx) => Promise<Result>): Promise<Result> {
    try {
      return await this.transactions.run(work);
    } catch (error) {
      if (error instanceof ConflictError || isRefusedValue(error))
        throw new UpstreamSignInError('what it says of the person cannot be kept', { cause: error });
      throw error;
    }
  }
}
