import type { RawRequest } from './raw-http.js';

type Header = readonly [name: string, value: string];

const FORM = 'application/x-www-form-urlencoded';

/** Paths of the hot routes, with the methods that they have. */
export const ROUTES: ReadonlyArray<readonly [method: 'GET' | 'POST', path: string]> = [
  ['POST', '/token'],
  ['POST', '/introspect'],
  ['POST', '/revoke'],
  ['GET', '/userinfo'],
  ['POST', '/userinfo'],
  ['GET', '/authorize'],
  ['POST', '/authorize'],
  ['GET', '/session/end_session'],
  ['POST', '/session/end_session'],
  ['GET', '/jwks'],
  ['GET', '/.well-known/openid-configuration'],
  ['GET', '/.well-known/oauth-authorization-server'],
  ['POST', '/api/v1/auth/oidc/backchannel-logout'],
  ['POST', '/_security/oauth2/token'],
  ['GET', '/_security/_authenticate'],
  ['POST', '/csp/gateway/am/api/auth/logout'],
  ['GET', '/csp/gateway/am/api/auth/logout'],
  ['GET', '/account/sessions'],
  ['GET', '/console'],
  ['GET', '/health/live'],
  ['GET', '/docs'],
  ['GET', '/openapi.json'],
  ['GET', '/'],
];

/** What clients and others send as the type of a form. */
export const CONTENT_TYPES: readonly string[] = [
  FORM,
  `${FORM};charset=UTF-8`,
  `${FORM}; charset=utf-8`,
  `${FORM} ; charset=utf-8`,
  `${FORM};charset="UTF-8"`,
  'Application/X-WWW-Form-URLEncoded',
  'APPLICATION/X-WWW-FORM-URLENCODED; CHARSET=UTF-8',
  `${FORM};`,
  `${FORM}; charset=`,
  `${FORM}; charset=utf8`,
  `${FORM}; charset=iso-8859-1`,
  `${FORM}; charset=utf-16`,
  `${FORM}; charset=utf-8; boundary=x`,
  `${FORM}; charset='utf-8'`,
  `${FORM}, application/json`,
  `${FORM}x`,
  'application/json',
  'application/json; charset=utf-8',
  'application/vnd.elasticsearch+json; compatible-with=9',
  'multipart/form-data; boundary=x',
  'text/plain',
  '*/*',
  '',
  ';',
  'x',
];

/** Bodies, beside `grant_type=client_credentials`. */
const BODIES: ReadonlyArray<readonly [name: string, body: string | Buffer]> = [
  ['empty', ''],
  ['plus and percent', 'scope=a+b%20c%2Bd'],
  ['UTF-8 by escapes', 'scope=%C3%A4%F0%9F%98%80'],
  ['UTF-8 by bytes', Buffer.from('scope=ä😀')],
  ['broken UTF-8 by bytes', Buffer.from([...Buffer.from('scope='), 0xc3, 0x28, 0xff])],
  ['broken UTF-8 by escapes', 'scope=%C3%28%FF'],
  ['half a surrogate by escapes', 'scope=%ED%A0%80'],
  ['bad escape', 'scope=100%&x=%zz'],
  ['NUL', 'scope=%00'],
  ['NUL by byte', Buffer.from('scope=\0')],
  ['byte order mark', Buffer.from('\uFEFFscope=openid')],
  ['sent twice', 'scope=a&scope=b'],
  ['name sent twice', 'grant_type=client_credentials'],
  ['brackets', 'scope[]=a&scope[x]=b'],
  ['encoded brackets', 'scope%5B%5D=a&x%5by%5d=b'],
  ['bracket before the sign', 'scope]=a'],
  ['prototype', '__proto__=1&constructor=2&hasOwnProperty=3&toString=4'],
  ['names that are numbers', '1=a&0=b&01=c'],
  ['no sign', 'scope&x'],
  ['only a sign', '=&==&=x'],
  ['empty members', '&&scope=a&&'],
  ['signs in the value', 'scope=a=b==c'],
  ['semicolons', 'scope=a;x=b'],
  ['spaces', 'sco pe=a b'],
  ['dots', 'scope.x=a&.=b'],
  ['encoded name', 's%63ope=a'],
  ['line breaks', 'scope=a\r\n&x=b'],
  ['1,000 members', Array.from({ length: 999 }, (_, index) => `a${index}=1`).join('&')],
  ['1,001 members', Array.from({ length: 1000 }, (_, index) => `a${index}=1`).join('&')],
  ['all that is allowed', `x=${'a'.repeat(65_536 - 'grant_type=client_credentials&x='.length)}`],
  ['one byte more', `x=${'a'.repeat(65_537 - 'grant_type=client_credentials&x='.length)}`],
];

