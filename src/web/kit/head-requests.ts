import { isAtOrBelow, PATHS } from '../../platform/oidc/endpoints.js';

/** Pages that do something when they are opened: they issue codes, begin and use up sign-ins, end sessions. */
const ACTS_ON_GET: ReadonlyArray<readonly [acts: (path: string) => boolean, allow: string]> = [
  [(path) => [PATHS.authorization, `${PATHS.authorization}/`].includes(path), 'GET, POST'],
  [(path) => isAtOrBelow(path, PATHS.endSession), 'GET, POST'],
  [(path) => [PATHS.interaction, PATHS.upstreams, PATHS.account].some((base) => path.startsWith(`${base}/`)), 'GET'],
];

interface HeadRequest {
  readonly method?: string;
  readonly url?: string;
}

interface HeadResponse {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(): unknown;
}

/**
 * HEAD is asked by what checks links and looks ahead, perhaps with the browser's cookies, and the response is not read.
 * It must do nothing (RFC 9110 §9.2.1), and the router would have GET's handler answer it; so pages whose GET does
 * something are not offered by HEAD.
 */
export function refuseHead({ method, url = '' }: HeadRequest, response: HeadResponse, next: () => void): void {
  // The router takes paths in any case.
  const path = (url.split('?', 1)[0] ?? '').toLowerCase();
  const acting = method === 'HEAD' ? ACTS_ON_GET.find(([acts]) => acts(path)) : undefined;
  if (acting === undefined) return next();
  response.statusCode = 405;
  response.setHeader('Allow', acting[1]);
  response.setHeader('Cache-Control', 'no-store');
  response.end();
}
