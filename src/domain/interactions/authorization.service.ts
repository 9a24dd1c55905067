import { Injectable } from '@nestjs/common';
import { isPublicClient, isUnverified, type Client } from '../clients/client.js';
import { mayActOffline } from '../clients/offline-access.js';
import { Clock } from '../../platform/clock/clock.js';
import { acrOf, PASSWORD_ACR } from '../../platform/oidc/authentication-context.js';
import type { AuthorizationErrorCode } from '../../platform/oidc/errors.js';
import { isOnDevice, registeredRedirectUri } from '../../platform/oidc/redirect-uri.js';
import type { SignedInSession } from '../sessions/session.js';
import type { AnsweredByCode } from '../tokens/grant-creation.repository.js';
import { GrantsService, type Authorization, type AuthorizedRequest } from '../tokens/grants.service.js';
import { mayServe } from '../upstreams/upstream.js';
import { UpstreamsService } from '../upstreams/upstreams.service.js';
import type { AuthorizationRequest } from './authorization-request.js';
import type { InteractingBrowser } from './interaction.js';
import { PushedRequestOverError } from './interaction-errors.js';
import { ConsentsService } from '../consents/consents.service.js';
import { PushedRequests, pushedHashOf } from './pushed-requests.service.js';

/** What must happen next for a request. */
export type AuthorizationStep =
  | { readonly kind: 'sign_in'; readonly reauthenticate: boolean }
  | { readonly kind: 'consent' }
  | { readonly kind: 'grant' }
  | { readonly kind: 'error'; readonly code: AuthorizationErrorCode; readonly description: string };

/** A response without any question. */
export type ImmediateResponse =
  { readonly kind: 'code'; readonly code: string } | Extract<AuthorizationStep, { kind: 'error' }>;

/** What came of a request: what must happen next, or a code, or why there is no code although nothing is to be asked. */
export type AuthorizationResult =
  Exclude<AuthorizationStep, { kind: 'grant' }> | Exclude<Authorization, { kind: 'not_allowed' }>;

/** The interaction that a code is to answer. */
export interface AnsweringInteraction extends AnsweredByCode {
  /** Whether the person proved within it who they are. */
  readonly signedInHere: boolean;
}

const ANSWERED_AT_ONCE = /_not_supported$|^invalid_request_object$/;

const UNMET: AuthorizationStep = {
  kind: 'error',
  code: 'unmet_authentication_requirements',
  description: 'The requested acr cannot be given.',
};

/**
 * Whether any app on the person's device can be the one that answers there: a client that proves nothing, at a
 * private-use scheme or a loopback address. What it was permitted before then counts for nothing: the person has to do
 * something here each time, sign in or allow (RFC 8252 §8.6, RFC 6749 §10.2). A claimed https address is proof enough.
 */
function canBeImpersonated(client: Client, redirectUri: string): boolean {
  return isPublicClient(client) && isOnDevice(redirectUri);
}

/** Decides what an authorization request needs, and grants it. */
@Injectable()
export class AuthorizationService {
  constructor(
    private readonly consents: ConsentsService,
    private readonly grants: GrantsService,
    private readonly upstreams: UpstreamsService,
    private readonly pushed: PushedRequests,
    private readonly clock: Clock,
  ) {}

  /**
   * @param session the live session of the browser's cookie, if there is one; it says whether it serves this client
   * @param signedInHere whether the person proved who they are within this very interaction
   * @param allowed whether the person has allowed all of it, where that is known
   */
  async nextStep(
    client: Client,
    request: AuthorizationRequest,
    session: SignedInSession | undefined,
    signedInHere: boolean,
    allowed?: boolean,
  ): Promise<AuthorizationStep> {
    const silent = request.prompt.includes('none');
    const signIn = this.needsSignIn(request, session, signedInHere);
    const isAllowed =
      session !== undefined &&
      (silent || !signIn) &&
      (allowed ?? (await this.consents.isGiven(session.accountId, client, request)));
    // A client that the person allowed nothing does not learn by asking whether it is the one it names (RFC 9700 §4.11.2).
    const mayNotLearn = silent && request.hintedSub !== undefined && !isAllowed;
    if (session === undefined || signIn || mayNotLearn)
      return this.withoutSignIn(client, request, session, signedInHere);
    if (!client.metadata.skip_consent && request.prompt.includes('consent')) return { kind: 'consent' };
    if (isAllowed && (signedInHere || !canBeImpersonated(client, request.redirectUri))) return { kind: 'grant' };
    return silent
      ? { kind: 'error', code: 'consent_required', description: 'The person has not allowed this yet.' }
      : { kind: 'consent' };
  }

