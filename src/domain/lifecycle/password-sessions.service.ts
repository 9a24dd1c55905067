import { Injectable } from '@nestjs/common';
import type { Account } from '../accounts/account.js';
import { SignInRecord } from '../accounts/sign-in-record.js';
import { AuthorizationService } from '../interactions/authorization.service.js';
import type { CurrentInteraction } from '../interactions/interaction.js';
import { InteractionsService } from '../interactions/interactions.service.js';
import type { Browser, SignedInSession } from '../sessions/session.js';
import { SessionSignIns, type StartedSession } from '../sessions/session-sign-ins.service.js';
import { GrantsService, type Authorization, type AuthorizedRequest } from '../tokens/grants.service.js';
import type { Tx } from '../../platform/database/transaction.js';

/** A session that a password began or continued. */
export interface PasswordSession {
  readonly started: StartedSession;
  /** As it was written, where it is certain that nothing has changed it since: else it is to be found by its cookie. */
  readonly session?: SignedInSession | undefined;
  /** When the interaction that it happened in had been answered before; null: it was not. */
  readonly answeredAt: Date | null;
  /** What its application got by the statement that began it; undefined: that is still to be found out. */
  readonly authorization?: Authorization | undefined;
}

const AMR_PASSWORD = ['pwd'];

/**
 * From a password that was right to a session, on record. Undefined when the account was disabled, deleted or given another
 * password in between: then nothing was written.
 */
@Injectable()
export class PasswordSessions {
  constructor(
    private readonly sessions: SessionSignIns,
    private readonly interactions: InteractionsService,
    private readonly authorization: AuthorizationService,
    private readonly grants: GrantsService,
    private readonly record: SignInRecord,
  ) {}

  /** @param own the browser's session, if it is this person's: it continues with a new cookie */
  async begin(account: Account, browser: Browser, own: string | undefined): Promise<PasswordSession | undefined> {
    // Before the session: a sign-in that cannot be put on record is refused.
    await this.record.done(account.id, addressOf(browser));
    const started = await this.beginOrContinue(account, browser, own);
    return started === undefined ? undefined : { started, answeredAt: null };
  }

  /**
   * As {@link begin}, within an interaction: however often its form is sent, it begins one session. Where nothing else is to be
   * asked, its application gets its code by the statement that begins the session.
   */
  async beginWithin(
    interaction: CurrentInteraction,
    account: Account,
    browser: Browser,
    own: string | undefined,
  ): Promise<PasswordSession | undefined> {
    if (own === undefined && interaction.sessionId === undefined) {
      const began = await this.beginAtOnce(interaction, account, browser);
      if (began !== 'other_way') return began;
    }
    return this.interactions.signedIn(interaction, async (tx, earlier) => {
      const started = await this.beginOrContinue(account, browser, own ?? earlier, tx);
      if (started !== undefined) await this.record.done(account.id, addressOf(browser), tx);
      return started;
    });
  }

  /** By one statement. `other_way`: sessions are limited, or the interaction has a row already; then nothing happened. */
  private async beginAtOnce(
    interaction: CurrentInteraction,
    account: Account,
    browser: Browser,
  ): Promise<PasswordSession | 'other_way' | undefined> {
    const prepared = this.sessions.prepare(account, AMR_PASSWORD, browser);
    if (prepared === undefined) return 'other_way';
    const { started, session } = prepared;
    const record = this.record.rowOf(account.id, addressOf(browser));
    const request = await this.grantable(interaction, session);
    const { created, authorization } =
      request === undefined
        ? { created: await this.sessions.beginWithin(prepared, interaction.row, record), authorization: undefined }
        : await this.grants.authorizeBeginning(request, prepared, interaction.row, record);
    if (created === 'interaction_has_row') return 'other_way';
    if (created === 'refused') return undefined;
    this.record.counted();
    return { started, session, answeredAt: null, authorization };
  }

  /**
   * Not where the time of the interaction is over, so that another one is begun in its place, nor where a session of another
   * person has to end first.
   */
  private async grantable(
    interaction: CurrentInteraction,
    session: SignedInSession,
  ): Promise<AuthorizedRequest | undefined> {
    if (interaction.kind !== 'authorize' || interaction.state !== 'open' || interaction.session !== undefined)
      return undefined;
    return this.authorization.grantableAtSignIn(interaction.client, interaction.request, session);
  }

  private async beginOrContinue(
    account: Account,
    browser: Browser,
    before: string | undefined,
    tx?: Tx,
  ): Promise<StartedSession | undefined> {
    const again =
      before === undefined ? undefined : await this.sessions.reauthenticate(before, account, AMR_PASSWORD, browser, tx);
    return again ?? (await this.sessions.begin(account, AMR_PASSWORD, browser, tx));
  }
}

function addressOf(browser: Browser): string {
  return browser.address ?? '';
}
