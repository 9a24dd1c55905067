import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { SETTINGS, type Settings } from '../config/settings.js';

/** What a page's Content-Security-Policy must let through besides ourselves (requirements C.14, 8). */
export interface PagePolicy {
  /** Chromium applies `form-action` to the redirects that follow a form's POST, so the client's origins belong in it. */
  readonly formAction?: readonly string[];
  readonly images?: readonly string[];
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
 * line (design §3).
 */
@Injectable()
export class HttpEdge {
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

  /** Sends an HTML page that nobody may frame, cache, or learn the address of. */
  page(response: Response, html: string, options: PageOptions): void {
    this.header(response, 'Content-Type', 'text/html; charset=utf-8');
    this.header(response, 'Content-Security-Policy', contentSecurityPolicy(options));
    this.header(response, 'X-Frame-Options', 'DENY');
    this.noStore(response);
    this.host.httpAdapter.reply(response, html, options.status ?? 200);
  }

  /** 303, so that a POST with a password or a decision is never repeated at the target (RFC 9700 §4.12). */
  redirect(response: Response, url: string): void {
    this.noStore(response);
    // Set by hand: the adapter's own redirect would re-encode a registered URI.
    this.header(response, 'Location', url);
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

  /** A cookie for this host alone. `__Host-` on https: no subdomain can set or read it (abuse case A19). */
  setCookie(response: Response, name: CookieName, value: string, maxAgeMs: number | undefined): void {
    this.host.httpAdapter.setCookie(response, this.cookieName(name), value, {
      httpOnly: true,
      secure: this.secure,
      sameSite: 'lax',
      path: '/',
      ...(maxAgeMs === undefined ? {} : { maxAge: Math.floor(maxAgeMs / 1000) }),
    });
  }

  clearCookie(response: Response, name: CookieName): void {
    this.host.httpAdapter.setCookie(response, this.cookieName(name), '', {
      httpOnly: true,
      secure: this.secure,
      sameSite: 'lax',
      path: '/',
      maxAge: 0,
    });
  }

  cookie(cookies: Cookies, name: CookieName): string | undefined {
    const value = cookies?.[this.cookieName(name)];
    return typeof value === 'string' && value !== '' ? value : undefined;
  }

  cookieName(name: CookieName): string {
    return this.secure ? `__Host-exeunt_${name}` : `exeunt_${name}`;
  }

  private get secure(): boolean {
    return this.settings.issuer.startsWith('https:');
  }
}

export type CookieName = 'session' | 'browser' | 'console';
export type Cookies = Readonly<Record<string, unknown>> | undefined;

function contentSecurityPolicy(options: PageOptions): string {
  return [
    "default-src 'none'",
    `style-src 'nonce-${options.nonce}'`,
    `script-src 'nonce-${options.nonce}'`,
    `img-src ${["'self'", 'data:', ...(options.images ?? [])].join(' ')}`,
    ...(options.live === true ? ["connect-src 'self'"] : []),
    `form-action ${["'self'", ...(options.formAction ?? [])].join(' ')}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
