import { isIP } from 'node:net';
import type { ClientMetadata } from './client-metadata.js';

/**
 * Schemes that run or carry content in the browser itself: never the target of a redirect
 * (docs/threat-model.md#script-as-redirect, docs/threat-model.md#form-to-a-foreign-address).
 */
const CONTENT_SCHEMES = new Set([
  'javascript:',
  'data:',
  'vbscript:',
  'file:',
  'blob:',
  'about:',
  'filesystem:',
  'view-source:',
  'ws:',
  'wss:',
  'ftp:',
  'jar:',
  'intent:',
  'mailto:',
  'tel:',
  'sms:',
]);

export interface RedirectUriRules {
  /** Allows plain http to other hosts than loopback. */
  readonly allowInsecure: boolean;
  /** Allows private-use schemes such as `com.example.app:/cb` (RFC 8252 §7.1). */
  readonly allowPrivateUseScheme: boolean;
  /** Also ones that are no reversed domain name, such as `oc://app`, of which anybody may claim the same. */
  readonly allowAnyPrivateUseScheme?: boolean;
}

/**
 * Why this URI must not be registered as the target of a redirect, or `undefined` when it may.
 *
 * The rules are one set for `redirect_uris` and `post_logout_redirect_uris`: absolute, no fragment, no user name, no
 * control characters or white space, a host that is a name or an address and nothing else, https (http on loopback),
 * never a scheme that the browser runs.
 *
 * @see [OpenID Connect Dynamic Client Registration
 * 1.0](https://openid.net/specs/openid-connect-registration-1_0.html#ClientMetadata) §2
 * @see [RFC 9700](https://www.rfc-editor.org/rfc/rfc9700#section-2.6) §2.6
 */
