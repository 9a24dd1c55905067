import { Injectable } from '@nestjs/common';
import type { AuthorizationErrorCode } from '../../platform/oidc/errors.js';
import type { Client } from '../clients/client.js';
import { ClientsService } from '../clients/clients.service.js';
import { ConsentsService } from '../consents/consents.service.js';
import type { SignedInSession } from '../sessions/session.js';
import type { Authorization } from '../tokens/grants.service.js';
import type { AuthorizationRequest } from './authorization-request.js';
import { AuthorizationService, type AnsweringInteraction } from './authorization.service.js';
import { InteractionLostError, interactionOver, SessionOverError } from './interaction-errors.js';
import type {
  CurrentInteraction,
  InteractingBrowser,
  Interaction,
  InteractionPurpose,
  OwnInteraction,
} from './interaction.js';
import { asOfToday } from './request-of-today.js';
import { InteractionsService } from './interactions.service.js';
import { PushedRequests } from './pushed-requests.service.js';

/** What happens next in an interaction. */
export type InteractionStep =
  | { readonly kind: 'sign_in'; readonly login: string; readonly reauthenticate?: SignedInSession | undefined }
  | {
      readonly kind: 'consent';
      readonly client: Client;
      readonly request: AuthorizationRequest;
      readonly session: SignedInSession;
    }
  /** The interaction is used up; the application gets its code. */
  | { readonly kind: 'code'; readonly request: AuthorizationRequest; readonly code: string }
  | {
      readonly kind: 'error';
      readonly request: AuthorizationRequest;
      readonly code: AuthorizationErrorCode;
      readonly description: string;
    }
  /** The person is signed in, and came for their own pages. */
  | { readonly kind: 'own_page' };

/** The response to the request: the interaction is used up. */
export type AuthorizationOutcome = Extract<InteractionStep, { kind: 'code' | 'error' }>;

type ForApplication = Extract<CurrentInteraction, { kind: 'authorize' }>;

/**
 * An interaction from step to step: finds it for its browser, says what is to be asked next, and answers it once.
 * Signing in is `lifecycle`'s, and how a step looks is the edge's.
 */
@Injectable()
export class InteractionFlow {
  constructor(
    private readonly interactions: InteractionsService,
    private readonly authorization: AuthorizationService,
    private readonly consents: ConsentsService,
    private readonly clients: ClientsService,
    private readonly pushed: PushedRequests,
  ) {}

  /**
   * The interaction, in whatever state, and who is signed in in its browser.
   * @throws InteractionLostError when it is not this browser's, or its application is gone
   * @throws UnanswerableRequestError
   */
  async find(id: string, browser: InteractingBrowser): Promise<CurrentInteraction> {
    return this.withSession(await this.ofToday(await this.own(id, browser)), browser);
  }

  /**
   * As {@link find}, for a form whose password is taken in whatever state it is: what has come of it is not asked, and
   * found out by the statement that begins the session.
   */
  async findForPassword(id: string, browser: InteractingBrowser): Promise<CurrentInteraction> {
    const { idHash } = browser;
    const begun = idHash === undefined ? undefined : await this.interactions.findAsBegun(id, idHash);
    if (begun === undefined) throw new InteractionLostError({ kind: 'unknown', id });
    return this.withSession(await this.ofToday({ ...begun, id }), browser);
  }

  /** As {@link find}. @throws InteractionLostError, InteractionAnsweredError when it is not open any more */
  async findOpen(id: string, browser: InteractingBrowser): Promise<CurrentInteraction> {
    const current = await this.find(id, browser);
    if (current.state !== 'open') throw interactionOver(id, current);
    return current;
  }

  /** As {@link findOpen}, for a browser that is on its way: who is signed in is not asked yet. */
  async findUnderWay(id: string, browser: InteractingBrowser): Promise<OwnInteraction> {
    const own = await this.own(id, browser);
    if (own.state !== 'open') throw interactionOver(id, own);
    // It may have been switched off, or changed, while the person was away: then it gets no sign-in.
    return this.ofToday(own);
  }

  /**
   * What is to be asked, or the response: then the interaction is used up.
   * @param made what came of the grant, where the statement that began the session made it; undefined: it is still to be made
   */
  async next(current: CurrentInteraction, made?: Authorization): Promise<InteractionStep> {
    if (current.kind === 'own_page') return this.ownPage(current);
    const { client, request, session } = current;
    const step = await (made === undefined || session === undefined
      ? this.authorization.respond(client, request, session, answeredBy(current))
      : this.authorization.resultOf(made, client, request, session, true));
    switch (step.kind) {
      case 'sign_in':
        return {
          kind: 'sign_in',
          login: request.loginHint ?? '',
          reauthenticate: step.reauthenticate ? session : undefined,
        };
      case 'consent':
        if (session === undefined) throw new InteractionLostError();
        return { kind: 'consent', client, request, session };
      case 'error':
        await this.answerOnce(current);
        return { kind: 'error', request, code: step.code, description: step.description };
      default:
        return codeStep(current, step);
    }
  }

