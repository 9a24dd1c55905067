import { IncomingMessage, ServerResponse } from 'node:http';

/** `next` of Express: with an error, or with nothing. */
export type Next = (error?: unknown) => void;

/** A middleware, or what the router runs for a route. */
export type Step = (request: DirectRequest, response: DirectResponse, next: Next) => unknown;

/** What Express puts on a request. */
export interface DirectRequest extends IncomingMessage {
  body?: unknown;
  res?: ServerResponse;
  next?: Next;
  baseUrl?: string;
  originalUrl?: string | undefined;
  params?: object;
  route?: Route;
}

/** What Express puts on a response. */
export interface DirectResponse extends ServerResponse {
  locals?: object;
}

export interface Route {
  readonly path: unknown;
  /** In lower case; `_all` for every method. */
  readonly methods: Readonly<Record<string, boolean>>;
}

/** What the router has in its stack, in the order in which it asks. */
export interface Layer {
  /** Undefined: a middleware. */
  readonly route?: Route;
  readonly handle: Step;
  /** @returns false, or the part of the path that was matched; empty when the layer is for every path */
  match(path: string): false | { readonly path: string };
}

/** As much of an Express application as is needed to go its way. */
export interface ExpressParts {
  (request: IncomingMessage, response: ServerResponse): void;
  /** The prototypes of its requests and responses. */
  request: object;
  response: object;
  readonly router: { readonly stack: Layer[] };
  use(middleware: Step): void;
  enabled(setting: string): boolean;
  get(setting: string): unknown;
}

/**
 * Classes of requests and responses with Express's prototypes, for the server to make them with. Express would give each
 * object its prototype afterwards, which makes the runtime forget what it knows of its shape; it finds them right now.
 */
export function messageClasses(express: ExpressParts): {
  readonly IncomingMessage: typeof IncomingMessage;
  readonly ServerResponse: typeof ServerResponse;
} {
  const DirectMessage = class extends IncomingMessage {};
  const DirectReply = class extends ServerResponse {};
  // Below Express's, and not in their place: an object that is made by another class than that of its prototype is slow.
  Object.setPrototypeOf(DirectMessage.prototype, express.request);
  Object.setPrototypeOf(DirectReply.prototype, express.response);
  express.request = DirectMessage.prototype;
  express.response = DirectReply.prototype;
  return { IncomingMessage: DirectMessage, ServerResponse: DirectReply as typeof ServerResponse };
}
