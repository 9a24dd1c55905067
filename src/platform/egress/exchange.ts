import type { Dispatcher } from 'undici';
import { EgressError, type EgressErrorCode, type EgressRequest, type EgressResponse } from './egress.js';

const DEFAULT_MAX_BYTES = 64 * 1024;

type ResponseHeaders = Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2];

/**
 * One request and its answer, as undici's dispatcher reports it. One timer bounds the whole of it, and the number of
 * bytes is bounded; no stream and no abort signal is made for it, which would cost more than the request.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  private readonly timer: NodeJS.Timeout;
  private readonly maxBytes: number;
  private readonly chunks: Buffer[] = [];
  private controller: Dispatcher.DispatchController | undefined;
  private failure: EgressError | undefined;
  private status = 0;
  private headers: ResponseHeaders = {};
  private size = 0;

  constructor(
    private readonly request: Pick<EgressRequest, 'timeoutMs' | 'maxBytes' | 'ignoreBody'>,
    private readonly resolve: (response: EgressResponse) => void,
    private readonly reject: (error: EgressError) => void,
  ) {
    this.maxBytes = request.maxBytes ?? DEFAULT_MAX_BYTES;
    this.timer = setTimeout(() => this.end('timeout'), request.timeoutMs);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    // Its time was over while it waited for a connection.
    if (this.failure !== undefined) controller.abort(this.failure);
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: ResponseHeaders): void {
    if (status < 200) return;
    this.status = status;
    this.headers = headers;
    // What follows is read so that the connection can be used again, and cut off beyond the limits of size and time.
    if (this.request.ignoreBody === true) return this.answer('');
    const encoding = headers['content-encoding'];
    if (Number(headers['content-length'] ?? 0) > this.maxBytes) return this.end('response_too_large');
    // We asked for no compression; what comes compressed all the same is not unpacked, so that no bomb goes off.
    if (encoding === undefined || encoding === 'identity') return;
    this.answer('');
    this.end('failed');
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.size += chunk.length;
    if (this.size > this.maxBytes) this.end('response_too_large');
    else if (this.request.ignoreBody !== true) this.chunks.push(chunk);
  }

  onResponseEnd(): void {
    clearTimeout(this.timer);
    this.answer(Buffer.concat(this.chunks).toString('utf8'));
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    clearTimeout(this.timer);
    this.reject(toEgressError(error));
  }

  /** Nothing happens where the answer was given before. */
  private answer(body: string): void {
    this.resolve({ status: this.status, headers: singleValues(this.headers), body });
  }

  private end(code: EgressErrorCode): void {
    clearTimeout(this.timer);
    this.failure = new EgressError(code);
    this.reject(this.failure);
    this.controller?.abort(this.failure);
  }
}

function singleValues(headers: ResponseHeaders): Record<string, string> {
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
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  UND_ERR_SOCKET: 'reset',
  UND_ERR_HEADERS_OVERFLOW: 'response_too_large',
};

/** What the code of an error of Node or undici means here. */
export function toEgressError(error: unknown): EgressError {
  if (error instanceof EgressError) return error;
  const code = (error as { code?: unknown }).code;
  if (typeof code !== 'string') return new EgressError('failed', { cause: error });
  const tls = /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|HOSTNAME_MISMATCH|EPROTO)/.test(code);
  return new EgressError(CODES[code] ?? (tls ? 'tls_failed' : 'failed'), { cause: error });
}
