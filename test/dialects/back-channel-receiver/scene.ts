import { LOGOUT_TOKEN_RESULTS, type LogoutTokenResult } from '../../../src/platform/metrics/metrics.js';
import type { Settings } from '../../../src/platform/config/settings.js';
import { TestApp, type Answer, type TestClient, type Tokens } from '../../support/app.js';
import type { Browser, Page } from '../../support/http.js';
import { StubUpstream, type UpstreamSubject } from '../../support/stub-upstream.js';

export const RECEIVER = '/api/v1/auth/oidc/backchannel-logout';
export const EVENT = 'http://schemas.openid.net/event/backchannel-logout';

/** What is written down about a request that changes nothing. */
const RECORDS = ['audit_events', 'rate_limits'];

/** Delivers a logout token as Back-Channel Logout 1.0 §2.5 has it. */
export function receive(app: TestApp, token: string): Promise<Answer> {
  return app.form(RECEIVER, { logout_token: token });
}

export interface AuditItem {
  readonly event: string;
  readonly outcome: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** Somebody who came by the upstream. */
export interface Visitor {
  readonly accountId: string;
  readonly browser: Browser;
  readonly subject: UpstreamSubject;
  readonly client: TestClient;
  readonly tokens: Tokens;
}

/** Our provider, another one that people come by, and one application. */
export class Scene {
  private readonly nodes: TestApp[] = [];

  private constructor(
    readonly app: TestApp,
    readonly upstream: StubUpstream,
    /** What the upstream is called here. */
    readonly name: string,
    readonly client: TestClient,
    private readonly operator: string,
  ) {}

  static async start(overrides: Partial<Settings> = {}): Promise<Scene> {
    const app = await TestApp.start(overrides);
    const upstream = await StubUpstream.start(app.clock);
    return new Scene(app, upstream, await upstream.register(app), await app.createClient(), await app.adminToken());
  }

  async stop(): Promise<void> {
    await Promise.all([this.app.stop(), this.upstream.stop()]);
  }

  /** Another node at the same database, which has not asked the upstream for anything yet. */
  async node(overrides: Partial<Settings> = {}): Promise<TestApp> {
    const { app } = this;
    const node = await TestApp.start({ issuer: app.issuer, ...overrides }, { db: app.db, clock: app.clock });
    this.nodes.push(node);
    return node;
  }

  /** What all nodes have written: Nest has one logger for the whole process, which is that of the newest. */
  log(): readonly string[] {
    return [this.app, ...this.nodes].flatMap(({ logger }) => logger.lines);
  }

  async visitor(
    options: {
      readonly subject?: UpstreamSubject;
      readonly client?: TestClient;
      readonly by?: { readonly upstream: StubUpstream; readonly name: string };
    } = {},
  ): Promise<Visitor> {
    const { by = this, client = this.client } = options;
    const { subject = by.upstream.subject() } = options;
    const browser = this.app.browser();
    const tokens = await signInBy(this.app, by, browser, client, subject);
    const [row] = await this.app.db.query<{ account_id: string }>(
      'SELECT account_id FROM upstream_identities WHERE issuer = $1 AND sub = $2',
      [by.upstream.issuer, subject.sub],
    );
    return { accountId: row?.account_id ?? '', browser, subject, client, tokens };
  }

  isSignedIn({ client, tokens }: Visitor): Promise<boolean> {
    return this.app.isActive(client, tokens.access_token);
  }

  /** Where the browser is when it has left for the upstream. */
  async leave(browser: Browser): Promise<string> {
    const page = await browser.follow(await browser.get(this.app.authorizeUrl(this.client)));
    return (await browser.get(linkTo(page, this.name))).location ?? '';
  }

  change(upstream: Record<string, unknown>): Promise<Answer> {
    return this.app.json('PATCH', `/admin/v1/upstreams/${this.name}`, { token: this.operator, body: upstream });
  }

  /** What `/metrics` says of logout tokens. */
  async results(node: TestApp = this.app): Promise<Record<LogoutTokenResult, number>> {
    const { text } = await node.json('GET', '/metrics');
    const of = (result: string): number =>
      Number(new RegExp(`^exeunt_upstream_logout_tokens_total\\{result="${result}"\\} (\\d+)$`, 'm').exec(text)?.[1]);
    return Object.fromEntries(LOGOUT_TOKEN_RESULTS.map((result) => [result, of(result)])) as Record<
      LogoutTokenResult,
      number
    >;
  }

  async lastAudit(): Promise<AuditItem | undefined> {
    const { body } = await this.app.json('GET', '/admin/v1/audit-events?event=upstream_logout&limit=1', {
      token: this.operator,
    });
    return (body.items as AuditItem[])[0];
  }

