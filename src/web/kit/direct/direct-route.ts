import type { Layer, Route, Step } from './express-parts.js';
import type { BodyTaker, FormReader } from './form-reader.js';

/** The parsers of an application, by their middlewares. */
export interface BodyParsers {
  readonly forms: ReadonlyMap<Step, FormReader>;
  /** Whether the parser wants a body that comes as a form. */
  readonly others: ReadonlyMap<Step, BodyTaker>;
}

/** A route that is found without the router, and what the router would run for it, in its order. */
export interface DirectRoute {
  /** `METHOD path` */
  readonly key: string;
  /** What the router knows it as. */
  readonly route: Route;
  /** Middlewares, with POST the reader of forms among them, and the route's own handlers as the last one. */
  readonly steps: readonly Step[];
  /** Parsers that come before that of forms and may want the body. */
  readonly takers: readonly BodyTaker[];
  /** Bytes of a form; 0: no body. */
  readonly bodyLimit: number;
}

/** A path without parameters, alternatives and escapes. */
const STATIC_PATH = /^\/(?:[\w.~-]+(?:\/[\w.~-]+)*)?$/;
const METHODS = ['get', 'post'] as const;

/**
 * The direct ways that an application has, by `METHOD path`. Left out is each route for which the router could do something
 * else: an earlier one takes its path, or a middleware that is mounted at a part of it and would see another URL.
 * @param answering the routes whose handlers pass no request on
 */
export function directRoutes(
  stack: readonly Layer[],
  answering: ReadonlySet<Route>,
  parsers: BodyParsers,
): ReadonlyMap<string, DirectRoute> {
  const table = new Map<string, DirectRoute>();
  for (const [index, { route, handle }] of stack.entries()) {
    const path = route?.path;
    if (route === undefined || !answering.has(route) || typeof path !== 'string' || !STATIC_PATH.test(path)) continue;
    for (const method of METHODS.filter((name) => route.methods[name] === true)) {
      const direct = directRoute(method, path, { before: stack.slice(0, index), route, handle, parsers });
      if (direct !== undefined) table.set(direct.key, direct);
    }
  }
  return table;
}

interface Place {
  readonly before: readonly Layer[];
  readonly route: Route;
  readonly handle: Step;
  readonly parsers: BodyParsers;
}

function directRoute(
  method: (typeof METHODS)[number],
  path: string,
  { before, route, handle, parsers }: Place,
): DirectRoute | undefined {
  const middlewares: Step[] = [];
  for (const layer of before) {
    const match = layer.match(path);
    if (match === false) continue;
    if (layer.route !== undefined) {
      if (answers(layer.route, method)) return undefined;
    } else if (match.path !== '') return undefined;
    // Those with four parameters are for errors.
    else if (layer.handle.length < 4) middlewares.push(layer.handle);
  }
  const key = `${method.toUpperCase()} ${path}`;
  // A parser does nothing without a body, and nothing once the body is read.
  const isParser = (step: Step): boolean => parsers.forms.has(step) || parsers.others.has(step);
  if (method === 'get')
    return { key, route, steps: [...middlewares.filter((step) => !isParser(step)), handle], takers: [], bodyLimit: 0 };
  const at = middlewares.findIndex((step) => parsers.forms.has(step));
  const reader = parsers.forms.get(middlewares[at] as Step);
  if (reader === undefined) return undefined;
  const others = (steps: readonly Step[]): Step[] => steps.filter((step) => !isParser(step));
  return {
    key,
    route,
    steps: [...others(middlewares.slice(0, at)), reader.step, ...others(middlewares.slice(at + 1)), handle],
    takers: middlewares.slice(0, at).flatMap((step) => parsers.others.get(step) ?? []),
    bodyLimit: reader.limit,
  };
}

function answers({ methods }: Route, method: string): boolean {
  return methods._all === true || methods[method] === true;
}
