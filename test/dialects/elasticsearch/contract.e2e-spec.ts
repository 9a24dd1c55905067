import type { TestApp, TestClient } from '../../support/app.js';
import { describeLogoutDialect, type Device, type DialectAnswer } from '../dialect-contract.js';

async function logout(app: TestApp, client: TestClient, body: string): Promise<DialectAnswer> {
  const credentials = Buffer.from(`${client.clientId}:${client.clientSecret}`).toString('base64');
  const response = await fetch(`${app.issuer}/_security/oidc/logout`, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/vnd.elasticsearch+json; compatible-with=9',
      authorization: `Basic ${credentials}`,
    },
  });
  return { status: response.status, headers: response.headers, body: await response.text() };
}

function bodyOf({ tokens }: Device, refreshToken = tokens.refresh_token): string {
  return JSON.stringify({ token: tokens.access_token, refresh_token: refreshToken });
}

/** The second time is answered like the first: whoever asks again still needs the URL. */
function expectRedirect({ status, body }: DialectAnswer): void {
  expect(status).toBe(200);
  expect((JSON.parse(body) as { redirect: string }).redirect).toContain('/session/end_session?id_token_hint=');
}

function expectError(status: number, reason: string): (answer: DialectAnswer) => void {
  return (answer) => {
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toMatchObject({ error: { type: 'security_exception', reason }, status });
  };
}

function expectForbidden({ status }: DialectAnswer): void {
  expect(status).toBe(403);
}

function expectFailed({ status, body }: DialectAnswer): void {
  expect(status).toBe(503);
  expect(JSON.parse(body)).toMatchObject({ error: { type: 'exception' }, status: 503 });
}

describeLogoutDialect({
  name: 'elasticsearch',
  cause: 'elasticsearch_logout',
  metadata: { permissions: ['manage_oidc'] },
  send: (app, device) => logout(app, device.client, bodyOf(device)),
  sendTwiceNamed: (app, device) => {
    const member = `"token":${JSON.stringify(device.tokens.access_token)}`;
    return logout(app, device.client, `{${member},${member}}`);
  },
  refused: [
    {
      name: "another person's refresh token beside one's own access token",
      send: (app, victim, stranger) => logout(app, stranger.client, bodyOf(stranger, victim.tokens.refresh_token)),
      expectRefused: expectError(400, 'invalid_grant'),
    },
    {
      name: 'a refresh token of another client',
      send: (app, victim) => logout(app, victim.client, bodyOf(victim, victim.offlineTokens.refresh_token)),
      expectRefused: expectError(400, 'invalid_grant'),
    },
    {
      name: 'an access token of another client',
      send: (app, victim) => logout(app, victim.client, JSON.stringify({ token: victim.offlineTokens.access_token })),
      expectRefused: expectError(401, 'supplied token is not valid'),
    },
    {
      name: 'a caller without the privilege',
      send: (app, victim) => logout(app, victim.offlineClient, bodyOf(victim)),
      expectRefused: expectForbidden,
    },
  ],
  expectEnded: expectRedirect,
  expectNothingToEnd: expectRedirect,
  expectFailed,
});
