import { REFRESH_TOKEN_TEXT } from '../../../domain/tokens/refresh-token-form.js';
import type { LogoutCommand } from '../../../domain/logout/command/logout.js';
import type { Grant } from '../../../domain/tokens/grant.js';
import type { IssuedAccessToken, IssuedRefreshToken } from '../../../domain/tokens/issued-tokens.service.js';
import { toAuthentication, tokensOf } from './authentication.mapper.js';
import type {
  OidcAuthenticateRequestDto,
  OidcAuthenticateResponseDto,
  OidcLogoutRequestDto,
  OidcPrepareRequestDto,
  OidcPrepareResponseDto,
} from './dto/oidc.dto.js';
import {
  foreignRefreshToken,
  illegalArgument,
  suppliedTokenNotValid,
  tokenMalformed,
  validationFailed,
} from './elasticsearch-error.js';
import type { RealmTokens } from './principals.service.js';
import type { PreparedAuthentication } from './realm-authentication.service.js';
import { hasText } from './text.js';
import { ELASTICSEARCH_LOGOUT } from './vocabulary.js';

export interface PrepareRequest {
  readonly realm: string | undefined;
  readonly issuer: string | undefined;
  readonly loginHint: string | undefined;
  readonly state: string | undefined;
  readonly nonce: string | undefined;
}

/** @throws ElasticsearchError unless exactly one of `realm` and `iss` is there */
export function toPrepareRequest(body: OidcPrepareRequestDto): PrepareRequest {
  const [realm, issuer, loginHint, state, nonce] = [body.realm, body.iss, body.login_hint, body.state, body.nonce].map(
    (text) => (hasText(text) ? text : undefined),
  );
  // The messages say "issuer", though the field is `iss`; so does the original.
  if (realm === undefined && issuer === undefined) throw validationFailed('one of [realm, issuer] must be provided');
  if (realm !== undefined && issuer !== undefined)
    throw validationFailed('only one of [realm, issuer] can be provided in the same request');
  return { realm, issuer, loginHint, state, nonce };
}

export function toPrepareResponse(prepared: PreparedAuthentication): OidcPrepareResponseDto {
  const { redirect, state, nonce, realm } = prepared;
  return { redirect, state, nonce, realm };
}

export interface AuthenticateRequest {
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  readonly realm: string | undefined;
}

/** @throws ElasticsearchError that names everything that is missing, at once */
export function toAuthenticateRequest(body: OidcAuthenticateRequestDto): AuthenticateRequest {
  const { state = '', nonce = '', redirect_uri: redirectUri = '', realm } = body;
  const missing = Object.entries({ state, nonce, redirect_uri: redirectUri })
    .filter(([, text]) => !hasText(text))
    .map(([name]) => `${name} parameter is missing`);
  if (missing.length > 0) throw validationFailed(...missing);
  return { redirectUri, state, nonce, realm: realm ?? undefined };
}

/** As the documentation has it, and what the original's code answers besides. */
export function toAuthenticateResponse(tokens: RealmTokens): OidcAuthenticateResponseDto {
  return { ...tokensOf(tokens), username: tokens.principal.login, authentication: toAuthentication(tokens.principal) };
}

export interface OidcLogoutRequest {
  readonly token: string;
  readonly refreshToken: string | undefined;
}

/**
 * Deviates: takes `access_token` for `token`, as the documentation's prose and, for some months, the official schema
 * did; clients generated from that send it. In strict mode the parser has refused it before.
 *
 * @throws ElasticsearchError when it cannot be acted on, whatever is stored
 */
export function toOidcLogoutRequest(body: OidcLogoutRequestDto): OidcLogoutRequest {
  const { token, access_token: alias, refresh_token: refreshToken } = body;
  if (token !== undefined && alias !== undefined && token !== alias)
    throw validationFailed('only one of [token, access_token] can be provided in the same request');
  const accessToken = token ?? alias ?? '';
  if (accessToken === '') throw validationFailed('token is missing');
  if (refreshToken === '') throw illegalArgument('refresh token must be provided');
  // The documentation's own example, which is no token, is marked as answered 401.
  if (refreshToken !== undefined && !REFRESH_TOKEN_TEXT.test(refreshToken)) throw tokenMalformed();
  return { token: accessToken, refreshToken };
}

/**
 * The person's access token and its grant. One that has expired or was invalidated still names a grant, so that logging
 * out twice, or late, is success.
 *
 * Deviates: the original invalidates whatever refresh token is sent along. Here it must be the same person's, in the
 * same session: the documentation has both come from one answer, and a facilitator's mix-up must not log out a third
 * person.
 *
 * @throws ElasticsearchError when there is none, or the refresh token is not that person's
 */
export function tokensToLogOut(
  access: IssuedAccessToken | undefined,
  refresh: IssuedRefreshToken | undefined,
): { readonly access: IssuedAccessToken; readonly grant: Grant } {
  if (access === undefined) throw suppliedTokenNotValid();
  const { grant } = access;
  if (grant === undefined || !grant.scope.includes('openid'))
    throw illegalArgument('Access token is not valid for an OpenID Connect realm');
  if (refresh !== undefined && !belongTogether(grant, refresh.grant)) throw foreignRefreshToken();
  return { access, grant };
}

function belongTogether(one: Grant, other: Grant): boolean {
  if (one.id === other.id) return true;
  return one.accountId === other.accountId && one.sessionId !== null && one.sessionId === other.sessionId;
}

/**
 * Ends the session for every application in it. Tokens without one, such as by password, have only their grant; so have those
 * in whose session the client takes no part, which retention may have removed.
 */
export function toLogoutCommand(clientId: string, grant: Grant): LogoutCommand {
  const { accountId, sessionId, sid } = grant;
  return {
    target:
      sessionId === null || sid === null
        ? { kind: 'grant', accountId, grantId: grant.id }
        : { kind: 'account-session', accountId, sessionId },
    cause: ELASTICSEARCH_LOGOUT.name,
    initiator: { kind: 'client', clientId },
  };
}
