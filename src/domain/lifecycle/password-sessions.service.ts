import { Injectable } from '@nestjs/common';
import type { Account } from '../accounts/account.js';
import { SignInRecord } from '../accounts/sign-in-record.js';
import type { Interaction } from '../interactions/interaction.js';
import { InteractionsService } from '../interactions/interactions.service.js';
import type { Browser, SignedInSession } from '../sessions/session.js';
import { SessionSignIns, type StartedSession } from '../sessions/session-sign-ins.service.js';
import type { Tx } from '../../platform/database/transaction.js';

/** A session that a password began or continued. */
export interface PasswordSession {
  readonly started: StartedSession;
  /** As it was written, where it is certain that nothing has changed it since: else it is to be found by its cookie. */
  readonly session?: SignedInSession | undefined;
  /** When the interaction that it happened in had been answered; null: it was not. */
  readonly answeredAt: Date | null;
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
    private readonly record: SignInRecord,
  ) {}

  /** @param own the browser's session, if it is this person's: it continues with a new cookie */
  async begin(account: Account, browser: Browser, own: string | undefined): Promise<PasswordSession | undefined> {
    // Before the session: a sign-in that cannot be put on record is refused.
    await this.record.done(account.id, addressOf(browser));
    const started = await this.beginOrContinue(account, browser, own);
    return started === undefined ? undefined : { started, answeredAt: null };
  }

  /** As {@link begin}, within an interaction: however often its form is sent, it begins one session. */
  async beginWithin(
    interaction: Interaction,
    account: Account,
    browser: Browser,
    own: string | undefined,
  ): Promise<PasswordSession | undefined> {
    if (own === undefined && interaction.sessionId === undefined) {
      const record = this.record.rowOf(account.id, addressOf(browser));
      const began = await this.sessions.beginWithin(account, AMR_PASSWORD, browser, interaction.row, record);
      if (began.kind === 'refused') return undefined;
      if (began.kind === 'began') {
        this.record.counted();
        return { started: began.started, session: began.session, answeredAt: null };
      }
    }
    return this.interactions.signedIn(interaction, async (tx, earlier) => {
      const started = await this.beginOrContinue(account, browser, own ?? earlier, tx);
      if (started !== undefined) await this.record.done(account.id, addressOf(browser), tx);
      return started;
    });
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
