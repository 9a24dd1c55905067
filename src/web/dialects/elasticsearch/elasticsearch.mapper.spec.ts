import type { Client } from '../../../domain/clients/client.js';
import {
  InvalidGrantError,
  InvalidRequestError,
  TooManyRequestsError,
  UnauthorizedClientError,
  type ProtocolError,
} from '../../../platform/oidc/errors.js';
import type { Grant } from '../../../domain/tokens/grant.js';
import type { IssuedAccessToken } from '../../../domain/tokens/issued-tokens.service.js';
import type { RealmTokens } from './principals.service.js';
import { RealmAuthenticationError, UnknownRealmError } from './realm-errors.js';
import { ElasticsearchError } from './elasticsearch-error.js';
import { toClientAuthentication } from './authentication.mapper.js';
import {
  toAuthenticateRequest,
  toAuthenticateResponse,
  tokensToLogOut,
  toLogoutCommand,
  toOidcLogoutRequest,
  toPrepareRequest,
} from './oidc.mapper.js';
import {
  invalidationStatus,
  toClientTokenResponse,
  toCreateTokenRequest,
  toCreateTokenResponse,
  toInvalidateTokenRequest,
  toInvalidateTokenResponse,
} from './token.mapper.js';
import { toElasticsearchError } from './error.mapper.js';

const TOKEN = 'eyJ.e30.c2ln';
const REFRESH = 'r'.repeat(43);
const GRANT: Grant = {
  id: 'grant-1',
  accountId: 'mia',
  clientId: 'kibana',
  sessionId: 'session-1',
  offline: false,
  scope: ['openid', 'email'],
  claims: null,
  authenticatedAt: new Date(0),
  amr: ['pwd'],
  sid: 'sid-1',
  upstream: 'acme',
};
const ACCESS: IssuedAccessToken = {
  accountId: GRANT.accountId,
  jti: 'jti-1',
  expiresAt: new Date(0),
  alive: false,
  grant: GRANT,
};
const TOKENS: RealmTokens = {
  accessToken: TOKEN,
  refreshToken: REFRESH,
  expiresIn: 600,
  principal: {
    login: 'mia@example.com',
    fullName: undefined,
    email: 'mia@example.com',
    realm: 'acme',
    metadata: { 'oidc(sub)': '1' },
  },
};
const KIBANA = {
  clientId: 'kibana',
  metadata: { client_name: 'Kibana', permissions: ['manage_oidc'] },
} as unknown as Client;

/** Body and, for objects, the type: what a caller sees of it. */
function refusal(run: () => unknown): readonly [number, string, string] {
  try {
    run();
  } catch (error) {
    if (error instanceof ElasticsearchError) return seen(error);
    throw error;
  }
  throw new Error('it was accepted');
}

function seen(error: ElasticsearchError): readonly [number, string, string] {
  const { error: body, error_description: description } = error.body as {
    error: string | { type: string; reason: string };
    error_description?: string;
  };
  return typeof body === 'string' ? [error.status, body, description ?? ''] : [error.status, body.type, body.reason];
}

const INVALID = 'action_request_validation_exception';

describe('prepare (wire/elasticsearch#prepare)', () => {
  it('takes a realm or an issuer, and passes the rest on', () => {
    expect(toPrepareRequest({ realm: 'acme', login_hint: 'mia', state: 's', nonce: 'n' })).toEqual({
      realm: 'acme',
      issuer: undefined,
      loginHint: 'mia',
      state: 's',
      nonce: 'n',
    });
    expect(toPrepareRequest({ iss: 'https://op.example.com', realm: ' ', state: '' })).toMatchObject({
      realm: undefined,
      issuer: 'https://op.example.com',
      state: undefined,
    });
  });

  it.each([
    ['neither', {}, 'Validation Failed: 1: one of [realm, issuer] must be provided;'],
    ['only blanks', { realm: ' ', iss: '' }, 'Validation Failed: 1: one of [realm, issuer] must be provided;'],
    [
      'both',
      { realm: 'a', iss: 'b' },
      'Validation Failed: 1: only one of [realm, issuer] can be provided in the same request;',
    ],
  ])('refuses %s', (_name, body, reason) => {
    expect(refusal(() => toPrepareRequest(body))).toEqual([400, INVALID, reason]);
  });
});

