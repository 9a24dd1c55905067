import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { isCspSource } from '../../platform/oidc/redirect-uri.js';
import { newSecret } from '../../platform/oidc/secret.js';
import { SEND_ONCE } from './send-once.js';

/**
 * What a page's Content-Security-Policy must let through besides ourselves (docs/decisions/0037-how-a-form-lets-go.md).
 */
export interface PagePolicy {
  /**
   * The page's form posts to an application, whose answer may lead anywhere: no `form-action`, which would hold for all
   * of it. Everywhere else it is `'self'`: what follows our own forms is not a redirect (`Leaving`).
   */
  readonly postsAway?: boolean;
  readonly images?: readonly string[];
  /** Origins of applications that are loaded in frames (Front-Channel Logout 1.0 §3). */
  readonly frames?: readonly string[];
  /** The page's script follows along (`connect-src 'self'`). */
  readonly live?: boolean;
}

export interface PageOptions extends PagePolicy {
  readonly status?: number;
  readonly nonce: string;
}

/** The response object of whichever HTTP adapter is in use. Only {@link HttpEdge} looks into it. */
export type Response = object;

/**
 * Everything that our edges do to a response, through Nest's adapter-neutral API, so that the HTTP adapter stays one
 * line (docs/architecture.md#http-adapter).
 */
@Injectable()
export class HttpEdge {
  /** Browser states that were set with an answer that is still being made. */
  private readonly newStates = new WeakMap<Response, string>();