  /**
   * The code, where nothing is to be asked of the person, else what is. Whether the person has allowed it is asked in the
   * statement that makes the grant, so where they have it is the only one.
   * @param session as for {@link nextStep}
   * @param interaction that the code answers, and whether the person signed in within it; undefined: there is none yet
   */
  async respond(
    client: Client,
    request: AuthorizationRequest,
    session: SignedInSession | undefined,
    interaction?: AnsweringInteraction,
  ): Promise<AuthorizationResult> {
    const signedInHere = interaction?.signedInHere === true;
    const step = await this.nextStep(
      client,
      request,
      session,
      signedInHere,
      isHintedSilently(request) ? undefined : true,
    );
    if (step.kind !== 'grant') return step;
    if (session === undefined) return { kind: 'session_over' };
    const made = await this.issueCode(client, request, session, interaction);
    return this.resultOf(made, client, request, session, signedInHere);
  }

  /**
   * What may be granted to a session that is about to begin within the interaction, by the statement that begins it.
   * Undefined: something is to be asked first, or nothing can be granted.
   */
  async grantableAtSignIn(
    client: Client,
    request: AuthorizationRequest,
    session: SignedInSession,
  ): Promise<AuthorizedRequest | undefined> {
    const step = await this.nextStep(client, request, session, true, isHintedSilently(request) ? undefined : true);
    return step.kind === 'grant' ? this.authorizedBy(client, request) : undefined;
  }

  /** As {@link respond}, where it has been tried to make the grant. */
  async resultOf(
    made: Authorization,
    client: Client,
    request: AuthorizationRequest,
    session: SignedInSession,
    signedInHere: boolean,
  ): Promise<AuthorizationResult> {
    if (made.kind !== 'not_allowed') return made;
    const asked = await this.nextStep(client, request, session, signedInHere, false);
    return asked.kind === 'grant' ? { kind: 'consent' } : asked;
  }

  /**
   * What can be responded without asking the person anything; undefined: they have to be asked.
   * @param session as for {@link nextStep}
   */
  async respondAtOnce(
    client: Client,
    request: AuthorizationRequest,
    session: SignedInSession | undefined,
  ): Promise<ImmediateResponse | undefined> {
    const result = await this.respond(client, request, session);
    if (result.kind === 'code') return result;
    if (result.kind === 'answered_before') throw new PushedRequestOverError('used', client);
    if (result.kind === 'error') return this.errorOnce(client, request, result);
    if (!request.prompt.includes('none')) return undefined;
    // With `prompt=none` no page is shown (Core §3.1.2.1).
    return this.errorOnce(client, request, {
      kind: 'error',
      code: 'login_required',
      description: 'Nobody is signed in who fits the request.',
    });
  }

  /** An error is a response, too: it uses up a request that was pushed. */
  private async errorOnce<Failed extends ImmediateResponse>(
    client: Client,
    request: AuthorizationRequest,
    failed: Failed,
  ): Promise<Failed> {
    if (!(await this.pushed.use(request))) throw new PushedRequestOverError('used', client);
    return failed;
  }

  /**
   * Whether the error of a wrong request waits for the person's click. It takes no browser to an application that has
   * registered itself, unless the person has allowed it something (RFC 9700 §4.11.2). What is merely not offered here, request
   * objects that cannot be used, and `prompt=none`, which is right as it stands, are answered at once as OpenID Connect Core
   * §3.1.2.6 has it: libraries try them and wait for the response.
   */
  async isHeldBack(client: Client, code: AuthorizationErrorCode, browser: InteractingBrowser): Promise<boolean> {
    if (!isUnverified(client) || ANSWERED_AT_ONCE.test(code)) return false;
    const session = await browser.session(client.clientId);
    if (session === undefined) return true;
    const consents = await this.consents.list(session.accountId);
    return consents.every(({ clientId }) => clientId !== client.clientId);
  }

