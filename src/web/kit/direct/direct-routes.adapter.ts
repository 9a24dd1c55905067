import { createServer, type IncomingMessage } from 'node:http';
import type { NestApplicationOptions } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { directRoutes, type DirectRoute } from './direct-route.js';
import {
  messageClasses,
  type DirectRequest,
  type DirectResponse,
  type ExpressParts,
  type Next,
  type Route,
  type Step,
} from './express-parts.js';
import { formReader, type BodyTaker, type FormReader } from './form-reader.js';
import { ReplyWriter } from './reply-writer.js';

type RouteArguments = readonly [path: unknown, handler?: unknown];
type ParserOptions = Readonly<Record<string, unknown>>;

/**
 * Express, with a shorter way to its own handlers: a request for a path without parameters is answered without asking the
 * router. What cannot be proved to be treated alike goes to Express, which stays the complete and only other way.
 *
 * Taken are GET without a body, and POST with a form whose length is said and within the limit. Requests are made with
 * Express's prototypes, and the router's own middlewares and handlers run in its order, so both ways give the same bytes.
 * See docs/decisions/0050-direct-routes.md.
 */
export class DirectRoutesAdapter extends ExpressAdapter {
  /** How many requests went the direct way, by `METHOD path`. */
  readonly taken = new Map<string, number>();

  private readonly forms = new Map<Step, FormReader>();
  private readonly others = new Map<Step, BodyTaker>();
  /** Routes whose handlers pass no request on. */
  private readonly answering = new Set<Route>();
  private readonly failures = new WeakMap<object, unknown>();
  private readonly replies: ReplyWriter;
  /** Made at the first request: all routes are there by then. */
  private table: ReadonlyMap<string, DirectRoute> | undefined;

  constructor() {
    super();
    this.replies = new ReplyWriter(this.express);
    this.express.use((request, _response, next) => next(this.failures.get(request)));
    // First of all, so that what was done on the direct way is not done twice.
    const { stack } = this.express.router;
    stack.unshift(...stack.splice(-1));
  }

  override initHttpServer(options: NestApplicationOptions): void {
    super.initHttpServer(options);
    const { express } = this;
    // What Nest does with the server of these it does with that one only; all their requests go to Express.
    if (options.httpsOptions !== undefined || options.forceCloseConnections === true) return;
    this.httpServer = createServer(messageClasses(express), (request, response) => {
      const route = this.find(request);
      if (route === undefined) express(request, response);
      else this.go(route, request, response);
    });
  }

  /** Nest's router and others register here what answers a path by itself; what may pass a request on goes by the instance. */
  override get(...args: RouteArguments): unknown {
    return this.remember(super.get(...(args as Parameters<ExpressAdapter['get']>)));
  }

  override post(...args: RouteArguments): unknown {
    return this.remember(super.post(...(args as Parameters<ExpressAdapter['post']>)));
  }

  override useBodyParser(
    type: Parameters<ExpressAdapter['useBodyParser']>[0],
    rawBody: boolean,
    options?: ParserOptions,
  ): this {
    super.useBodyParser(type, rawBody, options);
    const parser = this.express.router.stack.at(-1)?.handle;
    if (parser === undefined) return this;
    if (type === 'urlencoded' && !rawBody && isPlainParser(options))
      this.forms.set(parser, formReader(parser, options.limit));
    else this.others.set(parser, takerOf(type, options?.type));
    return this;
  }

  override reply(response: DirectResponse, body: unknown, statusCode?: number): void {
    const write = (): void => void super.reply(response, body, statusCode);
    if (statusCode === undefined) this.replies.send(response, body, write);
    else write();
  }

  override setHeader(response: DirectResponse, name: string, value: string): void {
    if (this.replies.isPlainHeader(name, value)) response.setHeader(name, value);
    else this.replies.setContentType(response, [name, value], () => void super.setHeader(response, name, value));
  }

  private remember(result: unknown): unknown {
    const route = this.express.router.stack.at(-1)?.route;
    if (route !== undefined) this.answering.add(route);
    return result;
  }

  private get express(): ExpressParts {
    return this.getInstance<ExpressParts>();
  }

  private find(request: IncomingMessage): DirectRoute | undefined {
    this.table ??= directRoutes(this.express.router.stack, this.answering, { forms: this.forms, others: this.others });
    const { method = '', url = '' } = request;
    const at = url.indexOf('?');
    const route = this.table.get(`${method} ${at === -1 ? url : url.slice(0, at)}`);
    if (route === undefined || !isPlainRequest(request, route.bodyLimit, at === -1 ? '' : url.slice(at)))
      return undefined;
    return route.takers.some((takes) => takes(request)) ? undefined : route;
  }

  /** Runs the route's steps as the router does: each goes on by `next`, or answers. */
  private go(route: DirectRoute, request: DirectRequest, response: DirectResponse): void {
    this.taken.set(route.key, (this.taken.get(route.key) ?? 0) + 1);
    let index = 0;
    const next: Next = (error) => {
      const step = route.steps[index];
      index += 1;
      if (error !== undefined && error !== null) return this.fail(error, request, response);
      if (step === undefined)
        return this.fail(new Error(`The handler of ${route.key} gave its request back.`), request, response);
      try {
        const result = step(request, response, next);
        if (result instanceof Promise) void settled(result, next);
      } catch (reason) {
        next(reason);
      }
    };
    this.prepare(route, request, response, next);
    next();
  }

  /** What an Express application and its router put on each request. */
  private prepare({ route }: DirectRoute, request: DirectRequest, response: DirectResponse, next: Next): void {
    if (this.express.enabled('x-powered-by')) response.setHeader('X-Powered-By', 'Express');
    request.res = response;
    request.next = next;
    request.baseUrl = '';
    request.originalUrl = request.url;
    request.params = {};
    request.route = route;
    request.body = undefined;
    response.locals = Object.create(null) as object;
  }

  /** Express's handlers of errors answer: the router passes over everything else. */
  private fail(error: unknown, request: DirectRequest, response: DirectResponse): void {
    this.failures.set(request, error);
    this.express(request, response);
  }
}

/** As the router sees to handlers that are asynchronous. */
async function settled(result: Promise<unknown>, next: Next): Promise<void> {
  try {
    await result;
  } catch (reason) {
    next(reason ?? new Error('Rejected promise'));
  }
}

/** Options that the reader of forms knows: anything else may change what is read. */
function isPlainParser(options: ParserOptions | undefined): options is { readonly limit: number } {
  const { limit, extended, ...others } = options ?? {};
  return typeof limit === 'number' && extended === false && Object.keys(others).length === 0;
}

const OWN_TYPES: Readonly<Record<string, boolean>> = { json: true, text: true, raw: true };

function takerOf(parser: string, type: unknown): BodyTaker {
  if (typeof type === 'function') return (request) => (type as BodyTaker)(request);
  const takes = type !== undefined || OWN_TYPES[parser] !== true;
  return () => takes;
}

const FORM = /^application\/x-www-form-urlencoded(?: *; *charset=(?:utf-8|"utf-8"))?$/i;
/** Every parser of URLs reads these alike. */
const QUERY = /^[\x21\x22\x24-\x7e]*$/;

function isPlainRequest({ headers }: IncomingMessage, bodyLimit: number, query: string): boolean {
  if (headers['transfer-encoding'] !== undefined || headers.expect !== undefined || !QUERY.test(query)) return false;
  const length = headers['content-length'];
  if (bodyLimit === 0) return length === undefined;
  if (length === undefined || Number(length) > bodyLimit || headers['content-encoding'] !== undefined) return false;
  return FORM.test(headers['content-type'] ?? '');
}
