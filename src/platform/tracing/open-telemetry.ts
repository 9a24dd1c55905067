import { Logger } from '@nestjs/common';
import {
  ROOT_CONTEXT,
  SpanKind as Kind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type Span as ApiSpan,
  type SpanContext,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ConsoleSpanExporter,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type Sampler,
  type SpanExporter,
} from '@opentelemetry/sdk-trace';
import type { TracingSettings } from '../config/tracing-settings.js';
import type { TraceContext } from '../requests/trace-context.js';
import type { Attributes, Span, SpanKind, Tracer } from './tracing.js';

const KINDS: Readonly<Record<SpanKind, Kind>> = {
  internal: Kind.INTERNAL,
  server: Kind.SERVER,
  client: Kind.CLIENT,
  producer: Kind.PRODUCER,
};
/** One export, all tries together. Nothing waits for it but a shutdown. */
const EXPORT_MS = 10_000;

/**
 * Traces by OpenTelemetry's SDK. Nothing of it is global: no context manager, no propagator, no instrumentation. What the
 * exporter reads of the environment by itself (headers, time limit, compression, certificates) is as its document says.
 */
export function openTelemetry(settings: TracingSettings): Tracer {
  const exporter =
    settings.exporter === 'console' ? new ConsoleSpanExporter() : new OTLPTraceExporter({ url: settings.url });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': settings.serviceName, ...settings.resourceAttributes }),
    sampler: samplerOf(settings),
    spanProcessors: [new BatchSpanProcessor({ exporter: reported(exporter), exportTimeoutMillis: EXPORT_MS })],
  });
  const tracer = provider.getTracer('exeunt');
  return {
    start(name, kind, origin) {
      const { parent, link } = origin;
      const context = parent === undefined ? ROOT_CONTEXT : contextOf(parent);
      const links = link === undefined ? [] : [{ context: spanContextOf(link) }];
      return new OpenSpan(tracer.startSpan(name, { kind: KINDS[kind], links }, context));
    },
    flush: () => provider.forceFlush(),
    // The process stops in any case. What could not be sent is said by the exporter's own report.
    stop: () => provider.shutdown().catch((error: Error) => logger.warn(`traces were not closed: ${reasonOf(error)}`)),
  };
}

class OpenSpan implements Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;

  constructor(private readonly span: ApiSpan) {
    const { traceId, spanId, traceFlags } = span.spanContext();
    this.traceId = traceId;
    this.spanId = spanId;
    this.sampled = (traceFlags & TraceFlags.SAMPLED) !== 0;
  }

  set(attributes: Attributes): void {
    this.span.setAttributes(attributes);
  }

  rename(name: string): void {
    this.span.updateName(name);
  }

  fail(type: string): void {
    this.span.setAttribute('error.type', type).setStatus({ code: SpanStatusCode.ERROR });
  }

  end(): void {
    this.span.end();
  }
}

function contextOf(parent: TraceContext): Context {
  return trace.setSpanContext(ROOT_CONTEXT, spanContextOf(parent));
}

function spanContextOf({ traceId, spanId, sampled }: TraceContext): SpanContext {
  return { traceId, spanId, traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE };
}

function samplerOf({ sampler, parentBased, ratio }: TracingSettings): Sampler {
  const samplers = {
    always_on: () => new AlwaysOnSampler(),
    always_off: () => new AlwaysOffSampler(),
    traceidratio: () => new TraceIdRatioBasedSampler(ratio),
  };
  const root = samplers[sampler]();
  return parentBased ? new ParentBasedSampler({ root }) : root;
}

const REPORT_INTERVAL_MS = 60_000;

const logger = new Logger('Traces');

/** The exporter, which says in our log that it failed: a line a minute, whatever the number of traces. */
function reported(exporter: SpanExporter): SpanExporter {
  let lost = 0;
  let next = -Infinity;
  const report = (spans: number, error: Error | undefined): void => {
    lost += spans;
    const now = performance.now();
    if (now < next) return;
    next = now + REPORT_INTERVAL_MS;
    logger.warn(`${lost} spans were not exported: ${reasonOf(error)}`);
    lost = 0;
  };
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        if (result.error !== undefined) report(spans.length, result.error);
        // To the SDK it is done: it would report it in its own way, once for each batch.
        done({ code: 0 });
      });
    },
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
    shutdown: () => exporter.shutdown(),
  };
}

/** Not the exporter's message: it may have the collector's answer in it. */
function reasonOf(error: Error | undefined): string {
  const code = (error as { readonly code?: unknown } | undefined)?.code;
  return typeof code === 'string' || typeof code === 'number' ? String(code) : (error?.name ?? 'failed');
}
