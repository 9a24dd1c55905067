import { browserOrigins, type Client } from '../../domain/clients/client.js';
import { empty, type Header, type HttpResponse } from './http-response.js';

/**
 * Headers that let pages read our responses. No cookies are involved anywhere here, so a page learns nothing that it could
 * not ask for without a browser. `/authorize` never gets such a header (RFC 9700 §2.6).
 *
 * These, when and only when the page's origin is that of a redirect URI of the client it speaks for.
 */
export function clientCors(origin: string | undefined, client: Client): readonly Header[] {
  return origin !== undefined && browserOrigins(client).includes(origin) ? openCors(origin) : [];
}

/**
 * For responses that say nothing about a person or client: a refusal that names no registered client, a registration, a
 * preflight.
 */
export function openCors(origin: string | undefined): readonly Header[] {
  if (origin === undefined) return [];
  return [
    ['Access-Control-Allow-Origin', origin],
    ['Access-Control-Expose-Headers', 'WWW-Authenticate, Retry-After'],
    ['Vary', 'Origin'],
  ];
}

/**
 * For an endpoint that serves whichever application is registered here, by JSON alone.
 * @param origin undefined: no origin may read the response
 */
export function registeredCors(origin: string | undefined, isPreflight: boolean): readonly Header[] {
  if (origin === undefined) return [['Vary', 'Origin']];
  return [
    ['Vary', 'Origin'],
    ['Access-Control-Allow-Origin', origin],
    ['Access-Control-Expose-Headers', 'Retry-After, X-Request-ID'],
    ...(isPreflight ? PREFLIGHT_OF_REGISTERED : []),
  ];
}

const MAX_AGE: Header = ['Access-Control-Max-Age', '600'];
const PREFLIGHT_OF_REGISTERED: readonly Header[] = [
  ['Access-Control-Allow-Methods', 'POST'],
  ['Access-Control-Allow-Headers', 'Authorization, Content-Type'],
  MAX_AGE,
];

/**
 * The response to a preflight. It names no client, so it lets the question through; whether the response may be read is
 * decided by {@link clientCors}.
 */
export function preflight(origin: string | undefined, methods = 'GET, POST', headers?: string): HttpResponse {
  if (origin === undefined) return empty(204);
  return empty(204).with(
    ['Access-Control-Allow-Origin', origin],
    ['Access-Control-Allow-Methods', methods],
    ['Access-Control-Allow-Headers', ['Authorization', 'Content-Type', ...headerNames(headers)].join(', ')],
    MAX_AGE,
    ['Vary', 'Origin'],
  );
}

/** The same for a document that is for everybody, such as metadata and keys, and with whatever header is asked for. */
export function publicPreflight(headers: string | undefined): HttpResponse {
  const names = headerNames(headers);
  return empty(204).with(
    ['Access-Control-Allow-Origin', '*'],
    ['Access-Control-Allow-Methods', 'GET, HEAD'],
    ...(names.length > 0 ? [['Access-Control-Allow-Headers', names.join(', ')] as const] : []),
    MAX_AGE,
    ['Vary', 'Access-Control-Request-Headers'],
  );
}

const MAX_NAMES = 30;

/** Names of headers as they may stand in an answer (RFC 9110 §5.6.2); what is none is left out. */
function headerNames(list: string | undefined): string[] {
  return (list ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,60}$/.test(name))
    .slice(0, MAX_NAMES);
}
