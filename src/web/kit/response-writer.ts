import { Injectable, type ArgumentsHost } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { SetCookie } from './cookies.js';
import type { Header, HttpResponse } from './http-response.js';

/** The response object of whichever HTTP adapter is in use. It is handed on, and only {@link ResponseWriter} writes to it. */
export type OutgoingResponse = object;

interface IncomingRequest {
  readonly headers?: Readonly<Record<string, string | string[] | undefined>>;
}

/** Writes {@link HttpResponse} values, through Nest's adapter-neutral API. Nothing else writes to a response. */
@Injectable()
export class ResponseWriter {
  constructor(private readonly host: HttpAdapterHost) {}

  /** Sends a response where no handler returns one: from a filter. */
  send(host: ArgumentsHost, response: HttpResponse): void {
    const http = host.switchToHttp();
    this.sendTo(http.getResponse<OutgoingResponse>(), response, http.getRequest<IncomingRequest>());
  }

  /** The same from a middleware, which has no context yet. */
  sendTo(outgoing: OutgoingResponse, response: HttpResponse, request: IncomingRequest = {}): void {
    const body = this.head(outgoing, response, request);
    if (body === undefined) this.host.httpAdapter.end(outgoing);
    else this.host.httpAdapter.reply(outgoing, body, undefined);
  }

  /** Writes everything but the body. @returns the body, for Nest to send */
  prepare(host: ArgumentsHost, response: HttpResponse): unknown {
    const http = host.switchToHttp();
    return this.head(http.getResponse<OutgoingResponse>(), response, http.getRequest<IncomingRequest>());
  }

  /** What the response has whatever becomes of the request, its refusal too. */
  ahead(host: ArgumentsHost, headers: readonly Header[], cookies: readonly SetCookie[] = []): void {
    this.aheadTo(host.switchToHttp().getResponse<OutgoingResponse>(), headers, cookies);
  }

  /** The same from a middleware. */
  aheadTo(outgoing: OutgoingResponse, headers: readonly Header[], cookies: readonly SetCookie[] = []): void {
    for (const { name, value, attributes } of cookies)
      this.host.httpAdapter.setCookie(outgoing, name, value, attributes);
    for (const [name, value] of headers) this.host.httpAdapter.setHeader(outgoing, name, value);
  }

  private head(outgoing: OutgoingResponse, response: HttpResponse, request: IncomingRequest): unknown {
    const { cookies, html } = response;
    const chosen = html !== undefined && takesHtml(request) ? html : response;
    this.host.httpAdapter.status(outgoing, chosen.status);
    this.aheadTo(outgoing, chosen.headers, cookies);
    return chosen.body;
  }
}

function takesHtml({ headers }: IncomingRequest): boolean {
  return /\btext\/html\b/i.test(String(headers?.accept ?? ''));
}
