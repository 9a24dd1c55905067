import type { DeniableToken } from '../../../domain/tokens/issued-tokens.service.js';
import type { Client } from '../../../domain/clients/client.js';
import type { LogoutCommand } from '../../../domain/logout/command/logout.js';
import { isAllowedRedirectUri, isRegisteredUri } from '../../../platform/oidc/redirect-uri.js';
import { sha256 } from '../../../platform/oidc/secret.js';
import type { SignedInSession } from '../../../domain/sessions/session.js';
import type { TokenHint } from '../../../domain/tokens/hint-verifier.js';
import type { Organization } from '../../../domain/upstreams/organizations.service.js';
import type { Upstream } from '../../../domain/upstreams/upstream.js';
import { CspError } from './csp-error.js';
import type { CspLogoutQueryDto, IdTokenDto } from './dto/csp-logout.dto.js';
import { CSP_LOGOUT } from './vocabulary.js';

/** A request whose syntax is good. Nothing of it has been verified. */
export interface CspLogoutRequest {
  readonly idToken: string | undefined;
  readonly orgId: string | undefined;
  /** The organization that `orgLink` leads to. */
  readonly orgIdOfLink: string | undefined;
  readonly postLogoutRedirectUri: string | undefined;
  readonly state: string | undefined;
}

/**
 * A verified ID token: one that we issued, or one that another provider issued to us. Scripts have none and send their
 * access token in its place; `accessToken` is then the one that they sent, issued by us and alive.
 */
export type VerifiedIdToken =
  | {
      readonly issuer: 'own';
      /** Undefined where an access token was sent for a client itself, which is about no person. */
      readonly token: string | undefined;
      readonly hint: TokenHint;
      readonly client: Client;
      readonly accessToken?: DeniableToken;
    }
  | { readonly issuer: 'upstream'; readonly token: string; readonly upstream: Upstream; readonly sub: string };

/** The session that a cookie proves, and what it keeps of a sign-in at another provider. */
export interface CookieSession extends Pick<SignedInSession, 'id' | 'accountId'> {
  readonly cookie: string;
  readonly upstream:
    { readonly name: string; readonly idToken: string | undefined; readonly sub: string | undefined } | undefined;
}

/** Who asks, as far as that is known: anybody may (docs/wire/vmware-csp.md#anonymous). */
export interface CspCaller {
  readonly idToken: VerifiedIdToken | undefined;
  readonly session: CookieSession | undefined;
}

/** @throws CspError `ORG_LINK_INVALID` */
export function toCspLogoutRequest(query: CspLogoutQueryDto, body: IdTokenDto): CspLogoutRequest {
  return {
    idToken: body.idToken,
    orgId: query.orgId,
    orgIdOfLink: query.orgLink === undefined ? undefined : orgIdOfLink(query.orgLink),
    postLogoutRedirectUri: query.post_logout_redirect_uri,
    state: query.state,
  };
}

/**
 * The path alone, with or without the gateway's part (docs/wire/vmware-csp.md#organization): a host in it would have to
 * be believed.
 */
