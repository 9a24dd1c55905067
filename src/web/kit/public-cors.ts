import type { Settings } from '../../platform/config/settings.js';
import { isAtOrBelow, PATHS } from '../../platform/oidc/endpoints.js';
import { bearerToken } from './bearer.js';
import { openCors, preflight, publicPreflight } from './cors.js';
import type { OutgoingResponse, ResponseWriter } from './response-writer.js';

interface IncomingRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

const DOCUMENTS: readonly string[] = [PATHS.jwks, PATHS.openidConfiguration, PATHS.authorizationServerMetadata];

/**
 * What any page may read, whatever becomes of the request: metadata and keys, which are public; and registration, which a
 * tool in a browser may do where anybody may, or with a token that it was given. Before everything else, so that refusals
 * of parsers and of the router can be read as well.
 */
export function publicCors(
  writer: ResponseWriter,
  settings: Pick<Settings, 'registration'>,
): (request: IncomingRequest, response: OutgoingResponse, next: () => void) => void {
  return ({ method, path, headers }, response, next) => {
    const { origin } = headers;
    const asks = headers['access-control-request-headers'];
    const isPreflight = method === 'OPTIONS' && origin !== undefined;
    if (DOCUMENTS.includes(path.replace(/\/$/, ''))) {
      if (isPreflight) return writer.sendTo(response, publicPreflight(asks));
      writer.aheadTo(response, [['Access-Control-Allow-Origin', '*']]);
    } else if (isAtOrBelow(path, PATHS.registration)) {
      if (isPreflight) return writer.sendTo(response, preflight(origin, 'GET, POST, PUT, DELETE', asks));
      if (settings.registration !== 'off' || bearerToken(headers.authorization) !== undefined)
        writer.aheadTo(response, openCors(origin));
    }
    next();
  };
}
