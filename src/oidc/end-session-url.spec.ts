import { endSessionUrl } from './end-session-url.js';

describe('the URL that signs somebody out (RP-Initiated Logout 1.0 §2)', () => {
  it('has hint, redirect URI and state in this order, percent-encoded', () => {
    expect(
      endSessionUrl('https://op.example.com/end', {
        state: 'a b&c',
        postLogoutRedirectUri: 'https://rp.example.com/bye?x=1',
        idTokenHint: 'e30.e30.c2ln',
      }),
    ).toBe(
      'https://op.example.com/end?id_token_hint=e30.e30.c2ln&post_logout_redirect_uri=https%3A%2F%2Frp.example.com%2Fbye%3Fx%3D1&state=a%20b%26c',
    );
  });

  it('keeps the query that the endpoint has of its own', () => {
    expect(endSessionUrl('https://op.example.com/end?tenant=a', { idTokenHint: 't' })).toBe(
      'https://op.example.com/end?tenant=a&id_token_hint=t',
    );
  });

  it('leaves out what there is not', () => {
    expect(endSessionUrl('https://op.example.com/end', {})).toBe('https://op.example.com/end');
  });
});
