import { isStorableText, textProblem } from './text.js';

function nested(depth: number, make: (inner: unknown) => unknown): unknown {
  let value: unknown = 'x';
  for (let i = 0; i < depth; i += 1) value = make(value);
  return value;
}

describe('textProblem', () => {
  it.each<[string, unknown]>([
    ['a text', 'Mia \u{1F680}'],
    ['the six characters of an escaped NUL', { password: '\\u0000' }],
    ['the six characters of half a pair', { password: '\\ud800' }],
    ['line breaks and other control characters', { state: 'a\r\n\t\u0001' }],
    ['what has no text', { n: 1, b: true, nothing: null, missing: undefined, list: [] }],
    ['a name of every object', { __proto__: null, constructor: 'x' }],
    ['nothing', undefined],
    ['what is nested as deep as it may be', nested(19, (inner) => [inner])],
  ])('takes %s', (_, value) => {
    expect(textProblem(value)).toBeUndefined();
  });

  it.each<[string, unknown, string]>([
    ['a NUL', { client_name: 'a\0b' }, 'client_name contains a NUL character.'],
    [
      'the first half of a pair',
      { client_name: 'Rocket \ud83d' },
      'client_name contains half a character (an unpaired surrogate).',
    ],
    [
      'the second half',
      { contacts: ['ok', '\ude80'] },
      'contacts.1 contains half a character (an unpaired surrogate).',
    ],
    ['halves in the wrong order', ['\ude80\ud83d'], '0 contains half a character (an unpaired surrogate).'],
    ['something deep down', { jwks: { keys: [{ kid: 'a\0' }] } }, 'jwks.keys.0.kid contains a NUL character.'],
    [
      'the name of a member',
      { userinfo: { 'a\0b': null } },
      'The name of a member of userinfo contains a NUL character.',
    ],
    ['the value itself', '\0', 'The request contains a NUL character.'],
    ['a member with an odd name', { '<b>"': '\0' }, 'A member contains a NUL character.'],
    ['nesting', { claims: nested(60_000, (a) => ({ a })) }, 'claims is nested too deep.'],
    ['nesting of lists', { claims: nested(60_000, (inner) => [inner]) }, 'claims is nested too deep.'],
    ['more members than anybody needs', { list: Array(20_000).fill(1) }, 'The request has too many members.'],
  ])('refuses %s', (_, value, words) => {
    expect(textProblem(value)?.words).toBe(words);
  });

  it('says which member of the request it is', () => {
    expect(textProblem({ a: 'x', redirect_uris: ['https://a.example/\0'] })?.member).toBe('redirect_uris');
  });
});

it.each([
  ['', true],
  ['\u{1F680}', true],
  ['\ud83d', false],
  ['\ude80\ud83d', false],
  ['a\0', false],
])('isStorableText(%j) is %s', (text, expected) => {
  expect(isStorableText(text)).toBe(expected);
});
