import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Logger } from '@nestjs/common';
import { withLogFields } from '../../../platform/logging/log-fields.js';
import type { AnsweredRequest } from '../../../platform/metrics/http-metrics.js';
import { enterScope } from '../../../platform/requests/request-scope.js';
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
}

/** What Express's router puts on a request that it has a route for. */
interface RoutedRequest extends IncomingMessage {
  readonly route?: { readonly path: unknown };
}

/**
 * Sees every request that the HTTP parser lets through, before anything handles it, and how it ended: gives it its id, which
 * every answer says in `X-Request-Id`, counts it, and writes the access log.
 */
export class RequestObserver {
  private readonly logger = new Logger('Requests');

  constructor(private readonly observation: Observation) {}

  /** @param server whose listeners are called after this one */
  attach(server: Server): void {
    server.prependListener('request', (request, response) => this.begin(request, response));
  }

  private begin(request: RoutedRequest, response: ServerResponse): void {
    const { trusts, followsRequests, logsRequests, metrics } = this.observation;
    const id = identify(request, trusts?.(request.socket.remoteAddress ?? '', 0) === true);
    response.setHeader('X-Request-Id', id);
    if (followsRequests) enterScope({ id, trace: undefined });
    const start = performance.now();
    // Comes after `finish`, and also when the other side has left before.
    response.on('close', () => {
      const seconds = (performance.now() - start) / 1000;
      const status = response.writableFinished ? response.statusCode : LEFT;
      const answered = { route: routeOf(request), method: methodOf(request), status, seconds };
      metrics.observe(answered);
      if (logsRequests) this.log(answered, id);
    });
  }

  private log({ route, method, status, seconds }: AnsweredRequest, id: string): void {
    const ms = Number((seconds * 1000).toFixed(1));
    withLogFields({ method, route, status, ms, request_id: id }, () =>
      this.logger.log(`${method} ${route} ${status} ${ms} ms ${id}`),
    );
  }
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
