import type { SettingsReader } from './settings-reader.js';

const SAMPLERS = ['always_on', 'always_off', 'traceidratio'] as const;
export type SamplerName = (typeof SAMPLERS)[number];

/** How traces are made and where they go, by the variables that OpenTelemetry has for it. */
export interface TracingSettings {
  readonly exporter: 'otlp' | 'console';
  /** Where traces are sent to (OTLP over HTTP, JSON). */
  readonly url: string;
  readonly serviceName: string;
  readonly resourceAttributes: Readonly<Record<string, string>>;
  readonly sampler: SamplerName;
  /** Who calls decides whether the trace is recorded, where that is believed. */
  readonly parentBased: boolean;
  /** For `traceidratio`: 0 to 1. */
  readonly ratio: number;
  /** `traceparent` is read and written. */
  readonly propagates: boolean;
}

/** @returns undefined: there are no traces */
export function readTracing(read: SettingsReader): TracingSettings | undefined {
  const disabled = read.text('OTEL_SDK_DISABLED')?.toLowerCase() === 'true';
  const base = read.text('OTEL_EXPORTER_OTLP_ENDPOINT');
  const own = read.text('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT');
  const exporter = read.oneOf(
    'OTEL_TRACES_EXPORTER',
    ['otlp', 'console', 'none'],
    base === undefined && own === undefined ? 'none' : 'otlp',
  );
  read.oneOf('OTEL_EXPORTER_OTLP_PROTOCOL', ['http/json'], 'http/json');
  const url = own ?? `${(base ?? 'http://localhost:4318').replace(/\/$/, '')}/v1/traces`;
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    read.problem(
      own === undefined ? 'OTEL_EXPORTER_OTLP_ENDPOINT' : 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
      'must be an http or https URL',
    );
  const settings = {
    url,
    serviceName: read.text('OTEL_SERVICE_NAME') ?? 'exeunt',
    resourceAttributes: read.parsed('OTEL_RESOURCE_ATTRIBUTES', parseAttributes, {}),
    ...readSampler(read),
    propagates: read.parsed('OTEL_PROPAGATORS', parsePropagators, true),
  };
  return disabled || exporter === 'none' ? undefined : { exporter, ...settings };
}

function readSampler(read: SettingsReader): Pick<TracingSettings, 'sampler' | 'parentBased' | 'ratio'> {
  const names = SAMPLERS.flatMap((name) => [name, `parentbased_${name}` as const]);
  const name = read.oneOf('OTEL_TRACES_SAMPLER', names, 'parentbased_always_on');
  const ratio = read.parsed('OTEL_TRACES_SAMPLER_ARG', parseRatio, 1);
  return {
    sampler: name.replace('parentbased_', '') as SamplerName,
    parentBased: name.startsWith('parentbased_'),
    ratio,
  };
}

function parseRatio(text: string): number {
  const ratio = Number(text);
  if (!(ratio >= 0 && ratio <= 1)) throw new Error('must be a number from 0 to 1');
  return ratio;
}

/** `key=value,key=value`, percent-encoded. */
function parseAttributes(text: string): Record<string, string> {
  const pairs = text.split(',').map((pair) => {
    const [, name, value] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(pair) ?? [];
    if (name === undefined || value === undefined) throw new Error('must be key=value,key=value');
    return [name, decoded(value)] as const;
  });
  return Object.fromEntries(pairs);
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw new Error('has a value that is not percent-encoded');
  }
}

/** There is no baggage to carry, so its propagator has nothing to do here. */
function parsePropagators(text: string): boolean {
  const names = text.split(',').map((name) => name.trim());
  for (const name of names)
    if (!['tracecontext', 'baggage', 'none'].includes(name)) throw new Error('must be of tracecontext, baggage, none');
  return names.includes('tracecontext') && !names.includes('none');
}