  /**
   * The person allows or denies what the application asks for. A refusal is taken later, too.
   * @throws TooManyRequestsError as {@link cancel}
   */
  async consent(
    id: string,
    browser: InteractingBrowser,
    decision: 'allow' | 'deny',
    address: string,
  ): Promise<{ readonly current: CurrentInteraction; readonly step: InteractionStep }> {
    const current = await (decision === 'deny' ? this.find(id, browser) : this.findOpen(id, browser));
    if (current.kind === 'own_page') throw new InteractionLostError();
    return { current, step: await this.decide(current, decision, address) };
  }

  /**
   * The person would rather not sign in.
   * @throws TooManyRequestsError when no person is signed in, and this address left too many rows
   */
  async cancel(id: string, browser: InteractingBrowser, address: string): Promise<AuthorizationOutcome> {
    const current = await this.find(id, browser);
    if (current.kind === 'own_page') throw new InteractionLostError();
    return this.deny(current, 'The person did not sign in.', address);
  }

  /**
   * The same request once more, as if the application had just sent the person with it: in any browser, since that is what
   * sending on the application's own link does.
   * @returns the id of the new interaction
   * @throws TooManyRequestsError
   */
  async beginAgain(
    id: string,
    browser: InteractingBrowser & { readonly idHash: Buffer },
    address: string,
  ): Promise<string> {
    const interaction = await this.interactions.findOfAnyBrowser(id);
    if (interaction?.kind !== 'authorize' || (await this.enabledClient(interaction)) === undefined)
      throw new InteractionLostError({ kind: 'unknown', id });
    // Sent on once more, a pushed request that has its response would get none.
    if (await this.pushed.isUsed(interaction.request)) throw new InteractionLostError({ kind: 'unknown', id });
    const own = await this.interactions.find(id, browser.idHash);
    return this.interactions.begin(interaction, browser.idHash, address, own?.sessionId);
  }

  private async decide(current: ForApplication, decision: 'allow' | 'deny', address: string): Promise<InteractionStep> {
    const { client, request, session } = current;
    if (current.state !== 'open') return this.deny(current, 'The person did not allow it.', address);
    const step = await this.authorization.nextStep(client, request, session, wasSignedInHere(current), false);
    // The person is not, or no longer, signed in as the request asks: they are asked again.
    if (session === undefined || step.kind !== 'consent') return this.next(current);
    if (decision === 'deny') return this.deny(current, 'The person did not allow it.', address);
    await this.consents.remember(session.accountId, request);
    return codeStep(current, await this.authorization.issueCode(client, request, session, answeredBy(current)));
  }

  private async own(id: string, { idHash }: InteractingBrowser): Promise<Interaction & Pick<OwnInteraction, 'id'>> {
    const interaction = idHash === undefined ? undefined : await this.interactions.find(id, idHash);
    if (idHash === undefined || interaction === undefined) throw new InteractionLostError({ kind: 'unknown', id });
    return { ...interaction, id };
  }

  private async ofToday(own: Interaction & Pick<OwnInteraction, 'id'>): Promise<OwnInteraction> {
    if (own.kind === 'own_page') return own;
    const client = await this.enabledClient(own);
    if (client === undefined) throw new InteractionLostError();
    return { ...own, client, request: asOfToday(client, own.request) };
  }

  private enabledClient({ request }: InteractionPurpose & { readonly kind: 'authorize' }): Promise<Client | undefined> {
    return this.clients.findEnabled(request.clientId);
  }

  private async withSession(own: OwnInteraction, browser: InteractingBrowser): Promise<CurrentInteraction> {
    const session = await browser.session(own.kind === 'authorize' ? own.client.clientId : undefined);
    return { ...own, session };
  }

  private async ownPage({ row, session }: CurrentInteraction): Promise<InteractionStep> {
    if (session === undefined) return { kind: 'sign_in', login: '' };
    await this.interactions.finish(row);
    return { kind: 'own_page' };
  }

  /** However often the person says no, and however late, the application gets it: there is nothing in it to protect. */
  private async deny(
    { row, request, session }: ForApplication,
    description: string,
    address: string,
  ): Promise<AuthorizationOutcome> {
    if (session === undefined) await this.interactions.count(address);
    await this.interactions.finish(row);
    await this.pushed.use(request);
    return { kind: 'error', request, code: 'access_denied', description };
  }

  /** Of two forms that were sent at the same time one is answered; the other one leads on. */
  private async answerOnce(current: CurrentInteraction): Promise<void> {
    const first = await this.interactions.finish(current.row);
    if (!first || (current.kind === 'authorize' && !(await this.pushed.use(current.request))))
      throw interactionOver(current.id, { ...current, state: 'answered' });
  }
}

function wasSignedInHere({ session, sessionId }: CurrentInteraction): boolean {
  return session !== undefined && sessionId === session.id;
}

/** What its code answers, and how. */
function answeredBy(current: CurrentInteraction): AnsweringInteraction {
  return { ...current.row, cookieHash: current.cookieHash, signedInHere: wasSignedInHere(current) };
}

/** @throws SessionOverError, InteractionLostError, InteractionAnsweredError where there is no code */
function codeStep(current: ForApplication, result: Authorization): InteractionStep {
  switch (result.kind) {
    case 'code':
      return { kind: 'code', request: current.request, code: result.code };
    case 'answered_before':
      throw interactionOver(current.id, { ...current, state: 'answered' });
    case 'session_over':
      throw new SessionOverError();
    // The client may not have it any more, or what was allowed was taken back, at this moment.
    default:
      throw new InteractionLostError();
  }
}
