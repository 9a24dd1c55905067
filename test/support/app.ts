import { createHash, randomBytes } from 'node:crypto';
import type { LoggerService, Type } from '@nestjs/common';
import type { ExpressAdapter, NestExpressApplication } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import { AppModule, PARTS } from '../../src/app.module.js';
import { createApp } from '../../src/app.factory.js';
import type { GrantType } from '../../src/domain/tokens/grants/grant-handler.js';
import type { ClientProof } from '../../src/domain/clients/proofs/client-proof.js';
import { AccountsService } from '../../src/domain/accounts/accounts.service.js';
import { FirstAdminClient } from '../../src/domain/clients/first-admin-client.js';
import { ClientRegistrationService } from '../../src/domain/clients/client-registration.service.js';
import { loadSettings, type Settings } from '../../src/platform/config/settings.js';
import { Clock } from '../../src/platform/clock/clock.js';
import { fieldsNow, type LogFields } from '../../src/platform/logging/log-fields.js';
import { RETENTION_INTERVAL_MS } from '../../src/platform/database/retention.js';
import { BackChannelLogoutDispatcher } from '../../src/domain/logout/notices/back-channel-logout.dispatcher.js';
import { ReceiptIssuer } from '../../src/domain/logout/receipts/receipt-issuer.js';
import { SessionExpirySweeper } from '../../src/domain/logout/termination/session-expiry.sweeper.js';
import type { DialectDescriptor } from '../../src/web/dialects/dialect.js';
import { TestClock } from './clock.js';
import { createTestDatabase, type TestDatabase } from './database.js';
import { Browser, type Page } from './http.js';
import { freePort } from './ports.js';

export const ADMIN = { clientId: 'test-admin', clientSecret: 'test-admin-secret' };
export const PASSWORD = 'correct horse battery staple';
const NEVER = 60_000;

export interface TestAccount {
  readonly id: string;
  readonly login: string;
}

export interface TestClient {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly redirectUri: string;
}

export interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly id_token: string;
  readonly scope: string;
  readonly expires_in: number;
}

/** A log that remembers what was written, so that a test can look for what must not be in it. */
export class MemoryLogger implements LoggerService {
  readonly lines: string[] = [];
  /** What each line has beside its text, by the same index. */
  readonly fields: LogFields[] = [];
  log = (...words: unknown[]): void => {
    this.lines.push(words.map(String).join(' '));
    this.fields.push(fieldsNow());
  };
  error = this.log;
  warn = this.log;
  debug = this.log;
  verbose = this.log;
  fatal = this.log;
}

/** The real application on a real port and a real database, with a clock that stands still. Notices are polled by hand. */
export class TestApp {
  private constructor(
    readonly app: NestExpressApplication,
    readonly issuer: string,
    readonly settings: Settings,
    readonly clock: TestClock,
    readonly db: TestDatabase,
    readonly logger: MemoryLogger,
    private readonly ownsDatabase: boolean,
  ) {}

