import { randomBytes } from 'node:crypto';
import type { StreamableFile } from '@nestjs/common';
import { renderOnwardPage } from '../pages/pages.js';
import type { Browser } from './browser.js';
import { contentSecurityPolicy, type PagePolicy } from './content-security-policy.js';
import type { SetCookie } from './cookies.js';
import { SEND_ONCE } from './send-once.js';

export type Header = readonly [name: string, value: string];

interface Parts<Body> {
  readonly status: number;
  readonly body: Body;
  readonly headers: readonly Header[];
  readonly cookies?: readonly SetCookie[];
  readonly html?: HttpResponse | undefined;
}

/**
 * What a handler responds, as a value: nothing is sent before `ResponseInterceptor` writes it. Immutable, so that a
 * service can make one, a test can look at it, and adding a header or a cookie makes another one.
 *
 * Made by {@link page}, {@link redirect}, {@link json}, {@link text}, {@link file}, {@link empty} and {@link leave}.
 */
export class HttpResponse<Body = unknown> {
  readonly status: number;
  /** HTML or other text, an object that is sent as JSON, a file or stream; undefined: none. */
  readonly body: Body;
  readonly headers: readonly Header[];
  /** In the order in which they are set. */
  readonly cookies: readonly SetCookie[];
  /** What is sent in its place to a request that takes HTML (`Accept`), with the same cookies. */
  readonly html: HttpResponse | undefined;

  constructor({ status, body, headers, cookies = [], html }: Parts<Body>) {
    this.status = status;
    this.body = body;
    this.headers = headers;
    this.cookies = cookies;
    this.html = html;
  }

  /** With these headers, too; one of the same name is replaced. */
  with(...headers: readonly Header[]): HttpResponse<Body> {
    return new HttpResponse({ ...this, headers: [...this.headers, ...headers] });
  }

  /** With what it changes in the browser's cookies, too. */
  for(browser: Browser): HttpResponse<Body> {
    return new HttpResponse({ ...this, cookies: [...this.cookies, ...browser.changes] });
  }

  /** A response that no interceptor wrote would show its cookies as JSON. */
  toJSON(): never {
    throw new Error('A controller whose handlers return an HttpResponse needs the ResponseInterceptor.');
  }
}

/** Stored nowhere, and its address is not sent to sites that it links to. */
export const NO_STORE: readonly Header[] = [
  ['Cache-Control', 'no-store'],
  ['Pragma', 'no-cache'],
  ['Referrer-Policy', 'no-referrer'],
];

export interface PageOptions extends PagePolicy {
  readonly status?: number | undefined;
  /** The page continues by itself. */
  readonly refresh?: { readonly url: string; readonly afterSeconds?: number } | undefined;
  readonly retryAfterSeconds?: number | undefined;
}

/**
 * An HTML page that may not be framed or cached, and whose address no other site learns.
 * @param render from `pages/`; the nonce of its one style and its scripts is made here
 */
export function page<View extends { readonly nonce: string }>(
  render: (view: View) => string,
  view: Omit<View, 'nonce'>,
  { status = 200, refresh, retryAfterSeconds, ...policy }: PageOptions = {},
): HttpResponse<string> {
  const nonce = randomBytes(16).toString('base64');
  const html = render({ ...view, nonce } as unknown as View);
  return new HttpResponse({
    status,
    body: withSendOnce(html, nonce),
    headers: [
      ['Content-Type', 'text/html; charset=utf-8'],
      ['Content-Security-Policy', contentSecurityPolicy({ ...policy, nonce })],
      ['X-Frame-Options', 'DENY'],
      ...NO_STORE,
      ...(refresh === undefined ? [] : [refreshHeader(refresh)]),
      ...(retryAfterSeconds === undefined ? [] : [['Retry-After', String(retryAfterSeconds)] as const]),
    ],
  });
}

/**
 * A page with one of our forms: it carries the browser's CSRF token, and makes the browser known where it was not. What
 * was wrong with the last attempt is in the view; `status` says it to programs.
 */
export function formPage<View extends { readonly nonce: string; readonly csrf: string }>(
  browser: Browser,
  render: (view: View) => string,
  view: Omit<View, 'nonce' | 'csrf'>,
  options: PageOptions = {},
): HttpResponse<string> {
  const known = browser.identified();
  const complete = { ...view, csrf: known.csrfToken } as unknown as Omit<View, 'nonce'>;
  return page(render, complete, options).for(known);
}

/** 303, so that a POST with a password or a decision is never repeated at the target (RFC 9700 §4.12). */
export function redirect(url: string): HttpResponse<string> {
  return new HttpResponse({
    status: 303,
    body: 'See Other',
    headers: [
      ...NO_STORE,
      // Set by hand: the adapter's own redirect would re-encode a registered URI.
      ['Location', headerUrl(url)],
      ['Content-Type', 'text/plain; charset=utf-8'],
    ],
  });
}

/**
 * Sends the browser on to an address that is not ours: by a redirect, or, in response to one of our forms, by a page
 * that continues by itself.
 *
 * Chromium holds every redirect that follows a form against the `form-action` of the form's page, the application's own
 * redirects among them. No list names them all: the port of the moment (RFC 8252 §7.3), an IPv6 literal, which a source
 * list cannot express, a callback that sends on to another origin. What a page does by itself is no form submission.
 * Programs that send our forms know no `form-action`; they do not ask for HTML and get the `Location` that they follow.
 * @param url registered, or made by us: nothing that a browser would run
 */
export function leave(browser: Browser, url: string): HttpResponse<string> {
  const plain = redirect(url).for(browser);
  if (!browser.sentForm) return plain;
  // Without a delay the page is replaced in the history, so Back does not come here again. One mechanism and no more: a
  // script beside it could bring the application its code twice.
  return new HttpResponse({ ...plain, html: page(renderOnwardPage, { url }, { refresh: { url } }) });
}

/** JSON that must not be stored. */
export function json<Body extends object>(body: Body, status = 200): HttpResponse<Body> {
  return new HttpResponse({ status, body, headers: NO_STORE });
}

/** Text that must not be stored. */
export function text(body: string, contentType: string): HttpResponse<string> {
  return new HttpResponse({ status: 200, body, headers: [...NO_STORE, ['Content-Type', contentType]] });
}

/** Bytes with a media type of their own, or a stream, that must not be stored. */
export function file(body: StreamableFile, status = 200): HttpResponse<StreamableFile> {
  return new HttpResponse({ status, body, headers: NO_STORE });
}

export function empty(status: number): HttpResponse<undefined> {
  return new HttpResponse({ status, body: undefined, headers: [] });
}

/** A header is ASCII without control characters; anything else of a URL has an encoding that means the same (RFC 3986 §2.1). */
export function headerUrl(url: string): string {
  return url.toWellFormed().replaceAll(/[^\x21-\x7e]/gu, (character) => encodeURIComponent(character));
}

function refreshHeader({ url, afterSeconds = 0 }: NonNullable<PageOptions['refresh']>): Header {
  return ['Refresh', `${afterSeconds};url=${headerUrl(url)}`];
}

/** Here and not in the pages, so that no page with a form can be without it. */
function withSendOnce(html: string, nonce: string): string {
  return /<form\b/.test(html)
    ? html.replace('</body>', () => `<script nonce="${nonce}">${SEND_ONCE}</script>\n</body>`)
    : html;
}
