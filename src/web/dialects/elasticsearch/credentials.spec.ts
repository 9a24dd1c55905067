import { parseCredentials, secretReadings } from './credentials.js';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('the Authorization header', () => {
  it.each([
    ['nothing', undefined, { kind: 'none' }],
    ['an empty one', '', { kind: 'none' }],
    ['a scheme that is not known', 'Negotiate abc', { kind: 'none' }],
    ['Basic', `Basic ${base64('kibana:s:e')}`, { kind: 'secret', scheme: 'basic', clientId: 'kibana', secret: 's:e' }],
    [
      'Basic in other letters',
      `bASIC   ${base64('kibana:s')} `,
      { kind: 'secret', scheme: 'basic', clientId: 'kibana', secret: 's' },
    ],
    [
      'an API key',
      `ApiKey ${base64('kibana:s')}`,
      { kind: 'secret', scheme: 'api_key', clientId: 'kibana', secret: 's' },
    ],
    ['a bearer token', 'Bearer abc', { kind: 'bearer' }],
    ['Basic without anything', 'Basic', { kind: 'malformed' }],
    ['Basic that is no base64', 'Basic kibana:s', { kind: 'malformed' }],
    ['Basic without a colon', `Basic ${base64('kibana')}`, { kind: 'malformed' }],
    ['Basic without a name', `Basic ${base64(':s')}`, { kind: 'malformed' }],
  ])('%s', (_name, header, expected) => {
    expect(parseCredentials(header)).toEqual(expected);
  });
});

describe('readings of id and secret', () => {
  it.each([
    ['one, when both are plain', { clientId: 'a', secret: 'b' }, [{ clientId: 'a', secret: 'b' }]],
    [
      'raw before form-url-encoded',
      { clientId: 'a%3Ab', secret: 'c+d' },
      [
        { clientId: 'a%3Ab', secret: 'c+d' },
        { clientId: 'a:b', secret: 'c d' },
      ],
    ],
    ['one, when it cannot be decoded', { clientId: 'a', secret: '100%' }, [{ clientId: 'a', secret: '100%' }]],
  ])('%s', (_name, presented, expected) => {
    expect(secretReadings(presented)).toEqual(expected);
  });
});