  static async start(
    overrides: Partial<Settings> = {},
    shared: {
      readonly db?: TestDatabase;
      readonly clock?: TestClock;
      readonly modules?: readonly Type[];
      /** Beside those of the application. */
      readonly dialects?: readonly DialectDescriptor[];
      readonly grants?: readonly GrantType[];
      readonly proofs?: readonly ClientProof[];
      /** Default: as in production. */
      readonly adapter?: ExpressAdapter;
    } = {},
  ): Promise<TestApp> {
    const db = shared.db ?? (await createTestDatabase());
    const clock = shared.clock ?? new TestClock();
    const logger = new MemoryLogger();
    const port = await freePort();
    const issuer = `http://localhost:${port}`;
    const settings: Settings = {
      ...loadSettings({}),
      port,
      issuer,
      databaseUrl: db.url,
      databasePoolSize: 8,
      adminClientId: ADMIN.clientId,
      adminClientSecret: ADMIN.clientSecret,
      deliveryPollMs: NEVER,
      receiptPollMs: 0,
      sessionExpirySweepMs: 0,
      deliveryTimeoutMs: 2000,
      signInAddressPerMinute: 100_000,
      authorizePerMinute: 100_000,
      registrationPerMinute: 100_000,
      clientAuthenticationFailuresPerMinute: 100_000,
      ...overrides,
    };
    const module = await Test.createTestingModule({
      imports: [
        AppModule.with(settings, {
          dialects: [...PARTS.dialects, ...(shared.dialects ?? [])],
          grants: [...PARTS.grants, ...(shared.grants ?? [])],
          proofs: [...PARTS.proofs, ...(shared.proofs ?? [])],
        }),
        ...(shared.modules ?? []),
      ],
    })
      .overrideProvider(Clock)
      .useValue(clock)
      .overrideProvider(RETENTION_INTERVAL_MS)
      .useValue(0)
      .compile();
    module.useLogger(logger);
    const app = await createApp(settings, {
      logger,
      ...(shared.adapter === undefined ? {} : { adapter: shared.adapter }),
      create: async (adapter, options) => module.createNestApplication<NestExpressApplication>(adapter, options),
    });
    await app.init();
    await app.get(FirstAdminClient).ensure();
    await app.listen(port, 'localhost');
    return new TestApp(app, issuer, settings, clock, db, logger, shared.db === undefined);
  }

  async stop(): Promise<void> {
    this.app.getHttpServer().closeAllConnections();
    await this.app.close();
    if (this.ownsDatabase) await this.db.drop();
  }

  browser(headers: Record<string, string> = {}): Browser {
    return new Browser(this.issuer, headers);
  }

  /** Sends what is due now, once; waits until it is recorded. */
  async sendDue(): Promise<void> {
    const dispatcher = this.app.get(BackChannelLogoutDispatcher);
    await dispatcher.sendDue();
    await dispatcher.idle();
  }

  /** Issues the receipts that are owed now. Returns how many. */
  issueReceipts(): Promise<number> {
    return this.app.get(ReceiptIssuer).issueDue();
  }

  /** Ends what has expired by now, and sends what is due then. Returns how many sessions this node ended. */
  async sweepExpired(): Promise<number> {
    const ended = await this.app.get(SessionExpirySweeper).sweep();
    await this.sendDue();
    return ended;
  }

  async createAccount(
    login = `mia-${randomBytes(4).toString('hex')}@example.com`,
    claims: Record<string, unknown> = {},
  ): Promise<TestAccount> {
    const account = await this.app
      .get(AccountsService)
      .create({ login, password: PASSWORD, claims: { name: 'Mia Example', email: login, ...claims } });
    return { id: account.id, login };
  }

  /** A confidential first-party client; `metadata` overrides what the test is about. */
  async createClient(metadata: Record<string, unknown> = {}): Promise<TestClient> {
    const redirectUris = (metadata.redirect_uris as string[] | undefined) ?? ['http://127.0.0.1:9/callback'];
    const { client, clientSecret = '' } = await this.app.get(ClientRegistrationService).register(
      {
        client_name: 'Ledger',
        redirect_uris: redirectUris,
        grant_types: ['authorization_code', 'refresh_token'],
        skip_consent: true,
        ...metadata,
      },
      { administrator: true },
    );
    return { clientId: client.clientId, clientSecret, redirectUri: redirectUris[0] ?? '' };
  }

  /** POSTs a form to an endpoint of the OAuth kind; with a client it authenticates by the header. */
  async form(
    path: string,
    fields: Record<string, string>,
    client?: { readonly clientId: string; readonly clientSecret: string },
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const authorization: Record<string, string> = client === undefined ? {} : { authorization: basic(client) };
    const response = await fetch(`${this.issuer}${path}`, {
      method: 'POST',
      body: new URLSearchParams(fields),
      headers: { ...authorization, ...headers },
    });
    return answerOf(response);
  }

