import {
  appendQuery,
  isCspSource,
  isAllowedRedirectUri,
  isLoopbackHost,
  isRegisteredUri,
  redirectUriProblem,
} from './redirect-uri.js';

const WEB = { allowInsecure: false, allowPrivateUseScheme: false };
const NATIVE = { allowInsecure: false, allowPrivateUseScheme: true };
const REGISTERED = 'https://app.example.com/signed-out';
const SERVER = { application_type: 'web', token_endpoint_auth_method: 'client_secret_basic' } as const;
const NATIVE_APP = { ...SERVER, application_type: 'native' } as const;
const PUBLIC_APP = { ...SERVER, token_endpoint_auth_method: 'none' } as const;

describe('redirectUriProblem', () => {
  it.each([
    'https://app.example.com',
    'https://app.example.com/',
    'https://app.example.com:8443/callback?tenant=1&x',
    'https://app.example.com/a%20b;c=d/~x',
    'https://user-content.example.com/a@b',
    'https://xn--bcher-kva.example/',
    'http://localhost:3000/callback',
    'http://127.0.0.1:3000/callback',
    'http://127.8.8.8/callback',
    'http://[::1]:3000/callback',
    'https://203.0.113.7/callback',
    'HTTPS://App.Example.com/Callback',
    'https://[2001:db8::1]:8443/callback',
    `https://${'a'.repeat(63)}.example.com/`,
    'https://app--1.example.com/?a;b,c',
    'https://intranet/callback',
  ])('takes %s', (uri) => {
    expect(redirectUriProblem(uri, WEB)).toBeUndefined();
  });

  it.each([
    ['an empty string', ''],
    ['a path', '/callback'],
    ['a relative path', 'callback'],
    ['no scheme (//host)', '//evil.example/x'],
    ['backslash for slash (/\\host)', '/\\evil.example'],
    ['backslashes after the scheme', 'https:\\\\evil.example'],
    ['a backslash before the at sign', 'https://app.example.com\\@evil.example'],
    ['one slash (https:/evil)', 'https:/evil.example'],
    ['no slash (https:evil)', 'https:evil.example'],
    ['three slashes', 'https:///evil.example'],
    ['a tab', 'https://app.example.com/\tx'],
    ['a tab inside the scheme', 'java\tscript:alert(1)'],
    ['a CR', 'https://app.example.com/\rx'],
    ['a LF and a header', 'https://app.example.com/\nSet-Cookie: a=b'],
    ['a leading space', ' https://app.example.com/'],
    ['a trailing space', 'https://app.example.com/ '],
    ['a NUL', 'https://app.example.com/\0'],
    ['a DEL', 'https://app.example.com/\x7f'],
    ['a leading control character', '\x01javascript:alert(1)'],
    ['a user name', 'https://app.example.com@evil.example/'],
    ['a user name and a password', 'https://a:b@app.example.com/'],
    ['an empty user name', 'https://@app.example.com/'],
    ['a full-width dot', 'https://app\uff0eexample.com/'],
    ['an ideographic full stop', 'https://app\u3002example.com/'],
    ['a letter that looks like another', 'https://\u0430pp.example.com/'],
    ['a right-to-left override', 'https://app.example.com/\u202e'],
    ['a fragment', 'https://app.example.com/#x'],
    ['an empty fragment', 'https://app.example.com/#'],
    ['a semicolon in the host', 'https://a;frame-ancestors/'],
    ['a comma in the host', 'https://a,frame-src/'],
    ['a quote in the host', "https://a'b/"],
    ['an underscore in the host', 'https://a_b.example/'],
    ['a percent-encoded host', 'https://%61pp.example.com/'],
    ['punctuation in the host, percent-encoded', 'https://a%3bframe-ancestors/'],
    ['an empty label', 'https://app..example.com/'],
    ['a dot at the end of the host', 'https://app.example.com./'],
    ['a dot at the beginning of the host', 'https://.example.com/'],
    ['a label of 64 characters', `https://${'a'.repeat(64)}.example.com/`],
    ['a host of 254 characters', `https://${'a.'.repeat(123)}example.com/`.slice(0, 8 + 254)],
    ['a host of 1900 characters', `https://${'a'.repeat(1900)}/`],
    ['a port that there is not', 'https://app.example.com:65536/'],
    ['an address that there is not', 'https://[::zz]/'],
    ['a wildcard host', 'https://*.example.com/'],
    ['a wildcard path', 'https://app.example.com/*'],
    ['plain http elsewhere', 'http://app.example.com/'],
    ['plain http to a host that begins like loopback', 'http://127.0.0.1.evil.example/'],
    ['plain http to a host that begins like localhost', 'http://localhost.evil.example/'],
    ['javascript:', 'javascript:alert(1)'],
    ['javascript: in mixed case', 'JaVaScRiPt:alert(1)'],
    ['javascript: with slashes', 'javascript://app.example.com/%0aalert(1)'],
    ['data:', 'data:text/html,<script>alert(1)</script>'],
    ['vbscript:', 'vbscript:msgbox(1)'],
    ['file:', 'file:///etc/passwd'],
    ['blob:', 'blob:https://app.example.com/x'],
    ['about:', 'about:blank'],
    ['ftp:', 'ftp://app.example.com/'],
    ['a private-use scheme', 'com.example.app:/callback'],
    ['a host that is none', 'https://a b/'],
    ['a port that is none', 'https://app.example.com:99999/'],
    ['2001 characters', `https://app.example.com/${'a'.repeat(1977)}`],
  ])('parser trick: refuses %s (threat-model#script-as-redirect, threat-model#open-redirect)', (_what, uri) => {
    expect(redirectUriProblem(uri, WEB)).toEqual(expect.any(String));
  });

  it.each(['com.example.app:/callback', 'com.example.app://callback', 'COM.example:/x'])(
    'takes %s from a native client (RFC 8252 §7.1)',
    (uri) => {
      expect(redirectUriProblem(uri, NATIVE)).toBeUndefined();
    },
  );

  it.each([
    'myapp:/callback',
    'javascript:alert(1)',
    'data:text/html,x',
    'http://app.example.com/',
    'com.example.app:/x#y',
  ])('refuses %s from a native client too', (uri) => {
    expect(redirectUriProblem(uri, NATIVE)).toEqual(expect.any(String));
  });

  it('takes plain http elsewhere only by setting', () => {
    expect(redirectUriProblem('http://app.example.com/', { ...WEB, allowInsecure: true })).toBeUndefined();
    expect(redirectUriProblem('javascript:alert(1)', { allowInsecure: true, allowPrivateUseScheme: true })).toEqual(
      expect.any(String),
    );
  });
});

