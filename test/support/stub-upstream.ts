import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import type { TestApp } from './app.js';
import type { TestClock } from './clock.js';
import type { Browser, Page } from './http.js';

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';

export interface UpstreamSubject {
  readonly sub: string;
  readonly sid: string | undefined;
  readonly claims: Readonly<Record<string, unknown>>;
}

interface Issued {
  readonly subject: UpstreamSubject;
  readonly nonce: string | null;
  readonly codeChallenge: string | null;
  readonly redirectUri: string;
  /** Undefined: nobody asked for it. */
  readonly authTime: number | undefined;
}

export interface SigningKey {
  readonly kid: string | undefined;
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
}

/**
 * Another OpenID Provider, as small as a test needs it, that can misbehave in every way that a test is about. A real one
 * is in `test/real-applications`.
 */
export class StubUpstream {
  readonly clientId = 'exeunt';
  readonly clientSecret = 'upstream-secret';
  /** Requests by path. */
  readonly requests: string[] = [];
  /** The bodies that came to the token endpoint. */
  readonly tokenRequests: URLSearchParams[] = [];
  /** Paths that are answered with 503. */
  readonly down = new Set<string>();
  /** Changes what the next ID tokens say. */
  idTokenClaims: Readonly<Record<string, unknown>> = {};
  /** What userinfo says beside `sub`; undefined: it is not offered. */
  userinfo: Readonly<Record<string, unknown>> | undefined;
  endSessionPath: string | undefined = '/end';
  tokenType = 'Bearer';
  private readonly codes = new Map<string, Issued>();
  private keys: SigningKey[] = [];

  private constructor(
    private readonly server: Server,
    readonly origin: string,
    private readonly clock: TestClock,
  ) {}

