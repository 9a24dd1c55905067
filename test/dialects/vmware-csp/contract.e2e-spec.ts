import type { TestApp } from '../../support/app.js';
import { describeLogoutDialect, type DialectAnswer, type LogoutDialect } from '../dialect-contract.js';
import { csp, expectCspError, V2, type CspAnswer, type CspRequest } from './scene.js';

/** A refused request counts for the rate limit too; its row is there from the first request on. */
async function prepare(app: TestApp): Promise<void> {
  await csp(app);
}

/**
 * The hint that the caller sent comes back in the URL, to its own caller: that is what the endpoint is for. It is taken
 * out here, so that the contract finds it, and every other token, wherever else it may be.
 */
async function send(app: TestApp, request: CspRequest & { readonly idToken: string }): Promise<CspAnswer> {
  const answer = await csp(app, { ...request, body: { idToken: request.idToken } });
  return { ...answer, body: answer.body.replace(`id_token_hint=${request.idToken}`, 'id_token_hint=') };
}

function expectUrl(answer: DialectAnswer): void {
  expect(answer.status).toBe(200);
  expect(JSON.parse(answer.body)).toEqual({ url: expect.stringMatching(/\/session\/end_session(\?id_token_hint=)?$/) });
}

function expectRedirect(answer: DialectAnswer): void {
  expect(answer.status).toBe(303);
  expect(answer.headers.get('location')).toMatch(/\/session\/end_session\?id_token_hint=/);
}

function expectError(status: number, errorCode: string) {
  return (answer: DialectAnswer): void => {
    expectCspError({ ...answer, json: JSON.parse(answer.body) as Record<string, unknown> }, status, errorCode);
  };
}

const refused: LogoutDialect['refused'] = [
  {
    name: "somebody else's ID token beside one's own cookie",
    send: (app, victim, stranger) => csp(app, { browser: stranger.browser, body: { idToken: victim.tokens.id_token } }),
    expectRefused: expectError(409, 'USER_MISMATCH'),
  },
  {
    name: "one's own ID token beside somebody else's cookie",
    send: (app, victim, stranger) => csp(app, { browser: victim.browser, body: { idToken: stranger.tokens.id_token } }),
    expectRefused: expectError(409, 'USER_MISMATCH'),
  },
  {
    name: "somebody else's ID token with another signature",
    send: (app, victim, stranger) => {
      const forged = [...victim.tokens.id_token.split('.').slice(0, 2), stranger.tokens.id_token.split('.')[2]];
      return csp(app, { body: { idToken: forged.join('.') } });
    },
    expectRefused: expectError(404, 'ID_TOKEN_INVALID'),
  },
  {
    name: "somebody else's access token beside one's own cookie",
    send: (app, victim, stranger) =>
      csp(app, { browser: stranger.browser, body: { idToken: victim.tokens.access_token } }),
    expectRefused: expectError(409, 'USER_MISMATCH'),
  },
  {
    name: "somebody else's refresh token in place of an ID token",
    send: (app, victim) => csp(app, { body: { idToken: victim.tokens.refresh_token } }),
    expectRefused: expectError(404, 'ID_TOKEN_INVALID'),
  },
  {
    name: "a form of another site, sent by the victim's browser (threat-model#forced-logout)",
    send: (app, victim) =>
      csp(app, {
        browser: victim.browser,
        body: 'idToken=x',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      }),
    expectRefused: expectError(415, 'UNSUPPORTED_MEDIA_TYPE'),
  },
  {
    name: "the victim's cookie in a request that another site made (threat-model#forced-logout)",
    send: (app, victim) => csp(app, { browser: victim.browser, headers: { 'sec-fetch-site': 'cross-site' } }),
    expectRefused: expectUrl,
  },
];

describeLogoutDialect({
  name: 'vmware-csp, by cookie and ID token',
  cause: 'csp_logout',
  prepare,
  send: (app, { browser, tokens }) => send(app, { browser, idToken: tokens.id_token }),
  sendTwiceNamed: (app, { browser, tokens }) =>
    csp(app, { browser, query: 'state=a&state=b', body: { idToken: tokens.id_token } }),
  refused,
  expectEnded: expectUrl,
  expectNothingToEnd: expectUrl,
  expectFailed: expectError(500, 'INTERNAL_ERROR'),
});

describeLogoutDialect({
  name: 'vmware-csp, by ID token alone',
  cause: 'csp_logout',
  prepare,
  send: (app, { tokens }) => send(app, { idToken: tokens.id_token }),
  sendTwiceNamed: (app, { tokens }) =>
    csp(app, { body: `{"idToken":"${tokens.id_token}","idToken":"${tokens.id_token}"}` }),
  refused,
  expectEnded: expectUrl,
  expectNothingToEnd: expectUrl,
  expectFailed: expectError(500, 'INTERNAL_ERROR'),
});

describeLogoutDialect({
  name: 'vmware-csp v2, by cookie and ID token',
  cause: 'csp_logout',
  prepare,
  send: (app, { browser, tokens }) => send(app, { path: V2, browser, idToken: tokens.id_token }),
  sendTwiceNamed: (app, { browser, tokens }) =>
    csp(app, { path: V2, browser, query: 'orgId=a&orgId=a', body: { idToken: tokens.id_token } }),
  refused: [],
  expectEnded: expectRedirect,
  expectNothingToEnd: expectRedirect,
  expectFailed: expectError(500, 'INTERNAL_ERROR'),
});