describe('isRegisteredUri compares byte for byte (RFC 9700 §4.1.3)', () => {
  it('takes the registered one', () => {
    expect(isRegisteredUri([REGISTERED], REGISTERED)).toBe(true);
  });

  it.each([
    ['nothing', ''],
    ['a slash more', `${REGISTERED}/`],
    ['a query more', `${REGISTERED}?x=1`],
    ['a fragment more', `${REGISTERED}#x`],
    ['a suffix on the host', 'https://app.example.com.evil.example/signed-out'],
    ['a prefix on the path', 'https://app.example.com/x/../signed-out'],
    ['a prefix of it', 'https://app.example.com/signed'],
    ['another case (threat-model#redirect-in-another-case)', 'https://app.example.com/Signed-Out'],
    ['another case of the host', 'https://APP.example.com/signed-out'],
    ['the default port', 'https://app.example.com:443/signed-out'],
    ['an escaped letter', 'https://app.example.com/signed%2Dout'],
    ['a user name', 'https://app.example.com@evil.example/signed-out'],
    ['no scheme', '//app.example.com/signed-out'],
    ['a backslash', 'https:\\\\app.example.com/signed-out'],
    ['a tab', 'https://app.example.com/\tsigned-out'],
    ['a line end', `${REGISTERED}\n`],
    ['a space before', ` ${REGISTERED}`],
    ['a wildcard (threat-model#wildcard-redirect)', 'https://app.example.com/*'],
    ['http for https', 'http://app.example.com/signed-out'],
  ])('refuses it with %s', (_what, requested) => {
    expect(isRegisteredUri([REGISTERED], requested)).toBe(false);
    for (const client of [SERVER, NATIVE_APP, PUBLIC_APP])
      expect(isAllowedRedirectUri([REGISTERED], requested, client)).toBe(false);
  });

  it('refuses everything where nothing is registered', () => {
    expect(isRegisteredUri([], REGISTERED)).toBe(false);
  });
});