const HEADERS: ReadonlyArray<readonly [name: string, headers: readonly Header[]]> = [
  ['origin', [['Origin', 'https://app.example.test']]],
  ['HTML', [['Accept', 'text/html,application/xhtml+xml']]],
  [
    'navigation',
    [
      ['Sec-Fetch-Mode', 'navigate'],
      ['Sec-Fetch-Site', 'cross-site'],
      ['Accept', 'text/html'],
    ],
  ],
  ['any tag', [['If-None-Match', '*']]],
  ['a tag', [['If-None-Match', '"a"']]],
  ['since', [['If-Modified-Since', 'Sun, 29 Nov 2099 00:00:00 GMT']]],
  ['range', [['Range', 'bytes=0-1']]],
  ['expectation', [['Expect', '100-continue']]],
  [
    'forwarded',
    [
      ['X-Forwarded-For', '192.0.2.1, 198.51.100.1'],
      ['X-Forwarded-Proto', 'https'],
    ],
  ],
  ['broken cookies', [['Cookie', 'exeunt_session=%zz; =; exeunt_browser=x; exeunt_session=y']]],
  ['wrong secret', [['Authorization', 'Basic eDp5']]],
  ['bearer', [['Authorization', 'Bearer a.b.c']]],
  [
    'upgrade',
    [
      ['Connection', 'close, upgrade'],
      ['Upgrade', 'websocket'],
    ],
  ],
  ['another host', [['Host', 'evil.example.test']]],
  ['kept alive and closed', [['Connection', 'Close']]],
];

const FORM_TYPE: Header = ['Content-Type', FORM];

/** The table: every request with a name that says what it is. */
export function requests(authorization: string): readonly RawRequest[] {
  const auth: Header = ['Authorization', authorization];
  const post = (
    path: string,
    name: string,
    body: string | Buffer,
    headers: readonly Header[] = [FORM_TYPE],
  ): RawRequest => ({
    name: `POST ${path}: ${name}`,
    method: 'POST',
    target: path,
    body,
    headers: [auth, ...headers],
  });
  const client = 'grant_type=client_credentials';
  return [
    ...[...new Set(ROUTES.map(([, path]) => path))].flatMap((path) => methodsOf(path, auth)),
    ...ROUTES.flatMap(([method, path]) => spellingsOf(method, path, auth)),
    ...ROUTES.flatMap(([method, path]) => withHeaders(method, path, auth)),
    ...CONTENT_TYPES.flatMap((type) => [
      post('/token', `type ${type}`, client, [['Content-Type', type]]),
      post('/session/end_session', `type ${type}`, 'state=x', [['Content-Type', type]]),
      post('/_security/oauth2/token', `type ${type}`, client, [['Content-Type', type]]),
    ]),
    ...BODIES.flatMap(([name, body]) => [
      post('/token', `body ${name}`, Buffer.concat([Buffer.from(body === '' ? '' : `${client}&`), Buffer.from(body)])),
      post('/introspect', `body ${name}`, Buffer.concat([Buffer.from('token=x&'), Buffer.from(body)])),
      post('/authorize', `body ${name}`, body),
    ]),
    ...transfers(client, auth),
  ];
}

