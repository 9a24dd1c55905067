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

  it('leaves a hint out that makes it too long for a header, and says by other words who is meant', () => {
    const whom = {
      clientId: 'exeunt',
      logoutHint: 'ada@example.org',
      postLogoutRedirectUri: 'https://rp.example.com/',
    };
    const large = 'x'.repeat(8000);
    expect(endSessionUrl('https://op.example.com/end?tenant=a', { ...whom, idTokenHint: large, state: 's' })).toBe(
      'https://op.example.com/end?tenant=a&client_id=exeunt&logout_hint=ada%40example.org&post_logout_redirect_uri=https%3A%2F%2Frp.example.com%2F&state=s',
    );
    expect(endSessionUrl('https://op.example.com/end', { ...whom, idTokenHint: 'e30.e30.c2ln' })).not.toContain(
      'exeunt',
    );
    expect(endSessionUrl('https://op.example.com/end', { idTokenHint: large })).toBe('https://op.example.com/end');
  });
});
