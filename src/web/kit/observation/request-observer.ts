import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Logger } from '@nestjs/common';
import { withLogFields } from '../../../platform/logging/log-fields.js';
import type { AnsweredRequest } from '../../../platform/metrics/http-metrics.js';
import { enterScope } from '../../../platform/requests/request-scope.js';
import { parseTraceparent } from '../../../platform/requests/trace-context.js';
import type { Span, Tracing } from '../../../platform/tracing/tracing.js';
import { identify } from './identified-request.js';

/** Whether the peer at this address, `hops` before us, is a proxy of the operator. */
export type TrustsPeer = (address: string, hops: number) => boolean;

export interface Observation {
  /** Undefined: no proxy is trusted. */
  readonly trusts: TrustsPeer | undefined;
  /** A line of the log for each request. */
  readonly logsRequests: boolean;
  /** Lines of the log that are written while the request is handled, wherever that is, have its id. */
  readonly followsRequests: boolean;
  /** Where each answer is counted. */
  readonly metrics: { observe(answered: AnsweredRequest): void };
  readonly tracing: Tracing;
}

/** What Express's router puts on a request that it has a route for. */
interface RoutedRequest extends IncomingMessage {
  readonly route?: { readonly path: unknown };
}

/**
 * Sees every request that the HTTP parser lets through, before anything handles it, and how it ended: gives it its id, which
 * every answer says in `X-Request-Id`, counts it, writes the access log, and is the first span of a trace.
 */
export class RequestObserver {
  private readonly logger = new Logger('Requests');

  constructor(private readonly observation: Observation) {}

  /** @param server whose listeners are called after this one */
  attach(server: Server): void {
    server.prependListener('request', (request, response) => this.begin(request, response));
  }

  private begin(request: RoutedRequest, response: ServerResponse): void {
    const { trusts, followsRequests, logsRequests, metrics, tracing } = this.observation;
    const trusted = trusts?.(request.socket.remoteAddress ?? '', 0) === true;
    const id = identify(request, trusted);
    response.setHeader('X-Request-Id', id);
    const span = tracing.on ? this.spanOf(request, trusted, id) : undefined;
    if (followsRequests || span !== undefined) enterScope({ id, trace: span });
    const start = performance.now();
    // Comes after `finish`, and also when the other side has left before.
    response.on('close', () => {
      const seconds = (performance.now() - start) / 1000;
      const status = response.writableFinished ? response.statusCode : LEFT;
      const answered = { route: routeOf(request), method: methodOf(request), status, seconds };
      metrics.observe(answered);
      if (span !== undefined) endSpan(span, answered);
      if (logsRequests) this.log(answered, id);
    });
  }

  /**
   * A trusted proxy decides whether the trace is recorded; what a stranger sends is only linked to, or it could have everything
   * recorded. The path is left out: some have sealed values in them.
   */
  private spanOf(request: RoutedRequest, trusted: boolean, id: string): Span | undefined {
    const { tracing } = this.observation;
    const { traceparent } = request.headers;
    const sent = tracing.propagates && typeof traceparent === 'string' ? parseTraceparent(traceparent) : undefined;
    const method = methodOf(request);
    const span = tracing.begin(method, 'server', trusted ? { parent: sent } : { link: sent });
    span?.set({ 'http.request.method': method, 'exeunt.request_id': id });
    return span;
  }

  private log({ route, method, status, seconds }: AnsweredRequest, id: string): void {
    const ms = Number((seconds * 1000).toFixed(1));
    withLogFields({ method, route, status, ms, request_id: id }, () =>
      this.logger.log(`${method} ${route} ${status} ${ms} ms ${id}`),
    );
  }
}

function endSpan(span: Span, { method, route, status }: AnsweredRequest): void {
  if (route !== NO_ROUTE) {
    span.rename(`${method} ${route}`);
    span.set({ 'http.route': route });
  }
  span.set({ 'http.response.status_code': status });
  if (status >= 500) span.fail(String(status));
  span.end();
}

/** What the log and the metrics call the status of a request whose sender left before it was answered, as nginx does. */
const LEFT = 499;
/** What a request is called that no route was found for. */
export const NO_ROUTE = 'none';
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** As the route was declared, so `/admin/v1/sessions/:id`: never a path that was sent, which may have anything in it. */
export function routeOf({ route }: RoutedRequest): string {
  return typeof route?.path === 'string' ? route.path : NO_ROUTE;
}

function methodOf({ method = '' }: IncomingMessage): string {
  return METHODS.has(method) ? method : 'other';
}
