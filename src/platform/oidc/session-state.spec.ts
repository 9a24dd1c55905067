import { sessionStateOf } from './session-state.js';

describe('session_state (Session Management 1.0 §3.2)', () => {
  const at = (redirectUri: string, clientId = 'ledger', state = 'a-state'): string | undefined =>
    sessionStateOf(clientId, redirectUri, state, 'salt');

  it('is the hash of client, origin, browser state and salt, then the salt', () => {
    // printf 'ledger https://ledger.example.com a-state salt' | sha256sum
    expect(at('https://ledger.example.com/callback?x=1')).toBe(
      '5b88d76d28595e9853261ac2a1c03673a28cf0da37d800ffd5aaa7142bab32bc.salt',
    );
  });

  it.each(['https://LEDGER.example.com:443/other', 'https://ledger.example.com'])(
    'takes the origin as browsers write it: %s',
    (uri) => {
      expect(at(uri)).toBe(at('https://ledger.example.com/callback'));
    },
  );

  it.each([
    ['client', at('https://ledger.example.com/callback', 'calendar')],
    ['port', at('https://ledger.example.com:8443/callback')],
    ['scheme', at('http://ledger.example.com/callback')],
    ['browser state', at('https://ledger.example.com/callback', 'ledger', 'b-state')],
  ])('is another one with another %s', (_what, other) => {
    expect(other).not.toBe(at('https://ledger.example.com/callback'));
  });

  it('is salted anew each time, and has no space in it', () => {
    const [one, two] = [0, 1].map(() => sessionStateOf('a client', 'https://a.example/', 's'));
    expect(one).not.toBe(two);
    expect(one).toMatch(/^[0-9a-f]{64}\.[A-Za-z0-9_-]{22}$/);
  });

  it('is nothing for an application without an origin', () => {
    expect(at('com.example.ledger:/callback')).toBeUndefined();
  });
});