describe('authenticate (wire/elasticsearch#authenticate)', () => {
  it('takes a realm of null for none', () => {
    expect(toAuthenticateRequest({ redirect_uri: '/cb?code=c', state: 's', nonce: 'n', realm: null })).toEqual({
      redirectUri: '/cb?code=c',
      state: 's',
      nonce: 'n',
      realm: undefined,
    });
  });

  it('names all that is missing at once', () => {
    expect(refusal(() => toAuthenticateRequest({}))).toEqual([
      400,
      INVALID,
      'Validation Failed: 1: state parameter is missing;2: nonce parameter is missing;3: redirect_uri parameter is missing;',
    ]);
  });

  it('answers what the documentation and what the code of the original has', () => {
    expect(toAuthenticateResponse(TOKENS)).toEqual({
      access_token: TOKEN,
      refresh_token: REFRESH,
      type: 'Bearer',
      expires_in: 600,
      username: 'mia@example.com',
      authentication: {
        username: 'mia@example.com',
        roles: [],
        full_name: null,
        email: 'mia@example.com',
        metadata: { 'oidc(sub)': '1' },
        enabled: true,
        authentication_realm: { name: 'acme', type: 'oidc' },
        lookup_realm: { name: 'acme', type: 'oidc' },
        authentication_type: 'token',
      },
    });
  });

  it('leaves out a refresh token that there is not', () => {
    expect(toAuthenticateResponse({ ...TOKENS, refreshToken: undefined })).not.toHaveProperty('refresh_token');
  });
});

describe('logout (wire/elasticsearch#logout)', () => {
  it.each([
    ['token', { token: TOKEN }, { token: TOKEN, refreshToken: undefined }],
    ['access_token for it', { access_token: TOKEN }, { token: TOKEN, refreshToken: undefined }],
    ['both when they are equal', { token: TOKEN, access_token: TOKEN }, { token: TOKEN, refreshToken: undefined }],
    ['a refresh token', { token: TOKEN, refresh_token: REFRESH }, { token: TOKEN, refreshToken: REFRESH }],
  ])('takes %s', (_name, body, expected) => {
    expect(toOidcLogoutRequest(body)).toEqual(expected);
  });

  it.each([
    ['no token', {}, 400, INVALID, 'Validation Failed: 1: token is missing;'],
    ['an empty token', { token: '' }, 400, INVALID, 'Validation Failed: 1: token is missing;'],
    [
      'two different tokens',
      { token: TOKEN, access_token: 'x' },
      400,
      INVALID,
      'Validation Failed: 1: only one of [token, access_token] can be provided in the same request;',
    ],
    [
      'an empty refresh token',
      { token: TOKEN, refresh_token: '' },
      400,
      'illegal_argument_exception',
      'refresh token must be provided',
    ],
    [
      'the documentation’s example',
      { token: 'dGhpcyBpcyBub3QgYSByZWFsIHRva2Vu', refresh_token: 'vLBPvmAB6KvwvJZr27cS' },
      401,
      'security_exception',
      'token malformed',
    ],
  ])('refuses %s', (_name, body, status, type, reason) => {
    expect(refusal(() => toOidcLogoutRequest(body))).toEqual([status, type, reason]);
  });

  it('takes an access token dead or alive, and a refresh token of the same person and session', () => {
    expect(tokensToLogOut(ACCESS, undefined)).toEqual({ access: ACCESS, grant: GRANT });
    expect(tokensToLogOut(ACCESS, { alive: false, grant: { ...GRANT, id: 'grant-2' } }).grant).toBe(GRANT);
  });

  const NOT_OIDC = 'Access token is not valid for an OpenID Connect realm';
  it.each([
    ['an unknown token', undefined, undefined, 401, 'security_exception', 'supplied token is not valid'],
    ['a token of a client', { ...ACCESS, grant: undefined }, undefined, 400, 'illegal_argument_exception', NOT_OIDC],
    [
      'a token without openid',
      { ...ACCESS, grant: { ...GRANT, scope: ['email'] } },
      undefined,
      400,
      'illegal_argument_exception',
      NOT_OIDC,
    ],
    [
      'another person’s refresh token',
      ACCESS,
      { alive: true, grant: { ...GRANT, id: 'grant-2', accountId: 'noor' } },
      400,
      'security_exception',
      'invalid_grant',
    ],
    [
      'a refresh token of another session',
      ACCESS,
      { alive: true, grant: { ...GRANT, id: 'grant-2', sessionId: 'session-2' } },
      400,
      'security_exception',
      'invalid_grant',
    ],
    [
      'a refresh token of another session, both of them forgotten',
      { ...ACCESS, grant: { ...GRANT, sessionId: null } },
      { alive: true, grant: { ...GRANT, id: 'grant-2', sessionId: null } },
      400,
      'security_exception',
      'invalid_grant',
    ],
  ])('refuses %s', (_name, access, refresh, status, type, reason) => {
    expect(refusal(() => tokensToLogOut(access, refresh))).toEqual([status, type, reason]);
  });

  it('targets the session, or the grant when there is none, or none that the client is in', () => {
    expect(toLogoutCommand('kibana', GRANT)).toEqual({
      target: { kind: 'account-session', accountId: GRANT.accountId, sessionId: 'session-1' },
      cause: 'elasticsearch_logout',
      initiator: { kind: 'client', clientId: 'kibana' },
    });
    expect(toLogoutCommand('kibana', { ...GRANT, sessionId: null }).target).toEqual({
      kind: 'grant',
      accountId: GRANT.accountId,
      grantId: 'grant-1',
    });
    expect(toLogoutCommand('kibana', { ...GRANT, sid: null }).target).toEqual({
      kind: 'grant',
      accountId: GRANT.accountId,
      grantId: 'grant-1',
    });
  });
});

