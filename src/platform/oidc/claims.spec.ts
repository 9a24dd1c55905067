import { isScopeToken, parseScope, requestedClaims, selectClaims } from './claims.js';

describe('parseScope (RFC 6749 §3.3)', () => {
  it.each<[string | undefined, string[]]>([
    [undefined, []],
    ['', []],
    [' ', []],
    ['openid', ['openid']],
    ['openid  email openid ', ['openid', 'email']],
    ['OpenID openid', ['OpenID', 'openid']],
  ])('%j is %j', (scope, values) => expect(parseScope(scope)).toEqual(values));
});

describe('isScopeToken (RFC 6749 §3.3)', () => {
  it.each(['openid', 'reports:read', 'https://api.example/x', '!', '~'])('%j is', (value) =>
    expect(isScopeToken(value)).toBe(true),
  );
  it.each(['', 'a b', 'a"b', 'a\\b', 'a\0', 'a\n', 'é'])('%j is not', (value) =>
    expect(isScopeToken(value)).toBe(false),
  );
});

describe('requestedClaims (OpenID Connect Core 1.0 §5.4, §5.5)', () => {
  it('adds up scopes and single claims, and ignores scopes that name none', () => {
    expect([...requestedClaims(['openid', 'email', 'reports'], { given_name: null })]).toEqual([
      'email',
      'email_verified',
      'given_name',
    ]);
  });

  it.each(['constructor', '__proto__', 'toString'])('takes the scope %s for what it is: unknown', (scope) => {
    expect([...requestedClaims([scope], undefined)]).toEqual([]);
  });
});

describe('selectClaims (OpenID Connect Core 1.0 §5.3.2)', () => {
  it('leaves out what has no value, and keeps false and 0', () => {
    const all = { name: '', email: null, email_verified: false, updated_at: 0, locale: 'de' };
    expect(selectClaims(all, ['name', 'email', 'email_verified', 'updated_at', 'website'])).toEqual({
      email_verified: false,
      updated_at: 0,
    });
  });

  it.each(['constructor', '__proto__', 'toString'])('finds no %s, which every object inherits', (name) => {
    expect(Object.getOwnPropertyNames(selectClaims({ name: 'Mia' }, [name]))).toEqual([]);
    expect(Object.getPrototypeOf(selectClaims({ name: 'Mia' }, [name]))).toBe(Object.prototype);
  });
});
