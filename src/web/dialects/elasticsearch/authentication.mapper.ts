import { clientName, type Client } from '../../../domain/clients/client.js';
import type { ClientCredentialKind } from './caller.js';
import type { AuthenticationDto } from './dto/authentication.dto.js';
import type { OidcAuthenticateResponseDto } from './dto/oidc.dto.js';
import type { Principal, RealmTokens } from './principals.service.js';
import { OWN_REALM } from './vocabulary.js';

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

/** The members that every response with tokens has. */
export function tokensOf(
  tokens: RealmTokens,
): Pick<OidcAuthenticateResponseDto, 'access_token' | 'type' | 'expires_in' | 'refresh_token'> {
  return {
    access_token: tokens.accessToken,
    type: 'Bearer',
    expires_in: tokens.expiresIn,
    ...(tokens.refreshToken === undefined ? {} : { refresh_token: tokens.refreshToken }),
  };
}
