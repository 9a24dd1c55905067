import { Injectable } from '@nestjs/common';
import { sha256 } from '../../platform/oidc/secret.js';
import { interactionOver, interactionReplaced, SessionOverError } from '../interactions/interaction-errors.js';
import { InteractionFlow, type InteractionStep } from '../interactions/interaction-flow.service.js';
import type { CurrentInteraction } from '../interactions/interaction.js';
import { InteractionsService } from '../interactions/interactions.service.js';
import type { Browser } from '../sessions/session.js';
import { SessionsService } from '../sessions/sessions.service.js';
import type { Authorization } from '../tokens/grants.service.js';
import { SignInService, type SignIn } from './sign-in.service.js';

/** What came of a password within an interaction. */
export type InteractionSignIn =
  | {
      readonly kind: 'signed_in';
      /** The session's cookie, for the browser to keep whatever comes next. */
      readonly cookie: string;
      readonly current: CurrentInteraction;
      /**
       * What comes next for the person. It fails with InteractionLostError or InteractionAnsweredError where another
       * interaction was begun in place of one that is over.
       */
      readonly step: Promise<InteractionStep>;
    }
  | Exclude<SignIn, { kind: 'signed_in' }>;

type Begun = CurrentInteraction & { readonly sessionId: string };

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
    const outcome = await this.signInService.signIn(login, password, from, current.session, current);
    if (outcome.kind !== 'signed_in') return outcome;
    const { cookie, sessionId } = outcome.started;
    const state = this.interactions.stateOf(current.row, outcome.answeredAt);
    const session = outcome.session ?? (await this.byCookie(cookie, current));
    // It ended at once, or a second click has got it and a newer cookie: this one must not replace that.
    if (session === undefined) throw interactionOver(current.id, { ...current, state });
    const unseen = outcome.session === undefined ? {} : { cookieHash: sha256(cookie) };
    const begun = { ...current, session, sessionId, state, ...unseen };
    const step = this.next(begun, from.address ?? '', outcome.authorization);
    if (await isOver(step)) throw interactionOver(current.id, begun);
    return { kind: 'signed_in', cookie, current: begun, step };
  }

  private async next(begun: Begun, address: string, made: Authorization | undefined): Promise<InteractionStep> {
    if (begun.state === 'open') return this.flow.next(begun, made);
    const by = await this.interactions.begin(begun, begun.row.interactionBrowser, address, begun.sessionId);
    throw interactionReplaced(begun, by);
  }

  private byCookie(cookie: string, current: CurrentInteraction) {
    return this.sessions.findByCookie(cookie, current.kind === 'authorize' ? current.client.clientId : undefined);
  }
}

/** Whether the session has ended, or got another cookie, before the step was done. */
function isOver(step: Promise<InteractionStep>): Promise<boolean> {
  return step.then(
    () => false,
    (error: unknown) => error instanceof SessionOverError,
  );
}
