import type { Client } from '../../../domain/clients/client.js';
import type { Invalidation } from '../../../domain/tokens/issued-tokens.service.js';
import type { TokenResponse } from '../../../domain/tokens/token-responder.js';
import { toAuthentication, toClientAuthentication, tokensOf } from './authentication.mapper.js';
import {
  GRANT_TYPES,
  type CreateTokenRequestDto,
  type CreateTokenResponseDto,
  type ElasticsearchGrantType,
  type InvalidateTokenRequestDto,
  type InvalidateTokenResponseDto,
} from './dto/token.dto.js';
import { contentParseError, OAuthStyleError, validationFailed, validationText } from './elasticsearch-error.js';
import type { RealmTokens } from './principals.service.js';
import { hasText } from './text.js';
import { OWN_REALM } from './vocabulary.js';

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
