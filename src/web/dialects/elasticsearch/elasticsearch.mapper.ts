import { clientName, type Client } from '../../../domain/clients/client.js';
import type { LogoutCommand } from '../../../domain/logout/command/logout.js';
import {
  InvalidGrantError,
  InvalidScopeError,
  TooManyRequestsError,
  UnauthorizedClientError,
  UnsupportedGrantTypeError,
  type ProtocolError,
} from '../../../platform/oidc/errors.js';
import type { Grant } from '../../../domain/tokens/grant.js';
import type {
  Invalidation,
  IssuedAccessToken,
  IssuedRefreshToken,
} from '../../../domain/tokens/issued-tokens.service.js';
import type { TokenResponse } from '../../../domain/tokens/token-responder.js';
import type { PreparedAuthentication, Principal, RealmTokens } from '../../../domain/upstreams/realms.service.js';
import { RealmAuthenticationError, UnknownRealmError } from '../../../domain/upstreams/upstream-errors.js';
import { OWN_REALM } from '../../../domain/upstreams/upstream.js';
import type { ClientCredentialKind } from './caller.js';
import type { AuthenticationDto } from './dto/authentication.dto.js';
import type {
  OidcAuthenticateRequestDto,
  OidcAuthenticateResponseDto,
  OidcLogoutRequestDto,
  OidcPrepareRequestDto,
  OidcPrepareResponseDto,
} from './dto/oidc.dto.js';
import {
  GRANT_TYPES,
  type CreateTokenRequestDto,
  type CreateTokenResponseDto,
  type ElasticsearchGrantType,
  type InvalidateTokenRequestDto,
  type InvalidateTokenResponseDto,
} from './dto/token.dto.js';
import {
  contentParseError,
  foreignRefreshToken,
  illegalArgument,
  OAuthStyleError,
  ObjectError,
  suppliedTokenNotValid,
  tokenMalformed,
  tooManyRequests,
  unableToAuthenticateAtRealm,
  unauthorized,
  unknownRealm,
  validationFailed,
  validationText,
  type ElasticsearchError,
} from './elasticsearch-error.js';
import { ELASTICSEARCH_LOGOUT } from './vocabulary.js';

/** Blank counts as absent. */
function hasText(text: string | undefined): text is string {
  return text !== undefined && text.trim() !== '';
}

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

function tokensOf(
  tokens: RealmTokens,
): Pick<OidcAuthenticateResponseDto, 'access_token' | 'type' | 'expires_in' | 'refresh_token'> {
  return {
    access_token: tokens.accessToken,
    type: 'Bearer',
    expires_in: tokens.expiresIn,
    ...(tokens.refreshToken === undefined ? {} : { refresh_token: tokens.refreshToken }),
  };
}

export interface OidcLogoutRequest {
  readonly token: string;
  readonly refreshToken: string | undefined;
}

/** 256 bits in base64url, as `newSecret()` makes them. */
const REFRESH_TOKEN = /^[A-Za-z0-9_-]{43}$/;

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
  if (refreshToken !== undefined && !REFRESH_TOKEN.test(refreshToken)) throw tokenMalformed();
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

/** Grants whose sessions retention has removed have nothing in common any more. */
function belongTogether(one: Grant, other: Grant): boolean {
  if (one.id === other.id) return true;
  return one.accountId === other.accountId && one.sessionId !== null && one.sessionId === other.sessionId;
}

/** Ends the session for every application in it. Tokens without one, such as by password, have only their grant. */
export function toLogoutCommand(clientId: string, grant: Grant): LogoutCommand {
  return {
    target:
      grant.sessionId === null ? { kind: 'grant', grantId: grant.id } : { kind: 'session', sessionId: grant.sessionId },
    cause: ELASTICSEARCH_LOGOUT.name,
    initiator: { kind: 'client', clientId },
  };
}

export type CreateTokenRequest =
  | { readonly grantType: 'password'; readonly username: string; readonly password: string }
  | { readonly grantType: 'refresh_token'; readonly refreshToken: string }
  | { readonly grantType: 'client_credentials' };

/** What a grant type needs. Any other of these fields is foreign to it. */
const GRANT_FIELDS = {
  password: ['username', 'password'],
  refresh_token: ['refresh_token'],
  client_credentials: [],
} as const satisfies Record<ElasticsearchGrantType, readonly (keyof CreateTokenRequestDto)[]>;
const ALL_GRANT_FIELDS = ['username', 'password', 'kerberos_ticket', 'refresh_token'] as const;

/** @throws OAuthStyleError that names every field that is missing or foreign to the grant type */
export function toCreateTokenRequest(body: CreateTokenRequestDto): CreateTokenRequest {
  const { username = '', password = '', refresh_token: refreshToken = '' } = body;
  const grantType = grantTypeOf(body.grant_type);
  const own: readonly string[] = GRANT_FIELDS[grantType];
  const problems = [
    ...ALL_GRANT_FIELDS.filter((field) => !own.includes(field) && body[field] !== undefined).map(
      (field) => `${field} is not supported with the ${grantType} grant_type`,
    ),
    ...GRANT_FIELDS[grantType].filter((field) => (body[field] ?? '') === '').map((field) => `${field} is missing`),
  ];
  if (problems.length > 0) throw new OAuthStyleError('invalid_request', validationText(problems));
  switch (grantType) {
    case 'password':
      return { grantType, username, password };
    case 'refresh_token':
      return { grantType, refreshToken };
    case 'client_credentials':
      return { grantType };
  }
}