function methodsOf(path: string, auth: Header): RawRequest[] {
  return ['HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PATCH', 'GET', 'POST', 'PROPFIND'].map((method) => ({
    name: `${method} ${path}`,
    method,
    target: path,
    headers: [auth, ['Origin', 'https://app.example.test']],
  }));
}

function spellingsOf(method: string, path: string, auth: Header): RawRequest[] {
  const targets = [
    path.toUpperCase(),
    `${path}/`,
    `${path}//`,
    `/${path}`,
    `${path}?`,
    `${path}?x=1&x=2&%zz=%00&__proto__=1&a[b]=c`,
    `${path}?client_id=\u00e4\u00a0\u00ff`,
    `${path}?next=http://a.example/?b`,
    `${path}?a#b`,
    `${path}#b`,
    `${path}%20`,
    path.replace(/[a-z]/, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
    `http://id.example.test${path}`,
    `${path};x=1`,
    `${path}/.`,
    `${path}\\x`,
  ];
  return targets.map((target) => ({
    name: `${method} ${target}`,
    method,
    target,
    headers: [auth, FORM_TYPE],
    ...(method === 'POST' ? { body: 'token=x&grant_type=client_credentials' } : {}),
  }));
}

function withHeaders(method: string, path: string, auth: Header): RawRequest[] {
  return HEADERS.map(([name, headers]) => ({
    name: `${method} ${path}: ${name}`,
    method,
    target: path,
    headers: [
      ...(headers.some(([own]) => own === 'Authorization') ? [] : [auth]),
      ...headers,
      ...(method === 'POST' ? [FORM_TYPE] : []),
    ],
    ...(method === 'POST' ? { body: 'token=x&grant_type=client_credentials' } : {}),
  }));
}

/** How a body comes. */
function transfers(client: string, auth: Header): RawRequest[] {
  const of = (name: string, more: Partial<RawRequest>, headers: readonly Header[] = []): RawRequest => ({
    name: `POST /token: ${name}`,
    method: 'POST',
    target: '/token',
    body: client,
    ...more,
    headers: [auth, FORM_TYPE, ...headers],
  });
  const length: Header = ['Content-Length', String(client.length)];
  return [
    of('byte by byte', { piece: 1 }),
    of('in two', { piece: 20 }),
    of('UTF-8 byte by byte', { body: Buffer.from(`${client}&scope=ä😀`), piece: 1 }),
    of('byte order mark byte by byte', { body: Buffer.from(`\uFEFF${client}`), piece: 1 }),
    of('chunked', { body: `1d\r\n${client}\r\n0\r\n\r\n` }, [['Transfer-Encoding', 'chunked']]),
    of('chunked and with a length', { body: `1d\r\n${client}\r\n0\r\n\r\n` }, [
      ['Transfer-Encoding', 'chunked'],
      length,
    ]),
    of('no length', { cutAfter: 0 }, [['Content-Length', '0']]),
    of('lengths that differ', {}, [length, ['Content-Length', '3']]),
    of('length twice', {}, [length, length]),
    of('negative length', {}, [['Content-Length', '-1']]),
    of('length with a sign', {}, [['Content-Length', '+29']]),
    of('cut off', { cutAfter: 5 }),
    of('cut off before the body', { cutAfter: 0 }),
    of('identity', {}, [['Content-Encoding', 'identity']]),
    of('gzip that is none', {}, [['Content-Encoding', 'gzip']]),
    of('unknown encoding', {}, [['Content-Encoding', 'x']]),
    of('HTTP/1.0', { version: '1.0' }),
    { name: 'GET with a form', method: 'GET', target: '/jwks', headers: [FORM_TYPE], body: client },
    { name: 'GET with a length of 0', method: 'GET', target: '/jwks', headers: [['Content-Length', '0']] },
    { name: 'GET with HTTP/1.0', method: 'GET', target: '/jwks', version: '1.0' },
    { name: 'GET with an empty host', method: 'GET', target: '/jwks', headers: [['Host', '']] },
  ];
}