function orgIdOfLink(orgLink: string): string {
  const orgId = /^\/csp\/(?:gateway\/)?am\/api\/orgs\/([^/?#%\s]+)$/.exec(orgLink)?.[1];
  if (orgId === undefined) throw new CspError('ORG_LINK_INVALID');
  return orgId;
}

/**
 * The ID token and the session are about one person, as far as both say who.
 * @throws CspError `USER_MISMATCH`
 */
export function checkSamePerson({ idToken, session }: CspCaller): void {
  if (idToken === undefined || session === undefined) return;
  if (idToken.issuer === 'own') {
    if (idToken.hint.sub !== session.accountId) throw new CspError('USER_MISMATCH');
    return;
  }
  const { upstream } = session;
  // A `sub` means something at its issuer only (Core §2), so people of two issuers cannot be compared.
  if (upstream?.name === idToken.upstream.name && upstream.sub !== undefined && upstream.sub !== idToken.sub)
    throw new CspError('USER_MISMATCH');
}

/**
 * The organization that is asked for, if one is.
 * @throws CspError `ORG_MISMATCH`
 */
export function requestedOrgId({ orgId, orgIdOfLink: linked }: CspLogoutRequest): string | undefined {
  if (orgId !== undefined && linked !== undefined && orgId !== linked) throw new CspError('ORG_MISMATCH');
  return orgId ?? linked;
}

/**
 * An ID token of another provider's is good for organizations of that provider only.
 * @throws CspError `ORG_NOT_FEDERATED`
 */
export function checkFederated(org: Organization, idToken: VerifiedIdToken | undefined): void {
  if (idToken?.issuer === 'upstream' && idToken.upstream.name !== org.upstream) throw new CspError('ORG_NOT_FEDERATED');
}

/**
 * Where the browser may go after the logout. The document says that the URI "must appear in the provided ID token":
 * what appears there is the client, so the URI is held against that client's list
 * (docs/wire/vmware-csp.md#redirect-uri). At another provider we are the client, with the one URI that is configured
 * for it.
 *
 * @throws CspError `REDIRECT_URI_NOT_REGISTERED`, also when there is no ID token
 */
export function registeredRedirectUri(
  { postLogoutRedirectUri }: CspLogoutRequest,
  idToken: VerifiedIdToken | undefined,
): string | undefined {
  if (postLogoutRedirectUri === undefined) return undefined;
  if (idToken === undefined || !isRegisteredFor(idToken, postLogoutRedirectUri))
    throw new CspError('REDIRECT_URI_NOT_REGISTERED');
  return postLogoutRedirectUri;
}

function isRegisteredFor(idToken: VerifiedIdToken, uri: string): boolean {
  if (idToken.issuer === 'own') {
    const { metadata } = idToken.client;
    return isAllowedRedirectUri(metadata.post_logout_redirect_uris, uri, metadata);
  }
  const { postLogoutRedirectUri } = idToken.upstream;
  return postLogoutRedirectUri !== undefined && isRegisteredUri([postLogoutRedirectUri], uri);
}

/**
 * The `id_token_hint` for this identity provider: one that it issued itself, or none.
 *
 * The one that a session keeps is a document about a person, so it goes only to a caller that proves the session by its
 * cookie. An ID token that we issued and that names the same person is no proof: it lies in logs and URLs
 * (docs/threat-model.md#leaked-hint).
 *
 * @param provider undefined: ourselves
 */
export function idTokenHint(provider: Upstream | undefined, { idToken, session }: CspCaller): string | undefined {
  if (provider === undefined) return idToken?.issuer === 'own' ? idToken.token : undefined;
  if (idToken?.issuer === 'upstream' && idToken.upstream.name === provider.name) return idToken.token;
  return session?.upstream?.name === provider.name ? session.upstream.idToken : undefined;
}

/** The access token that was sent in place of an ID token. */
export function accessTokenOf({ idToken }: CspCaller): DeniableToken | undefined {
  return idToken?.issuer === 'own' ? idToken.accessToken : undefined;
}

/**
 * What ends. The cookie's session; without one, the session that an ID token of our issuer names, unless it has
 * expired: a token that was found somewhere is no logout switch (docs/threat-model.md#leaked-hint). Undefined: nothing.
 */
export function toLogoutCommand({ idToken, session }: CspCaller): LogoutCommand | undefined {
  const hint = idToken?.issuer === 'own' ? idToken.hint : undefined;
  if (session !== undefined)
    return {
      target: {
        kind: 'cookie',
        accountId: session.accountId,
        cookieHash: sha256(session.cookie),
        sessionId: session.id,
      },
      cause: CSP_LOGOUT.name,
      initiator: {
        kind: 'user',
        accountId: session.accountId,
        ...(hint === undefined ? {} : { clientId: hint.clientId }),
      },
    };
  if (hint?.sid === undefined || hint.expired) return undefined;
  return {
    target: { kind: 'client-session', accountId: hint.sub, clientId: hint.clientId, sid: hint.sid },
    cause: CSP_LOGOUT.name,
    initiator: { kind: 'client', clientId: hint.clientId },
  };
}
