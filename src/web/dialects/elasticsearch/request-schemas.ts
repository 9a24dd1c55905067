import type { CreateTokenRequestDto, InvalidateTokenRequestDto } from './dto/token.dto.js';
import type { OidcAuthenticateRequestDto, OidcLogoutRequestDto, OidcPrepareRequestDto } from './dto/oidc.dto.js';
import type { FieldType, ObjectSchema } from './object-parser.js';

function schema<T extends object>(
  parserName: string,
  fields: Readonly<Record<keyof T & string, FieldType>>,
): ObjectSchema {
  return { parserName, fields };
}

export const OIDC_PREPARE = schema<OidcPrepareRequestDto>('oidc_prepare_authentication', {
  realm: 'string',
  iss: 'string',
  login_hint: 'string',
  state: 'string',
  nonce: 'string',
});

export const OIDC_AUTHENTICATE = schema<OidcAuthenticateRequestDto>('oidc_authn', {
  redirect_uri: 'string',
  state: 'string',
  nonce: 'string',
  realm: 'string_or_null',
});

export const OIDC_LOGOUT = schema<OidcLogoutRequestDto>('oidc_logout', {
  token: 'string',
  access_token: 'string',
  refresh_token: 'string',
});

/** As the original: what its documentation calls `access_token` is unknown to it. */
export const OIDC_LOGOUT_STRICT = schema<Omit<OidcLogoutRequestDto, 'access_token'>>('oidc_logout', {
  token: 'string',
  refresh_token: 'string',
});

export const CREATE_TOKEN = schema<CreateTokenRequestDto>('token_request', {
  grant_type: 'string',
  username: 'string',
  password: 'string',
  kerberos_ticket: 'string',
  refresh_token: 'string',
  scope: 'string',
});

export const INVALIDATE_TOKEN = schema<InvalidateTokenRequestDto>('invalidate_token', {
  token: 'string',
  refresh_token: 'string',
  realm_name: 'string',
  username: 'string',
});
