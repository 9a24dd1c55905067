import { Inject, Injectable, Optional, type OnApplicationShutdown } from '@nestjs/common';
import { Agent, buildConnector, type Dispatcher } from 'undici';
import { isLoopbackIssuer, SETTINGS, type Settings } from '../config/settings.js';
import { EgressError, type EgressErrorCode, type EgressRequest, type EgressResponse } from './egress.js';
import { guardedConnector, systemResolver, type Connector, type Lookup } from './guarded-connector.js';

/** Lets tests see what would be connected to, without a connection. */
export const EGRESS_TRANSPORT = Symbol('EGRESS_TRANSPORT');
export interface EgressTransport {
  readonly resolve?: Lookup;
  readonly connect?: Connector;
}

const DEFAULT_MAX_BYTES = 64 * 1024;
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
  private readonly agent: Agent;

  constructor(
    @Inject(SETTINGS) settings: Settings,
    @Optional() @Inject(EGRESS_TRANSPORT) transport: EgressTransport = {},
  ) {
    const connect = transport.connect ?? buildConnector({ timeout: CONNECT_TIMEOUT_MS, allowH2: false });
    this.agent = new Agent({
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

  async onApplicationShutdown(): Promise<void> {
    await this.agent.destroy();
  }

  /** @throws EgressError and nothing else */
  async request(request: EgressRequest): Promise<EgressResponse> {
    const url = parseUrl(request.url);
    const signal = AbortSignal.timeout(request.timeoutMs);
    try {
      const response = await this.agent.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: request.method,
        headers: { 'user-agent': 'Exeunt', 'accept-encoding': 'identity', ...request.headers },
        body: request.body ?? null,
        signal,
        // The signal bounds the whole; these would only bound parts of it.
        headersTimeout: 0,
        bodyTimeout: 0,
      });
      return {
        status: response.statusCode,
        headers: singleValues(response.headers),
        body: await readBody(response, request),
      };
    } catch (error) {
      throw toEgressError(error, signal);
    }
  }
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

async function readBody(response: Dispatcher.ResponseData, request: EgressRequest): Promise<string> {
  const maxBytes = request.maxBytes ?? DEFAULT_MAX_BYTES;
  if (request.ignoreBody === true) {
    // Drained in the background so that the connection can be used again; cut off beyond the limits of size and time.
    response.body.on('error', () => undefined);
    void response.body.dump({ limit: maxBytes }).catch(() => undefined);
    return '';
  }
  const encoding = response.headers['content-encoding'];
  const declared = Number(response.headers['content-length'] ?? 0);
  // We asked for no compression; what comes compressed all the same is not unpacked, so that no bomb goes off.
  if (declared > maxBytes || (encoding !== undefined && encoding !== 'identity')) {
    response.body.on('error', () => undefined).destroy();
    if (declared > maxBytes) throw new EgressError('response_too_large');
    return '';
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new EgressError('response_too_large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function singleValues(headers: Dispatcher.ResponseData['headers']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? (value[0] ?? '') : value]],
    ),
  );
}

const CODES: Readonly<Record<string, EgressErrorCode>> = {
  ENOTFOUND: 'dns_failed',
  EAI_AGAIN: 'dns_failed',
  ECONNREFUSED: 'connect_failed',
  EHOSTUNREACH: 'connect_failed',
  ENETUNREACH: 'connect_failed',
  ETIMEDOUT: 'timeout',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  UND_ERR_SOCKET: 'reset',
  UND_ERR_HEADERS_OVERFLOW: 'response_too_large',
};

function toEgressError(error: unknown, signal: AbortSignal): EgressError {
  if (error instanceof EgressError) return error;
  if (signal.aborted) return new EgressError('timeout', { cause: error });
  const code = (error as { code?: unknown }).code;
  if (typeof code !== 'string') return new EgressError('failed', { cause: error });
  const tls = /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|HOSTNAME_MISMATCH|EPROTO)/.test(code);
  return new EgressError(CODES[code] ?? (tls ? 'tls_failed' : 'failed'), { cause: error });
}
