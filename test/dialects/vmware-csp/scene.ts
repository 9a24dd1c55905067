import type { TestApp } from '../../support/app.js';
import type { Browser } from '../../support/http.js';

export const V1 = '/csp/gateway/am/api/auth/logout';
export const V2 = '/csp/gateway/am/api/v2/auth/logout';

export interface CspRequest {
  readonly path?: string;
  readonly method?: string;
  /** A text is sent as it stands. */
  readonly query?: Readonly<Record<string, string>> | string | undefined;
  /** An object is sent as JSON, a text as it stands, null not at all; `{}` when nothing is said. */
  readonly body?: object | string | null;
  /** Whose session cookie is sent. It is not followed up: the browser keeps what it has. */
  readonly browser?: Browser | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface CspAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  readonly json: Readonly<Record<string, unknown>>;
}

/** Sends a request as an application of CSP does, and follows no redirect. */
export async function csp(app: TestApp, request: CspRequest = {}): Promise<CspAnswer> {
  const { path = V1, method = 'POST', query = {}, body = {}, browser, headers = {} } = request;
  const cookie = browser?.cookie('exeunt_session');
  const text = body === null || typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(
    `${app.issuer}${path}?${typeof query === 'string' ? query : new URLSearchParams(query)}`,
    {
      method,
      redirect: 'manual',
      headers: {
        // A text that is sent without a type of its own would be given one by `fetch`.
        ...(text === null ? {} : { 'content-type': 'application/json' }),
        ...(cookie === undefined ? {} : { cookie: `exeunt_session=${cookie}` }),
        ...headers,
      },
      ...(text === null ? {} : { body: text }),
    },
  );
  return answerOf(response);
}

async function answerOf(response: Response): Promise<CspAnswer> {
  const body = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
  return {
    status: response.status,
    headers: response.headers,
    body,
    json: isJson ? (JSON.parse(body) as Record<string, unknown>) : {},
  };
}

/** The six fields, the header, and nothing that may be stored (docs/wire/vmware-csp.md#errors). */
export function expectCspError(answer: CspAnswer, status: number, errorCode: string): void {
  expect(answer.json).toEqual({
    cspErrorCode: expect.stringMatching(new RegExp(`^540\\.${status}-\\d{3}\\.\\d{3}$`)) as string,
    message: expect.stringMatching(/^[\w .,/{}]+$/) as string,
    errorCode,
    requestId: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
    moduleCode: '540',
    statusCode: status,
  });
  expect(answer.status).toBe(status);
  expect(answer.headers.get('x-request-id')).toBe(answer.json.requestId);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(answer.headers.getSetCookie()).toEqual([]);
}

/** How many rows each table has. The limiter counts whatever comes, also what is refused after it. */
export async function rowsBesidesLimits(app: TestApp): Promise<Record<string, number>> {
  const { rate_limits: _, ...counts } = await app.rowCounts();
  return counts;
}

/** The parameters of a logout URL, in their order. */
export function parametersOf(url: unknown): [string, string][] {
  return [...new URL(String(url)).searchParams];
}
