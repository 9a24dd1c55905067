import { generateKeyPair } from 'jose';
import type { TestApp } from '../../support/app.js';
import type { Browser } from '../../support/http.js';
import { StubUpstream, type UpstreamSubject } from '../../support/stub-upstream.js';
import { describeLogoutDialect, type Device, type DialectAnswer } from '../dialect-contract.js';
import { RECEIVER, signInBy } from './scene.js';

let upstream: StubUpstream;
let name: string;
/** Who sits at a browser. Each has a session of its own at the upstream. */
const subjects = new Map<Browser, UpstreamSubject>();

afterAll(() => upstream.stop());

async function prepare(app: TestApp): Promise<void> {
  upstream = await StubUpstream.start(app.clock);
  name = await upstream.register(app);
}

/** The upstream knows people by their login here, and an operator has linked the two. */
async function subjectOf(app: TestApp, browser: Browser, login: string): Promise<UpstreamSubject> {
  const known = subjects.get(browser);
  if (known !== undefined) return known;
  const [account] = await app.db.query<{ id: string }>('SELECT id FROM accounts WHERE login = $1', [login]);
  await app.json('POST', `/admin/v1/accounts/${account?.id}/identities`, {
    token: await app.adminToken(),
    body: { issuer: upstream.issuer, sub: login },
  });
  const subject = { ...upstream.subject(), sub: login };
  subjects.set(browser, subject);
  return subject;
}

function claimsOf({ browser }: Device): { readonly sub: string; readonly sid: string | undefined } {
  const { sub, sid } = subjects.get(browser)!;
  return { sub, sid };
}

async function post(app: TestApp, ...tokens: string[]): Promise<DialectAnswer> {
  const response = await fetch(`${app.issuer}${RECEIVER}`, {
    method: 'POST',
    body: new URLSearchParams(tokens.map((token) => ['logout_token', token])),
  });
  const body = await response.text();
  for (const token of tokens) expect([body, ...app.logger.lines].join('\n')).not.toContain(token);
  return { status: response.status, headers: response.headers, body };
}

function expectError(error: string) {
  return (answer: DialectAnswer): void => {
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toEqual({ error, error_description: expect.any(String) });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  };
}

function expectDone(answer: DialectAnswer): void {
  expect([answer.status, answer.body]).toEqual([200, '{}']);
}

const expectRefused = expectError('invalid_request');

describeLogoutDialect({
  name: 'back-channel-receiver',
  cause: 'upstream_logout',
  prepare,
  signIn: async (app, browser, client, login, overrides) =>
    signInBy(app, { upstream, name }, browser, client, await subjectOf(app, browser, login), overrides),
  send: async (app, device) => post(app, await upstream.logoutToken(claimsOf(device))),
  sendTwiceNamed: async (app, device) => {
    const token = await upstream.logoutToken(claimsOf(device));
    return post(app, token, token);
  },
  refused: [
    {
      name: "a logout token for the victim's session that somebody else signed",
      send: async (app, victim) =>
        post(app, await upstream.logoutToken(claimsOf(victim), {}, await generateKeyPair('RS256'))),
      expectRefused,
    },
    {
      name: "a stranger's logout token with the victim's claims put in",
      send: async (app, victim, stranger) => {
        const [header, , signature] = (await upstream.logoutToken(claimsOf(stranger))).split('.');
        const [, payload] = (await upstream.logoutToken(claimsOf(victim))).split('.');
        return post(app, [header, payload, signature].join('.'));
      },
      expectRefused,
    },
    {
      name: "the upstream's ID token of the victim (threat-model#token-confusion)",
      send: async (app, victim) => post(app, await upstream.idToken(claimsOf(victim))),
      expectRefused,
    },
    {
      name: "our own ID token of the victim's (threat-model#token-confusion)",
      send: (app, victim) => post(app, victim.tokens.id_token),
      expectRefused,
    },
  ],
  expectEnded: expectDone,
  expectNothingToEnd: expectDone,
  // Back-Channel Logout 1.0 §2.8 knows no other status for a logout that failed.
  expectFailed: expectError('temporarily_unavailable'),
  bookkeeping: ['upstream_logout_tokens', 'audit_events', 'rate_limits'],
});
