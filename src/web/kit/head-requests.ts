/** Pages that do something when they are opened: they issue codes, begin and use up sign-ins, end sessions. */
const ACTS_ON_GET: ReadonlyArray<readonly [path: RegExp, allow: string]> = [
  [/^\/authorize\/?$/i, 'GET, POST'],
  [/^\/session\/end_session(\/|$)/i, 'GET, POST'],
  [/^\/(interaction|upstreams|account)\//i, 'GET'],
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
  const path = url.split('?', 1)[0] ?? '';
  const acting = method === 'HEAD' ? ACTS_ON_GET.find(([pattern]) => pattern.test(path)) : undefined;
  if (acting === undefined) return next();
  response.statusCode = 405;
  response.setHeader('Allow', acting[1]);
  response.setHeader('Cache-Control', 'no-store');
  response.end();
}