function grantTypeOf(text: string | undefined): ElasticsearchGrantType {
  if (text === undefined || text === '')
    throw new OAuthStyleError('invalid_request', validationText(['grant_type is missing']));
  const grantType = GRANT_TYPES.find((candidate) => candidate === text);
  if (grantType !== undefined) return grantType;
  throw new OAuthStyleError(
    'unsupported_grant_type',
    validationText([`grant_type only supports the values: [${GRANT_TYPES.join(', ')}]`]),
  );
}

/** @param scope what was asked for, which is ignored; the answer says so (RFC 6749 §5.1) */
export function toCreateTokenResponse(tokens: RealmTokens, scope: string | undefined): CreateTokenResponseDto {
  return { ...tokensOf(tokens), ...fullScope(scope), authentication: toAuthentication(tokens.principal) };
}

/** A token of the client's own. */
export function toClientTokenResponse(
  tokens: TokenResponse,
  client: Client,
  scope: string | undefined,
): CreateTokenResponseDto {
  return {
    access_token: tokens.access_token,
    type: 'Bearer',
    expires_in: tokens.expires_in,
    ...fullScope(scope),
    authentication: toClientAuthentication(client, 'bearer'),
  };
}

function fullScope(requested: string | undefined): { readonly scope?: 'FULL' } {
  return !hasText(requested) || requested.toUpperCase() === 'FULL' ? {} : { scope: 'FULL' };
}

export type InvalidateTokenRequest =
  | { readonly kind: 'access_token' | 'refresh_token'; readonly token: string }
  | {
      readonly kind: 'all';
      readonly filter: { readonly realm?: { readonly name: string | null }; readonly username?: string };
    };

/** @throws ElasticsearchError unless it says what to invalidate, in one of the three ways */
export function toInvalidateTokenRequest(body: InvalidateTokenRequestDto): InvalidateTokenRequest {
  const { token, refresh_token: refreshToken, realm_name: realm, username } = body;
  if (token !== undefined && refreshToken !== undefined)
    throw contentParseError('only one of [token, refresh_token] may be sent per request');
  const kind = token === undefined ? 'refresh_token' : 'access_token';
  const value = token ?? refreshToken;
  if (!hasText(realm) && !hasText(username)) {
    if (hasText(value)) return { kind, token: value };
    throw validationFailed('token string must be provided when not specifying a realm name or a username');
  }
  if (value !== undefined)
    throw validationFailed(
      'token string must not be provided when realm name or username is specified',
      'token type must not be provided when realm name or username is specified',
    );
  return {
    kind: 'all',
    filter: {
      ...(hasText(realm) ? { realm: { name: realm === OWN_REALM ? null : realm } } : {}),
      ...(hasText(username) ? { username } : {}),
    },
  };
}

/** 404 for one token that is not known; several at once are never unknown. */
export function invalidationStatus(request: InvalidateTokenRequest, invalidation: Invalidation): 200 | 404 {
  return request.kind !== 'all' && invalidation.invalidated + invalidation.previously === 0 ? 404 : 200;
}

export function toInvalidateTokenResponse(invalidation: Invalidation): InvalidateTokenResponseDto {
  return {
    invalidated_tokens: invalidation.invalidated,
    previously_invalidated_tokens: invalidation.previously,
    error_count: 0,
  };
}

/** A person, as a token stands for them. */
export function toAuthentication(principal: Principal): AuthenticationDto {
  const realm = { name: principal.realm, type: 'oidc' } as const;
  return {
    username: principal.login,
    roles: [],
    full_name: principal.fullName ?? null,
    email: principal.email ?? null,
    metadata: principal.metadata,
    enabled: true,
    authentication_realm: realm,
    lookup_realm: realm,
    authentication_type: 'token',
  };
}

const AUTHENTICATION_TYPES = {
  basic: 'realm',
  api_key: 'api_key',
  bearer: 'token',
} as const satisfies Record<ClientCredentialKind, string>;

/** A client, by whichever credential it showed. */
export function toClientAuthentication(client: Client, by: ClientCredentialKind): AuthenticationDto {
  const realm = { name: OWN_REALM, type: 'native' } as const;
  return {
    username: client.clientId,
    roles: [...client.metadata.permissions],
    full_name: clientName(client),
    email: null,
    metadata: {},
    enabled: true,
    authentication_realm: realm,
    lookup_realm: realm,
    authentication_type: AUTHENTICATION_TYPES[by],
    ...(by === 'api_key' ? { api_key: { id: client.clientId, name: clientName(client) } } : {}),
  };
}

/** What this dialect says for a refusal of the core's. Those of 500 and up are the filter's. */
export function toElasticsearchError(error: ProtocolError): ElasticsearchError {
  if (error instanceof UnknownRealmError) return unknownRealm(error.description);
  if (error instanceof RealmAuthenticationError) return unableToAuthenticateAtRealm();
  if (error instanceof TooManyRequestsError) return tooManyRequests(error.retryAfterSeconds);
  // The one text for whatever is wrong with a refresh token: what that is, is nobody's to know.
  if (error instanceof InvalidGrantError)
    return new OAuthStyleError(error.code, 'could not refresh the requested token');
  if (isAboutTokenRequest(error)) return new OAuthStyleError(error.code, error.description);
  if (error.status === 401) return unauthorized(error.description);
  if (error.status === 403) return new ObjectError(error.status, 'security_exception', error.description);
  return illegalArgument(error.description, error.status);
}

function isAboutTokenRequest(error: ProtocolError): boolean {
  return (
    error instanceof InvalidScopeError ||
    error instanceof UnauthorizedClientError ||
    error instanceof UnsupportedGrantTypeError
  );
}
