import { Injectable } from '@nestjs/common';
import { browserOrigins, type Client } from '../clients/client.js';
import { HttpEdge, type Response } from './http-edge.js';

/**
 * Lets a browser application read our answer when, and only when, its origin is that of a redirect URI of the client it
 * speaks for. No cookies are involved. `/authorize` never gets such a header (RFC 9700 §2.6).
 */
@Injectable()
export class Cors {
  constructor(private readonly edge: HttpEdge) {}

  allow(response: Response, origin: string | undefined, client: Client): void {
    if (origin === undefined || !browserOrigins(client).includes(origin)) return;
    this.edge.header(response, 'Access-Control-Allow-Origin', origin);
    this.edge.header(response, 'Access-Control-Expose-Headers', 'WWW-Authenticate, Retry-After');
    this.edge.header(response, 'Vary', 'Origin');
  }

  /**
   * Answers a preflight. It names no client, so it lets the question through; whether the answer may be read is decided
   * by {@link allow}.
   */
  preflight(response: Response, origin: string | undefined): void {
    if (origin !== undefined) {
      this.edge.header(response, 'Access-Control-Allow-Origin', origin);
      this.edge.header(response, 'Access-Control-Allow-Methods', 'GET, POST');
      this.edge.header(response, 'Access-Control-Allow-Headers', 'Authorization, Content-Type');
      this.edge.header(response, 'Access-Control-Max-Age', '600');
      this.edge.header(response, 'Vary', 'Origin');
    }
    this.edge.empty(response, 204);
  }
}
