import { isCspSource } from '../../platform/oidc/redirect-uri.js';

/** What a page's Content-Security-Policy must let through besides ourselves. */
export interface PagePolicy {
  /**
   * The page's form posts to an application, whose response may lead anywhere: no `form-action`, which would hold for all
   * of it. Everywhere else it is `'self'`: what follows our own forms is not a redirect (`leave`).
   */
  readonly postsAway?: boolean | undefined;
  readonly images?: readonly string[] | undefined;
  /** Origins of applications that are loaded in frames (Front-Channel Logout 1.0 §3). */
  readonly frames?: readonly string[] | undefined;
  /** The page's script follows along (`connect-src 'self'`). */
  readonly live?: boolean | undefined;
}

/** Proxies have limits for all headers together, 8 KB is a common one. */
const MAX_SOURCES_LENGTH = 4000;

/**
 * What we say of framing comes before anything that a client brought, because of a directive that is there twice the
 * first counts (CSP3 §4.2.1); and what a client brought passes {@link sources}.
 */
export function contentSecurityPolicy(options: PagePolicy & { readonly nonce: string }): string {
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