describe('isAllowedRedirectUri: the port of a loopback address is free for an app on that computer (RFC 8252 §7.3)', () => {
  it.each([
    ['http://127.0.0.1/callback', 'http://127.0.0.1:49152/callback'],
    ['http://127.0.0.1:1/callback', 'http://127.0.0.1:2/callback'],
    ['http://127.0.0.1:1/callback', 'http://127.0.0.1/callback'],
    ['http://[::1]/callback', 'http://[::1]:49152/callback'],
    ['http://localhost/callback', 'http://localhost:49152/callback'],
    ['http://localhost:3000/callback', 'http://localhost:49152/callback'],
    ['http://localhost', 'http://localhost:49152'],
    ['http://localhost/?a=1&b=2', 'http://localhost:65535/?a=1&b=2'],
    ['http://127.0.0.1?a=1', 'http://127.0.0.1:49152?a=1'],
  ])('%s allows %s', (registered, requested) => {
    expect(isAllowedRedirectUri(['https://app.example.com/', registered], requested, NATIVE_APP)).toBe(true);
    expect(isAllowedRedirectUri(['https://app.example.com/', registered], requested, PUBLIC_APP)).toBe(true);
    expect(isAllowedRedirectUri([registered], requested, SERVER)).toBe(false);
    expect(isAllowedRedirectUri([registered], registered, SERVER)).toBe(true);
  });

  it.each([
    ['http://127.0.0.1/callback', 'http://127.0.0.1:1/other'],
    ['http://127.0.0.1/callback', 'http://127.0.0.1:1/Callback'],
    ['http://127.0.0.1/callback', 'http://127.0.0.1:1/callback/'],
    ['http://127.0.0.1/callback', 'http://127.0.0.1:1'],
    ['http://127.0.0.1/callback', 'http://127.0.0.1:1/callback?x=1'],
    ['http://127.0.0.1/callback?x=1', 'http://127.0.0.1:1/callback'],
    ['http://127.0.0.1/callback', 'http://[::1]:1/callback'],
    ['http://127.0.0.1/callback', 'http://localhost:1/callback'],
    ['http://localhost/callback', 'http://127.0.0.1:1/callback'],
    ['http://localhost/callback', 'http://[::1]:1/callback'],
    ['http://[::1]/callback', 'http://localhost:1/callback'],
    ['http://127.0.0.1/callback', 'https://127.0.0.1:1/callback'],
    ['https://localhost/callback', 'https://localhost:1/callback'],
    ['http://127.0.0.1/callback', 'http://127.0.0.1:1@evil.example/callback'],
    ['http://127.0.0.1/callback', 'http://127.0.0.1:1\\@evil.example/callback'],
    ['http://127.0.0.1/callback', 'http://127.0.0.1:1/callback#x'],
    ['http://127.0.0.1/callback', 'http://127.0.0.1:1/callback\n'],
    ['http://127.0.0.1/callback', 'http://127.0.0.1.evil.example/callback'],
    ['http://127.0.0.1/callback', 'http://127.0.0.1:/callback'],
    ['http://127.0.0.1/callback', 'http://127.0.0.1:65536/callback'],
    ['http://127.0.0.1/callback', 'http://127.0.0.2:1/callback'],
    ['http://127.0.0.2/callback', 'http://127.0.0.2:1/callback'],
    ['http://localhost/callback', 'http://localhost.:1/callback'],
    ['http://localhost/callback', 'http://LOCALHOST:1/callback'],
    ['http://localhost/callback', 'http://a.localhost:1/callback'],
    ['http://localhost/callback', 'http://localhost:1@evil.example/callback'],
    ['http://localhost/callback', 'http://localhost.evil.example:1/callback'],
    ['https://app.example.com/callback', 'https://app.example.com:1/callback'],
    ['com.example.app:/callback', 'com.example.app:1/callback'],
  ])('%s does not allow %s', (registered, requested) => {
    expect(isAllowedRedirectUri([registered], requested, NATIVE_APP)).toBe(false);
    expect(isAllowedRedirectUri([registered], requested, PUBLIC_APP)).toBe(false);
  });
});

