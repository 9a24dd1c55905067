import { ObjectError } from './elasticsearch-error.js';
import { parseObject, type ObjectSchema } from './object-parser.js';

const LOGOUT: ObjectSchema = { parserName: 'oidc_logout', fields: { token: 'string', refresh_token: 'string' } };
const OTHER: ObjectSchema = {
  parserName: 'other',
  fields: { realm: 'string_or_null', deep: 'boolean', reals: 'string' },
};

function refusal(text: string, schema = LOGOUT): readonly [number, string, string] {
  try {
    parseObject(text, schema);
  } catch (error) {
    if (error instanceof ObjectError) return [error.status, error.type, error.reason];
    throw error;
  }
  throw new Error('it was accepted');
}

describe('reading the JSON object of a request', () => {
  it.each([
    ['all of its fields', '{"token":"a","refresh_token":"b"}', { token: 'a', refresh_token: 'b' }],
    ['escapes', ' {"token":"\\u0061\\n"}\n', { token: 'a\n' }],
    ['an empty object', '{}', {}],
  ])('takes %s', (_name, text, expected) => {
    expect(parseObject(text, LOGOUT)).toEqual(expected);
  });

  it('takes null and booleans where they are allowed', () => {
    expect(parseObject('{"realm": null, "deep": true}', OTHER)).toEqual({ realm: null, deep: true });
  });

  it.each(['', ' ', '\n\t'])('needs a body: %j', (text) => {
    expect(refusal(text)).toEqual([400, 'parse_exception', 'request body is required']);
  });
});

describe('what is wrong and where', () => {
  it.each([
    ['an unknown field', '{"x":1}', '[1:2] [oidc_logout] unknown field [x]'],
    [
      'the documented name in strict mode',
      '{"access_token":"t"}',
      '[1:2] [oidc_logout] unknown field [access_token] did you mean [refresh_token]?',
    ],
    ['a misspelt field', '{\n  "tokem": "t"}', '[2:3] [oidc_logout] unknown field [tokem] did you mean [token]?'],
    ['a field of every object', '{"__proto__":{}}', '[1:2] [oidc_logout] unknown field [__proto__]'],
    ['an inherited name', '{"toString":""}', '[1:2] [oidc_logout] unknown field [toString]'],
    ['a field sent twice', '{"token":"a","token":"b"}', "[1:14] Duplicate field 'token'"],
    ['an escaped name sent twice', '{"token":"a","t\\u006fken":"b"}', "[1:14] Duplicate field 'token'"],
    ['a number', '{"token": 1}', "[1:11] [oidc_logout] token doesn't support values of type: VALUE_NUMBER"],
    ['null', '{"token":null}', "[1:10] [oidc_logout] token doesn't support values of type: VALUE_NULL"],
    ['a boolean', '{"token":true}', "[1:10] [oidc_logout] token doesn't support values of type: VALUE_BOOLEAN"],
    ['an array', '{"token":["t"]}', "[1:10] [oidc_logout] token doesn't support values of type: START_ARRAY"],
    ['an object', '{"token":{"a":1}}', "[1:10] [oidc_logout] token doesn't support values of type: START_OBJECT"],
    ['a NUL', '{"token":"\\u0000"}', '[1:10] [oidc_logout] token must not contain a NUL character'],
    ['an array at the top', '[{"token":"t"}]', '[1:1] [oidc_logout] Expected START_OBJECT but was: START_ARRAY'],
    ['a string at the top', '"token"', '[1:1] [oidc_logout] Expected START_OBJECT but was: VALUE_STRING'],
    ['a comment', '{/* */"token":"t"}', '[1:2] malformed JSON: invalid comment token'],
    ['a trailing comma', '{"token":"t",}', '[1:14] malformed JSON: property name expected'],
    ['something after the end', '{"token":"t"} x', '[1:15] malformed JSON: invalid symbol'],
    ['a second object', '{"token":"t"}{}', '[1:14] malformed JSON: end of file expected'],
    ['half an object', '{"token":', '[1:10] malformed JSON: value expected'],
    ['a form', 'token=t', '[1:1] malformed JSON: invalid symbol'],
  ])('%s', (_name, text, reason) => {
    expect(refusal(text)).toEqual([400, 'x_content_parse_exception', reason]);
  });

  it('names every field that may have been meant, the likeliest first', () => {
    expect(refusal('{"realms":""}', OTHER)[2]).toBe(
      '[1:2] [other] unknown field [realms] did you mean any of [realm, reals]?',
    );
  });

  it('does not tire of nesting', () => {
    expect(refusal('['.repeat(60_000))[2]).toContain('Expected START_OBJECT');
    expect(refusal(`{"token":${'['.repeat(60_000)}`)[2]).toContain('START_ARRAY');
  });

  it('does not repeat a name of any length', () => {
    expect(refusal(`{"${'x'.repeat(60_000)}":1}`)[2].length).toBeLessThan(400);
  });
});