  /** Rows of every table, used tokens among them, but for the records of what was refused. */
  async rowCounts(): Promise<Record<string, number>> {
    const counts = await this.app.rowCounts();
    for (const table of RECORDS) delete counts[table];
    return counts;
  }

  /** Nothing changed, and whoever watches is told that it was refused and why. */
  async expectRefused(
    send: () => Promise<Answer>,
    reason: string,
    { result = 'forged', node = this.app }: { result?: 'forged' | 'replayed'; node?: TestApp } = {},
  ): Promise<void> {
    const [rows, results, before] = [await this.rowCounts(), await this.results(node), this.log().length];
    // The same refusal within a minute is counted in one row, and the clock stands still.
    await this.app.db.query(`DELETE FROM audit_events WHERE outcome = 'refused'`);
    const answer = await send();
    expect(answer.body).toEqual({ error: 'invalid_request', error_description: reason });
    expectAnswer(answer, 400);
    expect(await this.rowCounts()).toEqual(rows);
    expect(await this.results(node)).toEqual({ ...results, [result]: results[result] + 1 });
    expect(await this.lastAudit()).toMatchObject({ outcome: 'refused', details: { result, reason } });
    expect(this.logged(before)).toEqual([expect.stringContaining(`logout token refused (${result}): ${reason}`)]);
  }

  /** Ordered but not done: nothing changed, the token is good for another time, and somebody is called. */
  async expectNotPerformed(send: () => Promise<Answer>, reason: string, node: TestApp = this.app): Promise<void> {
    const [rows, results, before] = [await this.rowCounts(), await this.results(node), this.log().length];
    const answer = await send();
    expect(answer.body).toEqual({
      error: 'temporarily_unavailable',
      error_description: 'The logout could not be carried out now. The token was not used up.',
    });
    expectAnswer(answer, 400);
    expect(await this.rowCounts()).toEqual(rows);
    expect(await this.results(node)).toEqual({ ...results, not_performed: results.not_performed + 1 });
    expect(this.logged(before)).toEqual([
      expect.stringContaining(`ALERT logout ordered by an upstream but not performed: ${reason}`),
    ]);
  }

  /** What was written about logouts since there were this many lines. */
  private logged(before: number): readonly string[] {
    return this.log()
      .slice(before)
      .filter((line) => /^(logout token|ALERT logout)/.test(line));
  }

  /** It worked, and the record says how many sessions ended; 0: there was nothing to end. */
  async expectDone(answer: Answer, sessions: number): Promise<void> {
    expectDone(answer);
    expect(await this.lastAudit()).toMatchObject({ outcome: 'done', details: { upstream: this.name, sessions } });
  }
}

/**
 * 200 and nothing else, with JSON that says nothing (Back-Channel Logout 1.0 §2.8;
 * docs/wire/back-channel-logout-receiver.md#responses).
 */
export function expectDone(answer: Answer): void {
  expectAnswer(answer, 200);
  expect(answer.text).toBe('{}');
}

export function expectAnswer(answer: Answer, status: number): void {
  expect(answer.status).toBe(status);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(answer.headers.get('content-type')).toMatch(/^application\/json(;|$)/);
  expect(answer.headers.getSetCookie()).toEqual([]);
  expect(answer.text).not.toContain('eyJ');
}

/** The whole way by the upstream's link on the sign-in page; without it where the browser has a session already. */
export async function signInBy(
  app: TestApp,
  by: { readonly upstream: StubUpstream; readonly name: string },
  browser: Browser,
  client: TestClient,
  subject: UpstreamSubject,
  overrides: Record<string, string> = {},
): Promise<Tokens> {
  let page = await browser.follow(await browser.get(app.authorizeUrl(client, overrides)));
  if (page.has('login-submit')) {
    const leaving = await browser.get(linkTo(page, by.name));
    page = await browser.follow(await browser.get(by.upstream.authorize(leaving.location ?? '', subject)));
  }
  if (page.has('consent-submit')) page = await browser.follow(await browser.submit(page, 'consent-submit'));
  const code = page.location === undefined ? null : page.query.get('code');
  if (code === null) throw new Error(`no code: ${page.status} ${page.location ?? page.body.slice(0, 500)}`);
  const { status, body } = await app.form(
    '/token',
    { grant_type: 'authorization_code', code, redirect_uri: client.redirectUri },
    client,
  );
  if (status !== 200) throw new Error(`token endpoint answered ${status}`);
  return body as unknown as Tokens;
}

function linkTo(page: Page, name: string): string {
  const href = new RegExp(`href="([^"]+/upstream/${name})"`).exec(page.body)?.[1];
  if (href === undefined) throw new Error(`no link to ${name} (status ${page.status})`);
  return href;
}
