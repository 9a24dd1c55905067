import { clientName, type Client } from '../../../domain/clients/client.js';
import type { LogoutCommand, LogoutInitiator } from '../../../domain/logout/command/logout.js';
import { appendQuery, isAllowedRedirectUri } from '../../../platform/oidc/redirect-uri.js';
import { sha256 } from '../../../platform/oidc/secret.js';
import type { LogoutNotice } from '../../pages/pages.js';
import type { SignedInSession } from '../../../domain/sessions/session.js';
import type { TokenHint } from '../../../domain/tokens/hint-verifier.js';
import type { EndSessionRequestDto } from './dto/end-session.dto.js';
import type { UpstreamOffer, WayBack } from './federated-logout.service.js';
import { END_SESSION, END_SESSION_CLIENT } from './vocabulary.js';

/**
 * A POST may bring its parameters in the query too (docs/wire/oidc-end-session.md#request); what the form says goes
 * before.
 */
export function mergeParameters(query: EndSessionRequestDto, form: EndSessionRequestDto): EndSessionRequestDto {
  // A DTO has every field, also those that were not sent: they must not hide what the query says.
  const sent = Object.fromEntries(
    Object.entries(form).filter(([, value]) => value !== undefined),
  ) as EndSessionRequestDto;
  return { ...query, ...sent };
}

/** What the hints of a request came to. */
export interface VerifiedHints {
  readonly idToken: TokenHint | 'invalid' | undefined;
  readonly accessToken: TokenHint | undefined;
}

/** An end-session request whose every part has been checked: what was not good is not in it. */
export interface EndSessionRequest {
  /** The application that asked, proved by a hint. */
  readonly clientId: string | undefined;
  readonly hint: TokenHint | undefined;
  /** Registered for that application. Without it there is no redirect, whatever was sent. */
  readonly redirectUri: string | undefined;
  readonly state: string | undefined;
  readonly link: UnverifiedLink | undefined;
  readonly notice: LogoutNotice | undefined;
}

/**
 * The way back that `client_id` names without a hint. The address is registered for that client, but every program can
 * send a `client_id`: the person finds a link after a click of their own, and is sent nowhere (RP-Initiated Logout 1.0
 * §3).
 */
export interface UnverifiedLink {
  readonly clientName: string;
  readonly redirectUri: string;
  readonly state?: string | undefined;
}

/**
 * The client and person that the hints name together, or why they name none
 * (docs/wire/oidc-end-session.md#either-hint). A hint that fails is not used for anything, and spoils the others
 * (RP-Initiated Logout 1.0 §4).
 */
export function hintOf(
  request: EndSessionRequestDto,
  hints: VerifiedHints,
): TokenHint | 'hint_mismatch' | 'unknown_request' | undefined {
  const { idToken } = hints;
  if (idToken === 'invalid') return 'unknown_request';
  // One that is past its time says nothing against the ID token beside it.
  const accessToken = idToken !== undefined && hints.accessToken?.expired === true ? undefined : hints.accessToken;
  if (idToken !== undefined && accessToken !== undefined) {
    if (idToken.clientId !== accessToken.clientId || idToken.sub !== accessToken.sub) return 'hint_mismatch';
  }
  const hint = idToken ?? accessToken;
  if (hint === undefined)
    return request.access_token_hint !== undefined || request.post_logout_redirect_uri !== undefined
      ? 'unknown_request'
      : undefined;
  if (request.client_id !== undefined && request.client_id !== hint.clientId) return 'hint_mismatch';
  return hint;
}

/**
 * The request with only its good parts. `client` is the one that the hint names, or, where none does, the one that
 * `client_id` names, if it still exists.
 */
export function toEndSessionRequest(
  request: EndSessionRequestDto,
  hint: ReturnType<typeof hintOf>,
  client: Client | undefined,
  session: SignedInSession | undefined,
): EndSessionRequest {
  if (typeof hint === 'string' || hint === undefined || client === undefined) {
    const notice = typeof hint === 'string' ? hint : hint === undefined ? undefined : 'unknown_request';
    return {
      clientId: undefined,
      hint: undefined,
      redirectUri: undefined,
      state: undefined,
      link: typeof hint === 'object' || hint === 'hint_mismatch' ? undefined : unverifiedLink(request, client),
      notice,
    };
  }
  const uri = request.post_logout_redirect_uri;
  const registered =
    uri !== undefined && isAllowedRedirectUri(client.metadata.post_logout_redirect_uris, uri, client.metadata);
  return {
    clientId: client.clientId,
    hint,
    redirectUri: registered ? uri : undefined,
    state: registered ? request.state : undefined,
    link: undefined,
    notice:
      session !== undefined && session.accountId !== hint.sub
        ? 'other_account'
        : uri !== undefined && !registered
          ? 'unregistered_address'
          : undefined,
  };
}

