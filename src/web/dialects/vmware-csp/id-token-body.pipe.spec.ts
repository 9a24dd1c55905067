import { CspError } from './csp-error.js';
import { parseIdTokenBody } from './id-token-body.pipe.js';

describe('the body (wire/vmware-csp#idtoken)', () => {
  it.each([
    ['an empty object', '{}', {}],
    ['an ID token', '{"idToken":"a.b.c"}', { idToken: 'a.b.c' }],
    ['null, which counts as absent', ' {"idToken": null} ', {}],
    ['members that nobody documented', '{"x":{"idToken":1,"y":[{"y":1},{"y":2}]},"idToken":"t"}', { idToken: 't' }],
    ['a member of an unknown one twice', '{"x":{"y":1,"y":2},"idToken":"t"}', { idToken: 't' }],
    ['a prototype as a name', '{"__proto__":{"idToken":"t"}}', {}],
    ['more nesting than a stack holds', `{"x":${'['.repeat(30_000)}${']'.repeat(30_000)}}`, {}],
  ])('takes %s', (_name, text, body) => {
    expect(parseIdTokenBody(text)).toEqual(body);
  });

  it.each([
    ['nothing', undefined],
    ['what a parser made of nothing', {}],
    ['an empty text', ''],
    ['white space', ' \n'],
    ['broken JSON', '{"idToken":"a.b.c"'],
    ['two values', '{}{}'],
    ['a comment', '{/* */}'],
    ['a trailing comma', '{"idToken":"t",}'],
    ['a PowerShell hash', '{ idToken=t }'],
    ['an array', '[{"idToken":"t"}]'],
    ['null', 'null'],
    ['a string', '"t"'],
    ['a number for the token', '{"idToken":1}'],
    ['a list for the token', '{"idToken":["t"]}'],
    ['an object for the token', '{"idToken":{}}'],
    ['the token twice', '{"idToken":"a","idToken":"b"}'],
    ['the token twice, once escaped', String.raw`{"idToken":"a","\u0069dToken":"a"}`],
    ['another member twice', '{"x":1,"idToken":"a","x":2}'],
  ])('refuses %s', (_name, text) => {
    expect(() => parseIdTokenBody(text)).toThrow(new CspError('INVALID_REQUEST_BODY'));
  });
});
