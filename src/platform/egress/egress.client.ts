import { Inject, Injectable, Optional, type OnApplicationShutdown } from '@nestjs/common';
import type { Agent } from 'undici';
import { isLoopbackIssuer, SETTINGS, type Settings } from '../config/settings.js';
import { later } from '../later/later.js';
import { spanned, Tracing } from '../tracing/tracing.js';
import { EgressError, type EgressRequest, type EgressResponse } from './egress.js';
import { Exchange } from './exchange.js';
import { guardedConnector, systemResolver, type Connector, type Lookup } from './guarded-connector.js';

const undici = later('undici', () => import('undici'));
type Undici = Awaited<ReturnType<typeof undici>>;

/** Lets tests see what would be connected to, without a connection. */
export const EGRESS_TRANSPORT = Symbol('EGRESS_TRANSPORT');
export interface EgressTransport {
  readonly resolve?: Lookup;
  readonly connect?: Connector;
}

const MAX_HEADER_BYTES = 16 * 1024;
const CONNECTIONS_PER_ORIGIN = 16;
const IDLE_MS = 4_000;
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * The one door through which requests to other servers leave. It follows no redirect, connects only to addresses that
 * were checked, and bounds time and size, also of an answer that drips (docs/threat-model.md#address-from-the-request,
 * docs/threat-model.md#inner-addresses).
 *
 * undici's dispatcher directly: a fifth of the CPU of global `fetch` for each request, which counts when one logout
 * tells many applications.
 */
@Injectable()
export class EgressClient implements OnApplicationShutdown {
  /** Made for the first request. */
  private agent: Agent | undefined;

  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    @Optional() @Inject(EGRESS_TRANSPORT) private readonly transport: EgressTransport = {},
    @Optional() private readonly tracing: Tracing = new Tracing(),
  ) {}

  async onApplicationShutdown(): Promise<void> {
    await this.agent?.destroy();
  }

  /** @throws EgressError and nothing else */
  async request(request: EgressRequest): Promise<EgressResponse> {
    const url = parseUrl(request.url);
    const span = this.tracing.child(request.method, 'client');
    if (span === undefined) return this.send(url, request, this.tracing.headersOf(undefined));
    // Neither path nor query: they are the other side's, and may have something in them.
    span.set({ 'http.request.method': request.method, 'server.address': url.hostname, 'server.port': portOf(url) });
    return spanned(span, async () => {
      const response = await this.send(url, request, this.tracing.headersOf(span));
      span.set({ 'http.response.status_code': response.status });
      if (response.status >= 400) span.fail(String(response.status));
      return response;
    });
  }

  private async send(
    url: URL,
    request: EgressRequest,
    traced: Readonly<Record<string, string>>,
  ): Promise<EgressResponse> {
    const agent = await this.opened();
    return new Promise((resolve, reject) => {
      agent.dispatch(
        {
          origin: url.origin,
          path: url.pathname + url.search,
          method: request.method,
          headers: { 'user-agent': 'Exeunt', 'accept-encoding': 'identity', ...traced, ...request.headers },
          body: request.body ?? null,
          // The exchange bounds the whole; these would only bound parts of it.
          headersTimeout: 0,
          bodyTimeout: 0,
        },
        new Exchange(request, resolve, reject),
      );
    });
  }

  private async opened(): Promise<Agent> {
    const loaded = await undici().catch((cause: unknown) => {
      throw new EgressError('failed', { cause });
    });
    return (this.agent ??= this.agentOf(loaded));
  }

  private agentOf({ Agent, buildConnector }: Undici): Agent {
    const { transport, settings } = this;
    const connect = transport.connect ?? buildConnector({ timeout: CONNECT_TIMEOUT_MS, allowH2: false });
    return new Agent({
      connect: guardedConnector(connect, transport.resolve ?? systemResolver, {
        rules: settings.egressAllow,
        loopback: isLoopbackIssuer(settings.issuer),
      }),
      connections: CONNECTIONS_PER_ORIGIN,
      pipelining: 1,
      keepAliveTimeout: IDLE_MS,
      keepAliveMaxTimeout: IDLE_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
    });
  }
}

function portOf({ port, protocol }: URL): number {
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (
    url === undefined ||
    (url.protocol !== 'https:' && url.protocol !== 'http:') ||
    url.username !== '' ||
    url.password !== ''
  ) {
    throw new EgressError('invalid_url');
  }
  return url;
}