  constructor(
    private readonly host: HttpAdapterHost,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** For the inline style and script of one page. */
  newNonce(): string {
    return randomBytes(16).toString('base64');
  }

  header(response: Response, name: string, value: string): void {
    this.host.httpAdapter.setHeader(response, name, value);
  }

  /** Sends an HTML page that may not be framed or cached, and whose address no other site learns. */
  page(response: Response, html: string, options: PageOptions): void {
    this.header(response, 'Content-Type', 'text/html; charset=utf-8');
    this.header(response, 'Content-Security-Policy', contentSecurityPolicy(options));
    this.header(response, 'X-Frame-Options', 'DENY');
    this.noStore(response);
    this.host.httpAdapter.reply(response, withSendOnce(html, options.nonce), options.status ?? 200);
  }

  /** The page that is sent next continues by itself. */
  refresh(response: Response, url: string, afterSeconds = 0): void {
    this.header(response, 'Refresh', `${afterSeconds};url=${headerUrl(url)}`);
  }

  /** 303, so that a POST with a password or a decision is never repeated at the target (RFC 9700 §4.12). */
  redirect(response: Response, url: string): void {
    this.noStore(response);
    // Set by hand: the adapter's own redirect would re-encode a registered URI.
    this.header(response, 'Location', headerUrl(url));
    this.header(response, 'Content-Type', 'text/plain; charset=utf-8');
    this.host.httpAdapter.reply(response, 'See Other', 303);
  }

  empty(response: Response, status: number): void {
    this.host.httpAdapter.status(response, status);
    this.host.httpAdapter.end(response);
  }

  json(response: Response, body: object, status: number): void {
    this.noStore(response);
    this.host.httpAdapter.reply(response, body, status);
  }

  noStore(response: Response): void {
    this.header(response, 'Cache-Control', 'no-store');
    this.header(response, 'Pragma', 'no-cache');
    this.header(response, 'Referrer-Policy', 'no-referrer');
  }

  /**
   * A cookie for this host alone. `__Host-` on https: no subdomain can set or read it
   * (docs/threat-model.md#cookies-of-subdomains). With the session's cookie the browser state changes, so that no way
   * of signing in or out can forget it.
   */
  setCookie(response: Response, name: SecretCookieName, value: string, maxAgeMs: number | undefined): void {
    this.writeSecretCookie(response, name, value, maxAgeMs);
    if (name === 'session') this.renewBrowserState(response);
  }

  clearCookie(response: Response, name: SecretCookieName): void {
    this.writeSecretCookie(response, name, '', 0);
    if (name === 'session') this.renewBrowserState(response);
  }

  /**
   * The browser state of Session Management 1.0 §3.2, as it will be once this answer has arrived: random, known to our
   * own scripts, and nothing about the session can be learned from it.
   */
  browserState(response: Response, cookies: Cookies): string {
    return this.newStates.get(response) ?? this.cookie(cookies, 'browser_state') ?? this.renewBrowserState(response);
  }

  /**
   * Replaced and never removed: no state at all would look like a browser that keeps it from us. The frame that reads
   * it belongs to a foreign page, so it is `SameSite=None`, which browsers take with `Secure` only; on http, which is
   * for loopback, `Lax` still serves applications on the same host.
   */
  renewBrowserState(response: Response): string {
    const state = newSecret();
    this.newStates.set(response, state);
    this.host.httpAdapter.setCookie(response, this.cookieName('browser_state'), state, {
      httpOnly: false,
      secure: this.secure,
      sameSite: this.secure ? 'none' : 'lax',
      path: '/',
      maxAge: Math.floor(this.settings.sessionTtlMs / 1000),
    });
    return state;
  }

  cookie(cookies: Cookies, name: CookieName): string | undefined {
    const value = cookies?.[this.cookieName(name)];
    return typeof value === 'string' && value !== '' ? value : undefined;
  }

  cookieName(name: CookieName): string {
    return this.secure ? `__Host-exeunt_${name}` : `exeunt_${name}`;
  }

  private writeSecretCookie(
    response: Response,
    name: SecretCookieName,
    value: string,
    maxAgeMs: number | undefined,
  ): void {
    this.host.httpAdapter.setCookie(response, this.cookieName(name), value, {
      httpOnly: true,
      secure: this.secure,
      sameSite: 'lax',
      path: '/',
      ...(maxAgeMs === undefined ? {} : { maxAge: Math.floor(maxAgeMs / 1000) }),
    });
  }

  private get secure(): boolean {
    return this.settings.issuer.startsWith('https:');
  }
}

/** Cookies that no script sees. */
export type SecretCookieName = 'session' | 'browser' | 'console';
export type CookieName = SecretCookieName | 'browser_state';
export type Cookies = Readonly<Record<string, unknown>> | undefined;

/** Here and not in the pages, so that no page with a form can be without it. */
function withSendOnce(html: string, nonce: string): string {
  return /<form\b/.test(html)
    ? html.replace('</body>', () => `<script nonce="${nonce}">${SEND_ONCE}</script>\n</body>`)
    : html;
}

/** Proxies have limits for all headers together, 8 KB is a common one. */
const MAX_SOURCES_LENGTH = 4000;

/**
 * What we say of framing comes before anything that a client brought, because of a directive that is there twice the
 * first counts (CSP3 §4.2.1); and what a client brought passes {@link sources}.
 */
export function contentSecurityPolicy(options: PageOptions): string {
  const frames = sources(options.frames);
  return [
    "default-src 'none'",
    "frame-ancestors 'none'",
    `style-src 'nonce-${options.nonce}'`,
    `script-src 'nonce-${options.nonce}'`,
    `img-src ${["'self'", 'data:', ...sources(options.images)].join(' ')}`,
    ...(options.live === true ? ["connect-src 'self'"] : []),
    ...(options.postsAway === true ? [] : ["form-action 'self'"]),
    ...(frames.length === 0 ? [] : [`frame-src ${frames.join(' ')}`]),
    "base-uri 'none'",
  ].join('; ');
}

/**
 * Sources that are nothing but sources; others are left out, also when they were registered before that was asked. More
 * than a header holds become their schemes: what a page loads is in the page, so a longer list would not say more.
 */
function sources(candidates: readonly string[] | undefined): readonly string[] {
  const checked = [...new Set(candidates)].filter(isCspSource);
  if (checked.join(' ').length <= MAX_SOURCES_LENGTH) return checked;
  return [...new Set(checked.map((source) => source.slice(0, source.indexOf(':') + 1)))].slice(0, 20);
}

/**
 * A header is ASCII without control characters; anything else of a URL has an encoding that means the same (RFC 3986
 * §2.1).
 */
export function headerUrl(url: string): string {
  return url.toWellFormed().replaceAll(/[^\x21-\x7e]/gu, (character) => encodeURIComponent(character));
}