describe('token requests (wire/elasticsearch#token)', () => {
  it.each([
    [
      { grant_type: 'password', username: 'mia', password: 'p' },
      { grantType: 'password', username: 'mia', password: 'p' },
    ],
    [
      { grant_type: 'refresh_token', refresh_token: REFRESH, scope: 'x' },
      { grantType: 'refresh_token', refreshToken: REFRESH },
    ],
    [{ grant_type: 'client_credentials' }, { grantType: 'client_credentials' }],
  ])('takes %j', (body, expected) => {
    expect(toCreateTokenRequest(body)).toEqual(expected);
  });

  it.each([
    [{}, 'invalid_request', 'Validation Failed: 1: grant_type is missing;'],
    [
      { grant_type: '_kerberos', kerberos_ticket: 'x' },
      'unsupported_grant_type',
      'Validation Failed: 1: grant_type only supports the values: [password, refresh_token, client_credentials];',
    ],
    [
      { grant_type: 'toString' },
      'unsupported_grant_type',
      'Validation Failed: 1: grant_type only supports the values: [password, refresh_token, client_credentials];',
    ],
    [{ grant_type: 'refresh_token' }, 'invalid_request', 'Validation Failed: 1: refresh_token is missing;'],
    [
      { grant_type: 'refresh_token', username: 'mia', refresh_token: REFRESH },
      'invalid_request',
      'Validation Failed: 1: username is not supported with the refresh_token grant_type;',
    ],
    [
      { grant_type: 'password', refresh_token: REFRESH, username: '' },
      'invalid_request',
      'Validation Failed: 1: refresh_token is not supported with the password grant_type;2: username is missing;3: password is missing;',
    ],
    [
      { grant_type: 'client_credentials', password: 'p' },
      'invalid_request',
      'Validation Failed: 1: password is not supported with the client_credentials grant_type;',
    ],
  ])('refuses %j, always with 400 and in OAuth’s shape', (body, code, description) => {
    expect(refusal(() => toCreateTokenRequest(body))).toEqual([400, code, description]);
  });

  it('says that the scope is full when another was asked for', () => {
    expect(toCreateTokenResponse(TOKENS, undefined)).not.toHaveProperty('scope');
    expect(toCreateTokenResponse(TOKENS, 'full')).not.toHaveProperty('scope');
    expect(toCreateTokenResponse(TOKENS, 'openid')).toMatchObject({ scope: 'FULL', type: 'Bearer', expires_in: 600 });
  });

  it('answers a client’s own token without a refresh token', () => {
    const issued = { access_token: TOKEN, token_type: 'Bearer', expires_in: 600, scope: 'a' } as const;
    expect(toClientTokenResponse(issued, KIBANA, undefined)).toEqual({
      access_token: TOKEN,
      type: 'Bearer',
      expires_in: 600,
      authentication: toClientAuthentication(KIBANA, 'bearer'),
    });
  });
});