describe('isCspSource', () => {
  it.each(['https://a.example', 'http://localhost:3000', 'http://[::1]:3000', 'https://203.0.113.7'])(
    '%s is one',
    (source) => expect(isCspSource(source)).toBe(true),
  );
  it.each([
    'https://a;frame-ancestors',
    'https://a,frame-src',
    'https://a b',
    "https://a'b",
    'https://a"b',
    'https://a.example/path',
    'https://a.example:443:1',
    'https://*.example',
    `https://${'a'.repeat(2000)}`,
    "'unsafe-inline'",
    '*',
    'https:',
    'com.example.app:',
    '',
    'null',
  ])('%s is none', (source) => expect(isCspSource(source)).toBe(false));
});

describe('isLoopbackHost', () => {
  it.each(['localhost', '127.0.0.1', '127.255.255.254', '[::1]'])('%s is', (host) =>
    expect(isLoopbackHost(host)).toBe(true),
  );
  it.each([
    'localhost.',
    'a.localhost',
    '127.0.0.1.nip.io',
    '128.0.0.1',
    '0.0.0.0',
    '[::]',
    '[::ffff:127.0.0.1]',
    '127.1',
    '',
  ])('%s is not', (host) => expect(isLoopbackHost(host)).toBe(false));
});

describe('appendQuery touches no byte of the URI (RP-Initiated Logout 1.0 §3)', () => {
  it.each([
    ['https://a.example', 'https://a.example?state=s'],
    ['https://a.example/', 'https://a.example/?state=s'],
    ['HTTPS://A.example/B', 'HTTPS://A.example/B?state=s'],
    ['https://a.example:443/', 'https://a.example:443/?state=s'],
    ['https://a.example/a/../b', 'https://a.example/a/../b?state=s'],
    ['https://a.example/%7e%2f;x=%c3%a4', 'https://a.example/%7e%2f;x=%c3%a4?state=s'],
    ['https://a.example/?x=1', 'https://a.example/?x=1&state=s'],
    ['https://a.example/?x', 'https://a.example/?x&state=s'],
    ['https://a.example/?', 'https://a.example/?state=s'],
    ['https://a.example/?x=1&', 'https://a.example/?x=1&state=s'],
    ['https://a.example/?state=own', 'https://a.example/?state=own&state=s'],
    ['https://a.example/?x=a+b%20c', 'https://a.example/?x=a+b%20c&state=s'],
    ['com.example.app:/cb', 'com.example.app:/cb?state=s'],
  ])('%s becomes %s', (uri, expected) => {
    expect(appendQuery(uri, [['state', 's']])).toBe(expected);
  });

  it.each(['a b&c=d#e?f/g', 'é€😀', '%25%', '', '"><script>', 'a\r\nLocation: https://evil.example', '+', '~._-!*()'])(
    'brings the value %j back as it was',
    (value) => {
      const url = appendQuery('https://a.example/?x=1', [['state', value]]);
      expect(url.startsWith('https://a.example/?x=1&state=')).toBe(true);
      expect(url).toMatch(/^[\x21-\x7e]+$/);
      expect(new URL(url).searchParams.get('state')).toBe(value);
    },
  );

  it('replaces half a character, which has no encoding', () => {
    expect(appendQuery('https://a.example/', [['state', '\ud800']])).toBe('https://a.example/?state=%EF%BF%BD');
  });

  it('leaves out what has no value, and adds nothing where nothing is left', () => {
    expect(appendQuery('https://a.example/?', [['state', undefined]])).toBe('https://a.example/?');
    expect(
      appendQuery('https://a.example', [
        ['a', undefined],
        ['b', '1'],
        ['c', ''],
      ]),
    ).toBe('https://a.example?b=1&c=');
  });
});
