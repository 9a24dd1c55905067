import { Injectable } from '@nestjs/common';
import { interactionOver, interactionReplaced } from '../interactions/interaction-errors.js';
import { InteractionFlow, type InteractionStep } from '../interactions/interaction-flow.service.js';
import type { CurrentInteraction } from '../interactions/interaction.js';
import { InteractionsService } from '../interactions/interactions.service.js';
import type { Browser } from '../sessions/session.js';
import { SessionsService } from '../sessions/sessions.service.js';
import { SignInService, type SignIn } from './sign-in.service.js';

/** What came of a password within an interaction. */
export type InteractionSignIn =
  | {
      readonly kind: 'signed_in';
      /** The session's cookie, for the browser to keep whatever comes next. */
      readonly cookie: string;
      readonly current: CurrentInteraction & { readonly sessionId: string };
    }
  | Exclude<SignIn, { kind: 'signed_in' }>;

/** Signing in by a password within an interaction, and what comes after it. */
@Injectable()
export class InteractionSignIns {
  constructor(
    private readonly signInService: SignInService,
    private readonly sessions: SessionsService,
    private readonly flow: InteractionFlow,
    private readonly interactions: InteractionsService,
  ) {}

  /**
   * @param current in whatever state: a form of one that is over still signs its person in
   * @throws InteractionLostError, InteractionAnsweredError when the session has ended at once
   */
  async signIn(
    current: CurrentInteraction,
    login: string,
    password: string,
    from: Browser,
  ): Promise<InteractionSignIn> {
    const outcome = await this.signInService.signIn(login, password, from, current.session, current.id);
    if (outcome.kind !== 'signed_in') return outcome;
    const { cookie, sessionId } = outcome.started;
    const clientId = current.kind === 'authorize' ? current.client.clientId : undefined;
    const session = await this.sessions.findByCookie(cookie, clientId);
    // It ended at once, or a second click has got it and a newer cookie: this one must not replace that.
    if (session === undefined) throw interactionOver(current.id, current);
    return { kind: 'signed_in', cookie, current: { ...current, session, sessionId } };
  }

  /**
   * What happens next for a person who has just signed in.
   * @throws InteractionLostError, InteractionAnsweredError with the interaction that was begun in place of one that is over
   */
  async next(current: CurrentInteraction & { readonly sessionId: string }, address: string): Promise<InteractionStep> {
    if (current.state === 'open') return this.flow.next(current);
    const by = await this.interactions.begin(current, current.browserHash, address, current.sessionId);
    throw interactionReplaced(current, by);
  }
}
