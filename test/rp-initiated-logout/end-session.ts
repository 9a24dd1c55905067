import type { TestApp, TestClient } from '../support/app.js';
import type { Browser, Page } from '../support/http.js';

/** An application with one page that people come back to after signing out. */
export interface TestApplication extends TestClient {
  readonly postLogoutRedirectUri: string;
}

export const SIGNED_OUT_URI = 'https://ledger.example.com/signed-out';

export async function anApplication(app: TestApp, metadata: Record<string, unknown> = {}): Promise<TestApplication> {
  const uris = (metadata.post_logout_redirect_uris as string[] | undefined) ?? [SIGNED_OUT_URI];
  const client = await app.createClient({ post_logout_redirect_uris: uris, ...metadata });
  return { ...client, postLogoutRedirectUri: uris[0] ?? '' };
}

/** Undefined leaves a parameter out. */
export function endSessionUrl(parameters: Readonly<Record<string, string | undefined>> = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, value);
  return `/session/end_session?${query}`;
}

/** The whole way of somebody who is asked and says yes. */
export async function signOut(
  browser: Browser,
  parameters: Readonly<Record<string, string | undefined>> = {},
): Promise<Page> {
  return browser.submit(await browser.get(endSessionUrl(parameters)), 'logout-yes');
}

/** What an application learns by `prompt=none`: a code, or the error (Core §3.1.2.6). */
export async function promptNone(app: TestApp, browser: Browser, client: TestClient): Promise<string> {
  const page = await browser.get(app.authorizeUrl(client, { prompt: 'none' }));
  if (page.location === undefined) throw new Error(`no redirect: ${page.status}`);
  return page.query.get('error') ?? (page.query.has('code') ? 'code' : 'nothing');
}

/** Runs `refused` and checks that no table has gained or lost a row, nobody was signed out and no token fell. */
export async function expectNothingChanged(
  app: TestApp,
  browser: Browser,
  client: TestClient,
  accessToken: string,
  refused: () => Promise<void>,
): Promise<void> {
  const before = await app.rowCounts();
  await refused();
  expect(await app.rowCounts()).toEqual(before);
  expect(await app.isActive(client, accessToken)).toBe(true);
  expect(await promptNone(app, browser, client)).toBe('code');
}