function unverifiedLink(request: EndSessionRequestDto, client: Client | undefined): UnverifiedLink | undefined {
  const { post_logout_redirect_uri: uri, state } = request;
  if (uri === undefined || client === undefined || client.clientId !== request.client_id) return undefined;
  if (!isAllowedRedirectUri(client.metadata.post_logout_redirect_uris, uri, client.metadata)) return undefined;
  return { clientName: clientName(client), redirectUri: uri, ...(state === undefined ? {} : { state }) };
}

/** What the dialog was shown for; sealed into its form. */
export interface ShownDialog {
  readonly sessionId?: string;
  readonly accountId?: string;
  readonly clientId?: string;
  readonly redirectUri?: string | undefined;
  readonly state?: string | undefined;
  readonly link?: UnverifiedLink | undefined;
  /** The provider whose own logout was offered. */
  readonly upstream?: UpstreamOffer;
}

/**
 * As it was shown, without a way back that the client `client` has lost since: no browser is sent to a URI that was
 * removed.
 */
export function withoutLostWayBack(shown: ShownDialog, client: Client | undefined): ShownDialog {
  const { redirectUri, state: _state, ...rest } = shown;
  const { metadata } = client ?? {};
  return redirectUri === undefined ||
    (metadata !== undefined && isAllowedRedirectUri(metadata.post_logout_redirect_uris, redirectUri, metadata))
    ? shown
    : rest;
}

export function toShownDialog(
  request: EndSessionRequest,
  session: SignedInSession | undefined,
  upstream?: UpstreamOffer,
): ShownDialog {
  return {
    ...(session === undefined ? {} : { sessionId: session.id, accountId: session.accountId }),
    ...(request.clientId === undefined ? {} : { clientId: request.clientId }),
    ...(request.redirectUri === undefined ? {} : { redirectUri: request.redirectUri }),
    ...(request.state === undefined ? {} : { state: request.state }),
    ...(request.link === undefined ? {} : { link: request.link }),
    ...(upstream === undefined ? {} : { upstream }),
  };
}

/** A dialog that was shown to a person who was signed in. */
export type ShownForSession = ShownDialog & { readonly sessionId: string; readonly accountId: string };

/** The cookie decides whose session ends; the dialog it was shown for must have been about that very session. */
export function toLogoutCommand(cookie: string, shown: ShownForSession): LogoutCommand {
  return {
    target: {
      kind: 'cookie',
      accountId: shown.accountId,
      cookieHash: sha256(cookie),
      sessionId: shown.sessionId,
    },
    cause: END_SESSION.name,
    initiator: initiatorOf(shown),
  };
}

/** The session that a live hint names, on the word of a client that an administrator allows it. */
export function toHeadlessCommand(hint: TokenHint & { readonly sid: string }): LogoutCommand {
  const { sub: accountId, clientId, sid } = hint;
  return {
    target: { kind: 'client-session', accountId, clientId, sid },
    cause: END_SESSION.name,
    initiator: { kind: 'client', clientId },
  };
}

/** Every session of the person, this one among them. */
export function toEverywhereCommand(shown: ShownForSession): LogoutCommand {
  return {
    target: { kind: 'account', accountId: shown.accountId },
    cause: END_SESSION.name,
    initiator: initiatorOf(shown),
  };
}

/** The application leaves the session that the dialog was shown for. */
export function toClientLogoutCommand(shown: ShownForSession, clientId: string): LogoutCommand {
  return {
    target: { kind: 'session-client', accountId: shown.accountId, sessionId: shown.sessionId, clientId },
    cause: END_SESSION_CLIENT.name,
    initiator: initiatorOf(shown),
  };
}

/** The answer to the command is a page in the browser whose session the dialog was shown for. */
export function inBrowser(command: LogoutCommand, { sessionId }: ShownForSession): LogoutCommand {
  return { ...command, browserSessionId: sessionId };
}

function initiatorOf({ accountId, clientId }: ShownForSession): LogoutInitiator {
  return { kind: 'user', accountId, ...(clientId === undefined ? {} : { clientId }) };
}

/** What ends on the word of a hint that is still good, where an administrator allows the client that. */
export function headlessCommand({ hint }: EndSessionRequest, client: Client): LogoutCommand | undefined {
  if (!client.metadata.headless_logout || hint?.sid === undefined || hint.expired) return undefined;
  return toHeadlessCommand({ ...hint, sid: hint.sid });
}

/** By way of the upstream too, a link stays a link. */
export function wayOf({ redirectUri, state, link }: Pick<ShownDialog, 'redirectUri' | 'state' | 'link'>): WayBack {
  if (link === undefined) return { redirectUri, state };
  return { redirectUri: link.redirectUri, state: link.state, linkTo: link.clientName };
}

/** As the pages show it. */
export function linkView({ redirectUri, state, clientName: name }: UnverifiedLink): {
  readonly continueTo: { readonly url: string; readonly clientName: string };
} {
  return { continueTo: { url: appendQuery(redirectUri, [['state', state]]), clientName: name } };
}