  static async start(clock: TestClock): Promise<StubUpstream> {
    const server = createServer((request, response) => void upstream.handle(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const upstream: StubUpstream = new StubUpstream(server, origin, clock);
    await upstream.rotateKeys();
    return upstream;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  get issuer(): string {
    return this.origin;
  }

  /**
   * Signs with a new key from now on; the old one is published no more.
   * @param kid what it is called; null: nothing
   */
  async rotateKeys(kid?: string | null): Promise<void> {
    this.keys = [await newKey('RS256', kid)];
  }

  /** What it signs with, for tests that sign what it would not. */
  get key(): SigningKey {
    return this.keys[0]!;
  }

  /** Publishes another key beside the one that it signs with. */
  publish(key: SigningKey): void {
    this.keys.push(key);
  }

  /** How many requests came to this path. */
  requestsTo(path: string): number {
    return this.requests.filter((requested) => requested === path).length;
  }

  /** Somebody who signs in there, in a session of their own. */
  subject(claims: Record<string, unknown> = {}): UpstreamSubject {
    const sub = `up-${randomBytes(6).toString('hex')}`;
    return {
      sub,
      sid: `sid-${randomBytes(6).toString('hex')}`,
      claims: { preferred_username: sub, name: 'Ada Upstream', email: `${sub}@example.org`, ...claims },
    };
  }

  /** Registers this provider at the application; `overrides` are members of the admin API. */
  async register(app: TestApp, overrides: Record<string, unknown> = {}): Promise<string> {
    const name = `up-${randomBytes(4).toString('hex')}`;
    const { status, text } = await app.json('POST', '/admin/v1/upstreams', {
      token: await app.adminToken(),
      body: {
        name,
        display_name: 'Corporate SSO',
        issuer: this.issuer,
        client_id: this.clientId,
        client_secret: this.clientSecret,
        ...overrides,
      },
    });
    if (status !== 201) throw new Error(`registration answered ${status}: ${text}`);
    return typeof overrides.name === 'string' ? overrides.name : name;
  }

  /** What the browser brings back when this person signs in at the authorization request `url`. */
  authorize(url: string, subject: UpstreamSubject): string {
    const { searchParams } = new URL(url);
    const code = randomBytes(16).toString('base64url');
    const redirectUri = searchParams.get('redirect_uri') ?? '';
    this.codes.set(code, {
      subject,
      nonce: searchParams.get('nonce'),
      codeChallenge: searchParams.get('code_challenge'),
      redirectUri,
      // The person is asked anew, and the ID token says when that was (OpenID Connect Core 1.0 §2).
      authTime: searchParams.has('max_age') ? this.clock.seconds() : undefined,
    });
    const back = new URL(redirectUri);
    back.searchParams.set('code', code);
    back.searchParams.set('state', searchParams.get('state') ?? '');
    back.searchParams.set('iss', this.issuer);
    return back.href;
  }

  /** Clicks the link on the sign-in page, signs in there, and comes back. Returns what our callback answered. */
  async signIn(browser: Browser, signInPage: Page, subject: UpstreamSubject, index = 0): Promise<Page> {
    const link = new RegExp(`id="upstream-${index}"[^>]*href="([^"]+)"|href="([^"]+)"[^>]*id="upstream-${index}"`);
    const found = link.exec(signInPage.body);
    const href = found?.[1] ?? found?.[2];
    if (href === undefined) throw new Error(`no link to an upstream (status ${signInPage.status})`);
    const leaving = await browser.get(href);
    if (leaving.location === undefined) throw new Error(`not sent to the upstream: ${leaving.status}`);
    return browser.get(this.authorize(leaving.location, subject));
  }

  /** A logout token for a person's session; `claims` and `header` override, undefined leaves out. */
  async logoutToken(
    claims: Record<string, unknown>,
    header: Record<string, unknown> = {},
    key: { readonly privateKey: CryptoKey | Uint8Array } | undefined = this.keys[0],
  ): Promise<string> {
    const now = this.clock.seconds();
    const payload: Record<string, unknown> = {
      iss: this.issuer,
      aud: this.clientId,
      iat: now,
      exp: now + 120,
      jti: randomBytes(12).toString('hex'),
      events: { [EVENT]: {} },
      ...claims,
    };
    for (const name of Object.keys(payload)) if (payload[name] === undefined) delete payload[name];
    const protectedHeader = { alg: 'RS256', typ: 'logout+jwt', ...named(this.key), ...header };
    return new SignJWT(payload).setProtectedHeader(protectedHeader).sign(key!.privateKey);
  }

  /** An ID token of this provider's. */
  idToken(claims: Record<string, unknown>): Promise<string> {
    const now = this.clock.seconds();
    return this.sign({ iss: this.issuer, aud: this.clientId, iat: now, exp: now + 300, ...claims });
  }

  private sign(claims: Record<string, unknown>): Promise<string> {
    return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', ...named(this.key) }).sign(this.key.privateKey);
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.origin);
    this.requests.push(url.pathname);
    if (this.down.has(url.pathname)) return void response.writeHead(503).end();
    switch (url.pathname) {
      case '/.well-known/openid-configuration':
        return send(response, 200, this.metadata());
      case '/jwks':
        return send(response, 200, { keys: this.keys.map((key) => key.publicJwk) });
      case '/token':
        return this.token(request, response);
      case '/userinfo':
        return send(response, 200, { ...this.userinfo });
      default:
        response.writeHead(404).end();
    }
  }

  private metadata(): Record<string, unknown> {
    return {
      issuer: this.issuer,
      authorization_endpoint: `${this.origin}/authorize`,
      token_endpoint: `${this.origin}/token`,
      jwks_uri: `${this.origin}/jwks`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256', 'ES256'],
      authorization_response_iss_parameter_supported: true,
      ...(this.userinfo === undefined ? {} : { userinfo_endpoint: `${this.origin}/userinfo` }),
      ...(this.endSessionPath === undefined ? {} : { end_session_endpoint: this.origin + this.endSessionPath }),
    };
  }

  private async token(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    this.tokenRequests.push(form);
    const code = form.get('code') ?? '';
    const issued = this.codes.get(code);
    this.codes.delete(code);
    const verifier = form.get('code_verifier');
    const challenge = verifier === null ? null : createHash('sha256').update(verifier).digest('base64url');
    if (issued === undefined || issued.redirectUri !== form.get('redirect_uri') || challenge !== issued.codeChallenge)
      return send(response, 400, { error: 'invalid_grant' });
    const { subject, nonce, authTime } = issued;
    const claims = {
      iss: this.issuer,
      aud: this.clientId,
      iat: this.clock.seconds(),
      exp: this.clock.seconds() + 300,
      sub: subject.sub,
      ...(subject.sid === undefined ? {} : { sid: subject.sid }),
      ...(nonce === null ? {} : { nonce }),
      ...(authTime === undefined ? {} : { auth_time: authTime }),
      ...subject.claims,
      ...this.idTokenClaims,
    };
    send(response, 200, {
      access_token: 'upstream-access-token',
      token_type: this.tokenType,
      id_token: await this.sign(claims),
    });
  }
}

/** The `kid` of a key that has a name. */
function named({ kid }: { readonly kid: string | undefined }): { readonly kid?: string } {
  return kid === undefined ? {} : { kid };
}

export async function newKey(alg: 'RS256' | 'ES256', name?: string | null): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const kid = name === null ? undefined : (name ?? randomBytes(6).toString('hex'));
  return {
    kid,
    privateKey,
    publicJwk: { ...(await exportJWK(publicKey)), ...named({ kid }), alg, use: 'sig' },
  };
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
