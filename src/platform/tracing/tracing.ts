import { currentScope, withinScope } from '../requests/request-scope.js';
import { toTraceparent, type TraceContext } from '../requests/trace-context.js';

export type SpanKind = 'internal' | 'server' | 'client' | 'producer';

/** What a span says. Never a token, a code, a cookie, a query, a value of a statement, or anything else that was sent. */
export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** A piece of work that has begun and is in a trace. */
export interface Span extends TraceContext {
  set(attributes: Attributes): void;
  rename(name: string): void;
  /** @param type a word of few: a code, a class, a status */
  fail(type: string): void;
  end(): void;
}

/** Where a span belongs. Neither: it begins a trace. */
export interface SpanOrigin {
  readonly parent?: TraceContext | undefined;
  /** It has to do with this one, and is not a part of it. */
  readonly link?: TraceContext | undefined;
}

/** What makes spans and sends them. */
export interface Tracer {
  start(name: string, kind: SpanKind, origin: SpanOrigin): Span;
  /** Sends what has ended. */
  flush(): Promise<void>;
  /** As {@link flush}, for the last time. */
  stop(): Promise<void>;
}

const NOTHING = Object.freeze({});

/** Opens spans, where traces are on. Where they are off, each call is one comparison. */
export class Tracing {
  /** @param propagates `traceparent` is read from requests that come in and written to those that go out */
  constructor(
    private readonly tracer?: Tracer,
    readonly propagates = true,
  ) {}

  get on(): boolean {
    return this.tracer !== undefined;
  }

  /** A span that what runs now is not the parent of. */
  begin(name: string, kind: SpanKind, origin: SpanOrigin = {}): Span | undefined {
    return this.tracer?.start(name, kind, origin);
  }

  /** A part of what runs now; undefined when that is in no trace that is recorded. */
  child(name: string, kind: SpanKind): Span | undefined {
    if (this.tracer === undefined) return undefined;
    const parent = currentScope()?.trace;
    return parent?.sampled === true ? this.tracer.start(name, kind, { parent }) : undefined;
  }

  /** The place in its trace of what runs now, for whatever continues it later or elsewhere. */
  get current(): TraceContext | undefined {
    return this.tracer === undefined ? undefined : currentScope()?.trace;
  }

  /**
   * By which another server continues the trace (Trace Context §3.2). It learns of traces that are not recorded, too, so that it
   * need not record them either.
   * @param span of the request to it; undefined: of what runs now
   */
  headersOf(span: Span | undefined): Readonly<Record<string, string>> {
    const context = this.propagates ? (span ?? this.current) : undefined;
    return context === undefined ? NOTHING : { traceparent: toTraceparent(context) };
  }

  /** Does the work within the span, and ends it. */
  within<T>(span: Span | undefined, work: () => Promise<T>): Promise<T> {
    if (span === undefined) return work();
    return withinScope({ id: currentScope()?.id, trace: span }, () => ended(span, work));
  }

  async flush(): Promise<void> {
    await this.tracer?.flush();
  }

  async stop(): Promise<void> {
    await this.tracer?.stop();
  }
}

/** Does the work, and ends its span with it, if it has one. What the work calls is not within the span. */
export function spanned<T>(span: Span | undefined, work: () => Promise<T>): Promise<T> {
  return span === undefined ? work() : ended(span, work);
}

async function ended<T>(span: Span, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    span.fail(typeOf(error));
    throw error;
  } finally {
    span.end();
  }
}

/** A code or the class. Not the message: it may quote what was sent. */
function typeOf(error: unknown): string {
  const code = (error as { readonly code?: unknown } | null)?.code;
  if (typeof code === 'string' && /^\w{1,40}$/.test(code)) return code;
  return error instanceof Error ? error.constructor.name : 'unknown';
}
