/** A request to another party's server. */
export interface EgressRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** For the whole exchange, in milliseconds: name resolution, connection, TLS, headers and body. */
  readonly timeoutMs: number;
  /** Of the body, default 64 KiB. */
  readonly maxBytes?: number;
  /** The status is all that counts: the exchange is over with the headers, and what follows them is not waited for. */
  readonly ignoreBody?: boolean;
}

export interface EgressResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export type EgressErrorCode =
  | 'invalid_url'
  | 'address_refused'
  | 'dns_failed'
  | 'connect_failed'
  | 'tls_failed'
  | 'timeout'
  | 'reset'
  | 'response_too_large'
  | 'failed';

/** The exchange did not come about. The message names the code alone: no address, no query, no word of the other side. */
export class EgressError extends Error {
  constructor(
    readonly code: EgressErrorCode,
    options?: { readonly cause?: unknown },
  ) {
    super(`outgoing request failed: ${code}`, options);
    this.name = 'EgressError';
  }
}
