import { ApiQuery } from '@nestjs/swagger';

const PARAMETERS: ReadonlyArray<readonly [name: string, required: boolean, description: string, example: string]> = [
  ['client_id', true, 'The application.', 'ledger'],
  ['response_type', false, '`code` is what is offered. Required, unless the request was pushed.', 'code'],
  [
    'redirect_uri',
    false,
    'Exactly as registered; may be left out when only one is.',
    'https://ledger.example.com/callback',
  ],
  ['scope', false, 'Space-delimited; `openid` for an ID token. Unknown scopes are ignored.', 'openid profile'],
  ['state', false, 'Comes back byte for byte.', 'af0ifjsldkj'],
  ['nonce', false, 'Goes into the ID token.', 'n-0S6_WzA2Mj'],
  [
    'code_challenge',
    false,
    'S256 challenge (RFC 7636); required of public clients.',
    'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
  ],
  ['code_challenge_method', false, '`S256`.', 'S256'],
  ['response_mode', false, '`query` or `form_post`.', 'query'],
  ['prompt', false, '`none`, `login`, `consent`, `select_account`.', 'login'],
  ['max_age', false, 'Seconds since the person last proved who they are.', '3600'],
  ['login_hint', false, 'Filled into the sign-in form.', 'mia@example.com'],
  ['id_token_hint', false, 'Whom the application expects.', 'eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.e30.c2ln'],
  [
    'claims',
    false,
    'Single claims (OpenID Connect Core 1.0 §5.5), as JSON.',
    '{"userinfo":{"name":{"essential":true}}}',
  ],
  [
    'request',
    false,
    'The parameters as a JWT that the client signed (OpenID Connect Core 1.0 §6.1); they go before those beside it.',
    'eyJhbGciOiJFUzI1NiJ9.eyJzdGF0ZSI6IngifQ.c2ln',
  ],
  [
    'request_uri',
    false,
    'That of a pushed request; the parameters beside it count for nothing (RFC 9126 §4).',
    'urn:ietf:params:oauth:request_uri:pG9qSgBu1cTLZ4ln4yQnXl7Qn0yC8kq5xJ0m6b2vX4c',
  ],
  ['acr_values', false, 'Taken as a wish.', 'urn:exeunt:acr:password'],
  ['display', false, 'Taken as a wish.', 'page'],
  ['ui_locales', false, 'Taken as a wish.', 'en'],
];

/** Describes the parameters of an authorization request as a query. */
export function ApiAuthorizationQuery(): MethodDecorator {
  const decorators = PARAMETERS.map(([name, required, description, example]) =>
    ApiQuery({ name, required, description, example, type: String }),
  );
  return (target, key, descriptor) => {
    for (const decorate of decorators) decorate(target, key, descriptor);
  };
}

/** They as a form, without those that are not sent there. */
export function authorizationForm(required: readonly string[], without: readonly string[] = []) {
  const sent = PARAMETERS.filter(([name]) => !without.includes(name));
  return {
    type: 'object' as const,
    required: [...required],
    properties: Object.fromEntries(
      sent.map(([name, , description, example]) => [name, { type: 'string', description, example }]),
    ),
  };
}