  /**
   * A code without a further question, if the person has allowed it.
   * @param answering undefined: there is no interaction
   */
  async issueCode(
    client: Client,
    request: AuthorizationRequest,
    session: SignedInSession,
    answering: AnsweredByCode | undefined,
  ): Promise<Authorization> {
    const authorized = this.authorizedBy(client, request);
    return authorized === undefined
      ? { kind: 'client_refused' }
      : this.grants.authorize(authorized, session, answering);
  }

  /** Undefined: its redirect URI is not registered any more. */
  private authorizedBy(client: Client, request: AuthorizationRequest): AuthorizedRequest | undefined {
    // Where the client may not have it, or has lost it since it asked, it is ignored (Core §11).
    const offline = request.scope.includes('offline_access') && mayActOffline(client.metadata);
    const registeredUri = registeredRedirectUri(client.metadata.redirect_uris, request.redirectUri, client.metadata);
    if (registeredUri === undefined) return undefined;
    return {
      clientId: client.clientId,
      redirectUri: request.redirectUriSent ? request.redirectUri : undefined,
      registeredUri,
      scope: offline ? request.scope : request.scope.filter((scope) => scope !== 'offline_access'),
      claims: request.claims,
      nonce: request.nonce,
      codeChallenge: request.codeChallenge,
      offline,
      consent: this.consents.askedBy(client, request),
      pushedHash: request.pushed === undefined ? undefined : pushedHashOf(request.pushed),
    };
  }

  /** Of a person who is not signed in as the request demands. */
  private async withoutSignIn(
    client: Client,
    request: AuthorizationRequest,
    session: SignedInSession | undefined,
    signedInHere: boolean,
  ): Promise<AuthorizationStep> {
    // A person signed in, but not as the client demands: the client gets an error, and the person is not asked for
    // ever.
    if (signedInHere && session !== undefined) return this.signedInInVain(request, session);
    if (request.prompt.includes('none'))
      return { kind: 'error', code: 'login_required', description: 'Nobody is signed in who fits the request.' };
    if (!(await this.canBeMet(client, request))) return UNMET;
    return {
      kind: 'sign_in',
      reauthenticate:
        session?.serves === true && this.isExpected(request, session) && !request.prompt.includes('select_account'),
    };
  }

  private needsSignIn(
    request: AuthorizationRequest,
    session: SignedInSession | undefined,
    signedInHere: boolean,
  ): boolean {
    if (session?.serves !== true || !this.isExpected(request, session) || !isEnough(request, session)) return true;
    if (signedInHere) return false;
    if (request.prompt.includes('login') || request.prompt.includes('select_account')) return true;
    if (request.maxAge === undefined) return false;
    // max_age=0 is prompt=login in other words (Core, newer drafts).
    return (
      request.maxAge === 0 || this.clock.now().getTime() - session.authenticatedAt.getTime() > request.maxAge * 1000
    );
  }

  private signedInInVain(request: AuthorizationRequest, session: SignedInSession): AuthorizationStep {
    if (!isEnough(request, session)) return UNMET;
    return {
      kind: 'error',
      code: 'login_required',
      description: session.serves
        ? 'Another person signed in than the one asked for.'
        : 'This sign-in is not for this application.',
    };
  }

  /** Whether there is a way to sign in to this client as the request demands. */
  private async canBeMet(client: Client, { acr }: AuthorizationRequest): Promise<boolean> {
    if (acr === undefined || acr.includes(PASSWORD_ACR)) return true;
    return (await this.upstreams.list()).some((upstream) => mayServe(upstream, client.clientId));
  }

  private isExpected(request: AuthorizationRequest, session: SignedInSession): boolean {
    return request.hintedSub === undefined || request.hintedSub === session.accountId;
  }
}

/** The way the person signed in last is one that the client takes (Core §5.5.1.1). */
function isEnough({ acr }: AuthorizationRequest, session: SignedInSession): boolean {
  return acr === undefined || acr.includes(acrOf(session.amr));
}

/**
 * The client asks about a person by name, and the person sees nothing of it. Whether they have allowed it something is asked for itself
 * then, as it is of a person who is another one: the time that the answer takes says nothing either.
 */
function isHintedSilently({ prompt, hintedSub }: AuthorizationRequest): boolean {
  return prompt.includes('none') && hintedSub !== undefined;
}
