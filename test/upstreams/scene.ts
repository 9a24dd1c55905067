import type { Answer, TestApp, TestClient, Tokens } from '../support/app.js';
import type { Browser, Page } from '../support/http.js';
import type { StubUpstream, UpstreamSubject } from '../support/stub-upstream.js';
import { redeem } from '../tokens/token-requests.js';

/** The registration of a provider that nobody runs; `overrides` with undefined leave a member out. */
export function registration(overrides: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    name: 'corporate',
    issuer: 'https://login.example.org',
    client_id: 'exeunt',
    client_secret: 'upstream-secret',
    ...overrides,
  };
}

export function operator(app: TestApp, token: string) {
  return (method: string, path: string, body?: unknown): Promise<Answer> =>
    app.json(method, `/admin/v1${path}`, { token, body });
}

/** Leaves for the only provider that is offered to this client. */
export async function leave(app: TestApp, client: TestClient, name: string, browser = app.browser()): Promise<Page> {
  const page = await browser.follow(await browser.get(app.authorizeUrl(client)));
  const [, href] = new RegExp(`href="([^"]+/upstream/${name})"`).exec(page.body) ?? [];
  if (href === undefined) throw new Error(`${name} is not offered`);
  return browser.get(href);
}

/** The whole way by a provider, to tokens of ours. */
export async function signInBy(
  app: TestApp,
  upstream: StubUpstream,
  client: TestClient,
  name: string,
  subject: UpstreamSubject,
): Promise<{ readonly browser: Browser; readonly tokens: Tokens }> {
  const browser = app.browser();
  const left = await leave(app, client, name, browser);
  const back = await browser.follow(await browser.get(upstream.authorize(left.location ?? '', subject)));
  const { status, body } = await redeem(app, client, back.query.get('code') ?? '');
  expect(status).toBe(200);
  return { browser, tokens: body as unknown as Tokens };
}