  /** A request with JSON, such as to the admin API. */
  async json(
    method: string,
    path: string,
    options: { readonly token?: string | undefined; readonly body?: unknown } = {},
  ): Promise<Answer> {
    const response = await fetch(`${this.issuer}${path}`, {
      method,
      headers: {
        ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
        ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    });
    return answerOf(response);
  }

  async adminToken(): Promise<string> {
    const { body } = await this.form('/token', { grant_type: 'client_credentials' }, ADMIN);
    return String(body.access_token);
  }

  /** The URL of an authorization request; `overrides` with undefined leave a parameter out. */
  authorizeUrl(client: TestClient, overrides: Record<string, string | undefined> = {}): string {
    const parameters = {
      client_id: client.clientId,
      redirect_uri: client.redirectUri,
      response_type: 'code',
      scope: 'openid',
      state: 'a-state',
      ...overrides,
    };
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, value);
    return `/authorize?${query}`;
  }

  /** Signs in by the form that the page shows. Returns the answer to the form. */
  async signIn(browser: Browser, page: Page, login: string, password = PASSWORD): Promise<Page> {
    return browser.submit(await browser.follow(page), 'login-submit', { login, password });
  }

  /** The whole way: authorization request, sign-in if the page asks for it, consent if it asks, code, tokens. */
  async signInTo(
    browser: Browser,
    client: TestClient,
    login: string,
    overrides: Record<string, string | undefined> = {},
  ): Promise<Tokens> {
    const code = await this.codeFor(browser, client, login, overrides);
    const { status, body } = await this.form(
      '/token',
      { grant_type: 'authorization_code', code, redirect_uri: client.redirectUri },
      client,
    );
    if (status !== 200) throw new Error(`token endpoint answered ${status}: ${JSON.stringify(body)}`);
    return body as unknown as Tokens;
  }

  async codeFor(
    browser: Browser,
    client: TestClient,
    login: string,
    overrides: Record<string, string | undefined> = {},
  ): Promise<string> {
    let page = await browser.follow(await browser.get(this.authorizeUrl(client, overrides)));
    if (page.has('login-submit'))
      page = await browser.follow(await browser.submit(page, 'login-submit', { login, password: PASSWORD }));
    if (page.has('consent-submit')) page = await browser.follow(await browser.submit(page, 'consent-submit'));
    const code = page.location === undefined ? null : page.query.get('code');
    if (code === null) throw new Error(`no code: ${page.status} ${page.location ?? page.body.slice(0, 500)}`);
    return code;
  }

  refresh(client: TestClient, refreshToken: string, fields: Record<string, string> = {}): Promise<Answer> {
    return this.form('/token', { grant_type: 'refresh_token', refresh_token: refreshToken, ...fields }, client);
  }

  async isActive(client: TestClient, token: string): Promise<boolean> {
    const { status, body } = await this.form('/introspect', { token }, client);
    if (status !== 200) throw new Error(`introspection answered ${status}`);
    return body.active === true;
  }

  /** How many rows each table has, days and all: a refusal must leave it as it was. */
  async rowCounts(): Promise<Record<string, number>> {
    const tables = await this.db.query<{ name: string }>(
      `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
        ORDER BY 1`,
    );
    const counts: Record<string, number> = {};
    for (const { name } of tables) {
      const [row] = await this.db.query<{ n: number }>(`SELECT count(*)::int AS n FROM "${name}"`);
      counts[name] = row?.n ?? 0;
    }
    return counts;
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Record<string, unknown>;
}

export function basic(client: { readonly clientId: string; readonly clientSecret: string }): string {
  return `Basic ${Buffer.from(`${encodeURIComponent(client.clientId)}:${encodeURIComponent(client.clientSecret)}`).toString('base64')}`;
}

export function pkce(): { readonly verifier: string; readonly challenge: string } {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson ? (JSON.parse(text) as Record<string, unknown>) : {},
  };
}
