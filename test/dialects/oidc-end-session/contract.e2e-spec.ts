import { endSessionUrl, signOut } from '../../rp-initiated-logout/end-session.js';
import { describeLogoutDialect, type DialectAnswer, type LogoutDialect } from '../dialect-contract.js';

function expectSignedOutPage({ status, body }: DialectAnswer, words: string): void {
  expect(status).toBe(200);
  expect(body).toContain('<h1>Signed out</h1>');
  expect(body).toContain(words);
}

function expectEnded(answer: DialectAnswer): void {
  expectSignedOutPage(answer, 'Your session in this browser has ended.');
}

function expectNothingToEnd(answer: DialectAnswer): void {
  expectSignedOutPage(answer, 'You were already signed out in this browser.');
}

function expectForbidden({ status }: DialectAnswer): void {
  expect(status).toBe(403);
}

/** No cookie is cleared either: the person is still signed in. */
function expectFailed({ status, headers, body }: DialectAnswer): void {
  expect(status).toBe(503);
  expect(headers.get('cache-control')).toBe('no-store');
  expect(headers.getSetCookie()).toEqual([]);
  expect(body).not.toContain('Signed out');
}

const foreign: LogoutDialect['refused'] = [
  {
    name: "somebody else's ID token as a hint, without that person's cookie (threat-model#leaked-hint)",
    send: (app, victim) => signOut(app.browser(), { id_token_hint: victim.tokens.id_token }),
    expectRefused: expectNothingToEnd,
  },
  {
    name: "somebody else's access token as a hint, without that person's cookie (threat-model#leaked-hint)",
    send: (app, victim) => signOut(app.browser(), { access_token_hint: victim.tokens.access_token }),
    expectRefused: expectNothingToEnd,
  },
  {
    name: "a form that was made for another browser, sent by the victim's (threat-model#forced-logout)",
    send: async (_app, victim, stranger) => {
      const { fields } = (await stranger.browser.get(endSessionUrl())).formWith('logout-yes');
      return victim.browser.post('/session/end_session', fields);
    },
    expectRefused: expectForbidden,
  },
  {
    name: "the victim's own dialog with another browser's CSRF token (threat-model#forced-logout)",
    send: async (_app, victim, stranger) => {
      const { fields } = (await victim.browser.get(endSessionUrl())).formWith('logout-yes');
      const { csrf = '' } = (await stranger.browser.get(endSessionUrl())).formWith('logout-yes').fields;
      return victim.browser.post('/session/end_session', { ...fields, csrf });
    },
    expectRefused: expectForbidden,
  },
];

/** A client that asks first, and one that is spared the dialog, where GET itself is the act. */
describeLogoutDialect({
  name: 'oidc-end-session, with the dialog',
  cause: 'end_session',
  send: (_app, device) => signOut(device.browser, { id_token_hint: device.tokens.id_token }),
  sendTwiceNamed: (_app, device) =>
    device.browser.get(
      `${endSessionUrl({ id_token_hint: device.tokens.id_token })}&id_token_hint=${device.tokens.id_token}`,
    ),
  refused: foreign,
  expectEnded,
  expectNothingToEnd,
  expectFailed,
});

describeLogoutDialect({
  name: 'oidc-end-session, without the dialog (skip_logout_confirmation)',
  cause: 'end_session',
  metadata: { skip_logout_confirmation: true },
  send: async (_app, device) => {
    const answer = await device.browser.get(endSessionUrl({ id_token_hint: device.tokens.id_token }));
    // With nobody signed in any more there is nothing to act on, and the page says so.
    return answer.has('logout-yes') ? device.browser.submit(answer, 'logout-yes') : answer;
  },
  sendTwiceNamed: (_app, device) =>
    device.browser.get(
      `${endSessionUrl({ id_token_hint: device.tokens.id_token })}&id_token_hint=${device.tokens.id_token}`,
    ),
  refused: foreign,
  expectEnded,
  expectNothingToEnd,
});