describe('invalidation (wire/elasticsearch#invalidate)', () => {
  it.each([
    [{ token: TOKEN }, { kind: 'access_token', token: TOKEN }],
    [
      { refresh_token: REFRESH, username: ' ' },
      { kind: 'refresh_token', token: REFRESH },
    ],
    [{ realm_name: 'acme' }, { kind: 'all', filter: { realm: { name: 'acme' } } }],
    [{ realm_name: 'exeunt' }, { kind: 'all', filter: { realm: { name: null } } }],
    [{ username: 'mia' }, { kind: 'all', filter: { username: 'mia' } }],
    [
      { realm_name: 'acme', username: 'mia' },
      { kind: 'all', filter: { realm: { name: 'acme' }, username: 'mia' } },
    ],
  ])('takes %j', (body, expected) => {
    expect(toInvalidateTokenRequest(body)).toEqual(expected);
  });

  const NOTHING = 'Validation Failed: 1: token string must be provided when not specifying a realm name or a username;';
  it.each([
    [{}, INVALID, NOTHING],
    [{ token: '' }, INVALID, NOTHING],
    [{ realm_name: '', username: ' ' }, INVALID, NOTHING],
    [
      { token: TOKEN, refresh_token: REFRESH },
      'x_content_parse_exception',
      'only one of [token, refresh_token] may be sent per request',
    ],
    [
      { token: TOKEN, realm_name: 'acme' },
      INVALID,
      'Validation Failed: 1: token string must not be provided when realm name or username is specified;2: token type must not be provided when realm name or username is specified;',
    ],
  ])('refuses %j', (body, type, reason) => {
    expect(refusal(() => toInvalidateTokenRequest(body))).toEqual([400, type, reason]);
  });

  it('is 404 for one unknown token, and never for several', () => {
    const none = { invalidated: 0, previously: 0 };
    expect(invalidationStatus({ kind: 'access_token', token: TOKEN }, none)).toBe(404);
    expect(invalidationStatus({ kind: 'refresh_token', token: TOKEN }, { invalidated: 0, previously: 1 })).toBe(200);
    expect(invalidationStatus({ kind: 'all', filter: { username: 'mia' } }, none)).toBe(200);
  });

  it('counts', () => {
    expect(toInvalidateTokenResponse({ invalidated: 2, previously: 1 })).toEqual({
      invalidated_tokens: 2,
      previously_invalidated_tokens: 1,
      error_count: 0,
    });
  });
});

describe('_authenticate (wire/elasticsearch#who-is-it)', () => {
  it.each([
    ['basic', 'realm'],
    ['bearer', 'token'],
  ] as const)('says what a client is, by %s', (by, type) => {
    const realm = { name: 'exeunt', type: 'native' };
    expect(toClientAuthentication(KIBANA, by)).toEqual({
      username: 'kibana',
      roles: ['manage_oidc'],
      full_name: 'Kibana',
      email: null,
      metadata: {},
      enabled: true,
      authentication_realm: realm,
      lookup_realm: realm,
      authentication_type: type,
    });
  });

  it('names the API key', () => {
    expect(toClientAuthentication(KIBANA, 'api_key')).toMatchObject({
      authentication_type: 'api_key',
      api_key: { id: 'kibana', name: 'Kibana' },
    });
  });
});

describe('refusals of the core', () => {
  it.each<readonly [ProtocolError, readonly [number, string, string]]>([
    [new UnknownRealmError('Cannot find x'), [400, 'security_exception', 'Cannot find x']],
    [
      new RealmAuthenticationError('nonce does not fit'),
      [
        401,
        'security_exception',
        'unable to authenticate user [<OIDC Token>] for action [cluster:admin/xpack/security/oidc/authenticate]',
      ],
    ],
    [new InvalidGrantError('what is wrong'), [400, 'invalid_grant', 'could not refresh the requested token']],
    [new UnauthorizedClientError('not registered'), [400, 'unauthorized_client', 'not registered']],
    [new TooManyRequestsError('x', 7), [429, 'es_rejected_execution_exception', 'Too many attempts.']],
    [new InvalidRequestError('x'), [400, 'illegal_argument_exception', 'x']],
  ])('%s', (error, expected) => {
    expect(seen(toElasticsearchError(error))).toEqual(expected);
  });
});