export function redirectUriProblem(uri: string, rules: RedirectUriRules): string | undefined {
  if (uri.length > 2000) return 'is longer than 2000 characters';
  // oxlint-disable-next-line no-control-regex -- control characters are what this refuses
  if (/[\u0000-\u0020\u007f-\uffff\\]/.test(uri))
    return 'contains a space, a backslash, a control or a non-ASCII character';
  if (uri.includes('#')) return 'must not have a fragment';
  if (uri.includes('*')) return 'must not contain a wildcard';
  if (!/^[a-z][a-z0-9+.-]*:/i.test(uri) || !URL.canParse(uri)) return 'must be an absolute URI';
  const url = new URL(uri);
  if (CONTENT_SCHEMES.has(url.protocol)) return `must not use the scheme ${url.protocol}`;
  if (url.protocol === 'https:' || url.protocol === 'http:') {
    if (!/^https?:\/\/[^/?]/i.test(uri)) return 'must be an absolute URI';
    if (url.username !== '' || url.password !== '' || /^https?:\/\/[^/?]*@/i.test(uri))
      return 'must not contain a user name';
    if (!hasPlainHost(uri)) return 'must have a host of letters, digits, dots and hyphens, or an IP address';
    if (url.protocol === 'http:' && !isLoopbackHost(url.hostname) && !rules.allowInsecure) {
      return 'must use https (http is for loopback addresses)';
    }
    return undefined;
  }
  if (!rules.allowPrivateUseScheme) return 'must use https';
  if (/^[^:]*:\/\/[^/?]*[;,'"<>]/.test(uri)) return 'must have a host without punctuation';
  // RFC 8252 §7.1: a private-use scheme is a reversed domain name, so that two apps do not share one.
  return url.protocol.includes('.') || rules.allowAnyPrivateUseScheme === true
    ? undefined
    : 'must use https or a private-use scheme such as com.example.app';
}

/**
 * Why this URI must not be loaded in a frame at logout, or `undefined` when it may: a web address with the scheme, host
 * and port of one of the client's redirect URIs (Front-Channel Logout 1.0 §2). Asked when it is registered and again
 * when it is used, so that a rule that became stricter holds for what is stored already.
 */
export function frontChannelLogoutUriProblem(
  uri: string,
  redirectUris: readonly string[],
  rules: Pick<RedirectUriRules, 'allowInsecure'>,
): string | undefined {
  const problem = redirectUriProblem(uri, { ...rules, allowPrivateUseScheme: false });
  if (problem !== undefined) return problem;
  const { origin } = new URL(uri);
  return redirectUris.some((redirectUri) => new URL(redirectUri).origin === origin)
    ? undefined
    : 'must have the scheme, host and port of a redirect URI';
}

const LABEL = '[a-z0-9-]{1,63}';
const NAME = new RegExp(`^${LABEL}(\\.${LABEL})*$`);

/**
 * Whether a host is what the name system or an address can be: letters, digits, hyphens and single dots (after IDNA,
 * that is in ASCII), at most 253 characters, or an IP literal. URLs allow more (`;`, `,`, quotes), and what is made of
 * a host, such as a source of a Content-Security-Policy, would read it as its own punctuation.
 */
export function isPlainHost(hostname: string): boolean {
  if (hostname.startsWith('[')) return hostname.endsWith(']') && isIP(hostname.slice(1, -1)) === 6;
  return hostname.length <= 253 && NAME.test(hostname);
}

/** The host as it is written, too: what a browser is sent is the text, and not what a parser makes of it. */
function hasPlainHost(uri: string): boolean {
  const [, written = ''] = /^https?:\/\/(\[[0-9a-f:.]+\]|[^/?:]*)(:\d*)?(?=[/?]|$)/i.exec(uri) ?? [];
  return isPlainHost(written.toLowerCase()) && isPlainHost(new URL(uri).hostname);
}

/** Whether it is an http or https address, and none of an app's own scheme. */
export function isWebUri(uri: string): boolean {
  return /^https?:/i.test(uri);
}

/** Whether an app on the person's own device answers there: at a scheme of its own, or at a loopback address. */
export function isOnDevice(uri: string): boolean {
  return !isWebUri(uri) || isLoopbackHost(new URL(uri).hostname);
}

/** `localhost`, 127.0.0.0/8 and `[::1]` (RFC 8252 §7.3, §8.3). */
export function isLoopbackHost(hostname: string): boolean {
  if (hostname === 'localhost' || hostname === '[::1]') return true;
  return isIP(hostname) === 4 && hostname.startsWith('127.');
}

/** What decides whether a client's loopback addresses may name any port. */
type ClientKind = Pick<ClientMetadata, 'application_type' | 'token_endpoint_auth_method'>;

/** Exact comparison, code unit by code unit, before anything is parsed (RFC 9700 §4.1.3). */
export function isRegisteredUri(registered: readonly string[], requested: string): boolean {
  return registered.includes(requested);
}

/**
 * Whether a client may have the browser sent to this URI: one rule for `redirect_uris` and `post_logout_redirect_uris`,
 * since an application that listens on a port of the moment listens on it after both.
 *
 * Exact match, except that an app on the person's own computer may name any port of a loopback address that is
 * registered for it (RFC 8252 §7.3, RFC 9700 §2.1). `127.0.0.1`, `[::1]` and `localhost` each stand for themselves
 * only; host, path and query stay exact. Such an app is a client of type `native`, or one that cannot keep a secret:
 * many leave out `application_type`, and nothing but an app on that computer can answer at a loopback address.
 */
export function isAllowedRedirectUri(registered: readonly string[], requested: string, client: ClientKind): boolean {
  return registeredRedirectUri(registered, requested, client) !== undefined;
}

/** The registered URI by which {@link isAllowedRedirectUri} allows the requested one. */
export function registeredRedirectUri(
  registered: readonly string[],
  requested: string,
  client: ClientKind,
): string | undefined {
  if (isRegisteredUri(registered, requested)) return requested;
  if (client.application_type !== 'native' && client.token_endpoint_auth_method !== 'none') return undefined;
  const wanted = withoutLoopbackPort(requested);
  return wanted === undefined ? undefined : registered.find((uri) => withoutLoopbackPort(uri) === wanted);
}

const LOOPBACK_WITH_PORT = /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(?::\d{1,5})?([/?][^\\#\s]*)?$/;

function withoutLoopbackPort(uri: string): string | undefined {
  const match = LOOPBACK_WITH_PORT.exec(uri);
  // A number that is no port would be an address that no browser opens.
  return match === null || !URL.canParse(uri) ? undefined : `http://${match[1]}${match[2] ?? ''}`;
}

/**
 * Adds parameters to a registered URI without touching a byte of it: never through `new URL()`, which would add a
 * slash or re-encode (RP-Initiated Logout 1.0 §3: the URI exactly as registered, `state` appended to its query).
 */
export function appendQuery(uri: string, parameters: ReadonlyArray<readonly [string, string | undefined]>): string {
  const pairs = parameters
    .filter((pair): pair is readonly [string, string] => pair[1] !== undefined)
    .map(([name, value]) => `${encode(name)}=${encode(value)}`);
  if (pairs.length === 0) return uri;
  const separator = !uri.includes('?') ? '?' : /[?&]$/.test(uri) ? '' : '&';
  return uri + separator + pairs.join('&');
}

/** Half a character has no encoding, and would throw. */
function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

/** Whether this is one source of a CSP source list and no punctuation of the policy: an origin with a plain host. */
export function isCspSource(source: string): boolean {
  const [, host] = /^https?:\/\/(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:\d{1,5})?$/.exec(source) ?? [];
  return host !== undefined && isPlainHost(host);
}
