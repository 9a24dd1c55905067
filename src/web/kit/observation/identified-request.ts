import { isRequestId, newRequestId } from '../../../platform/requests/request-id.js';

/** A request that has its id in the header `x-request-id`. */
export interface IdentifiedRequest {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

const HEADER = 'x-request-id';

/**
 * Gives the request its id, in the place of what it was sent with: everything that handles it reads it there.
 * @param keepSent the id that was sent counts, if it is well-formed
 */
export function identify(
  request: { readonly headers: Record<string, string | string[] | undefined> },
  keepSent: boolean,
): string {
  const sent = request.headers[HEADER];
  const id = keepSent && typeof sent === 'string' && isRequestId(sent) ? sent : newRequestId();
  request.headers[HEADER] = id;
  return id;
}

/** The id that {@link identify} has given; a new one for a request that did not come through a server. */
export function requestIdOf({ headers }: IdentifiedRequest): string {
  const id = headers[HEADER];
  return typeof id === 'string' ? id : newRequestId();
}
