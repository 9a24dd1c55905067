import { NestFactory, Reflector } from '@nestjs/core';
import type { Server } from 'node:http';
import type { LoggerService, NestApplicationOptions } from '@nestjs/common';
import type { ExpressAdapter, NestExpressApplication } from '@nestjs/platform-express';
import { AppModule } from './app.module.js';
import { Dialects } from './web/dialects/dialect.js';
import type { Settings } from './platform/config/settings.js';
import { Tracing } from './platform/tracing/tracing.js';
import { HttpMetrics } from './platform/metrics/http-metrics.js';
import { DirectRoutesAdapter } from './web/kit/direct/direct-routes.adapter.js';
import { EdgeFallbacks } from './web/kit/edge-fallbacks.js';
import { FallbackFilter } from './web/kit/fallback.filter.js';
import { refuseHead } from './web/kit/head-requests.js';
import { answerMalformedRequests } from './web/kit/malformed-requests.js';
import { RequestObserver, type TrustsPeer } from './web/kit/observation/request-observer.js';
import { publicCors } from './web/kit/public-cors.js';
import { RequestGuard } from './web/kit/request.guard.js';
import { ResponseWriter } from './web/kit/response-writer.js';
import { serveDocs } from './web/docs/openapi.js';

const BODY_LIMIT_BYTES = 64 * 1024;

/** How the application comes to be, and what of Nest's options its maker passes on. */
export interface Making {
  readonly logger?: LoggerService | false;
  /** Tests put their clock in here. Default: the modules as they are. */
  readonly create?: (adapter: ExpressAdapter, options: NestApplicationOptions) => Promise<NestExpressApplication>;
  /** A test compares with Express alone. Default: the one that knows direct ways. */
  readonly adapter?: ExpressAdapter;
}

/**
 * The application, ready to listen: parsers, headers, the filter for what no controller handles. The one way to it, for
 * production and tests alike. No filter or pipe for controllers here: each edge has its own, since bodies and rules differ
 * by dialect.
 */
export async function createApp(settings: Settings, making: Making = {}): Promise<NestExpressApplication> {
  const { logger, adapter = new DirectRoutesAdapter(), create = fromModules(settings) } = making;
  const app = await create(adapter, {
    bodyParser: false,
    return503OnClosing: true,
    routeConflictPolicy: { duplicate: 'error' },
    // The caller says what went wrong, and ends the process.
    abortOnError: false,
    ...(logger === undefined ? {} : { logger }),
  });
  // No response is cached or revalidated, and the hash costs CPU on every request.
  app.set('etag', false);
  // Plain strings and repeats, no nested objects: OAuth has none, and they are a way to smuggle.
  app.set('query parser', 'simple');
  if (settings.trustProxy !== undefined) app.set('trust proxy', trustedProxies(settings.trustProxy));
  keepIdleConnections(app, settings);
  observeRequests(app, settings);
  app.use(publicCors(app.get(ResponseWriter), settings));
  app.use(refuseHead);
  const dialects = app.get(Dialects);
  const readsOwnBody = (path = ''): boolean => dialects.readsOwnBody(path);
  // These read their JSON themselves, to the letter: media types, positions of mistakes, members sent twice.
  app.useBodyParser('text', { type: ({ url }) => readsOwnBody(url), limit: BODY_LIMIT_BYTES });
  app.useBodyParser('json', { limit: BODY_LIMIT_BYTES });
  app.useBodyParser('urlencoded', { limit: BODY_LIMIT_BYTES, extended: false });
  const https = settings.issuer.startsWith('https:');
  app.useSecurityHeaders({
    contentSecurityPolicy: { directives: { upgradeInsecureRequests: https ? [] : null } },
    strictTransportSecurity: https,
    // One page must be framed by everybody (Session Management 1.0 §3.2), and what is set here cannot be taken back. The
    // policy's `frame-ancestors` says the same to every browser of today; pages for people add the old header themselves.
    xFrameOptions: false,
    // A sign-in may run in a popup whose opener waits for it; keys and metadata are for everybody.
    crossOriginOpenerPolicy: false,
    crossOriginResourcePolicy: { policy: 'cross-origin' },
  });
  app.useGlobalGuards(new RequestGuard(app.get(Reflector), readsOwnBody));
  answerMalformedRequests(app.getHttpServer());
  app.useGlobalFilters(
    new FallbackFilter(app.get(ResponseWriter), app.get(EdgeFallbacks), (path) => methodsOf(app, path)),
  );
  serveDocs(app, settings);
  return app;
}

function fromModules(settings: Settings): NonNullable<Making['create']> {
  return (adapter, options) => NestFactory.create(AppModule.with(settings), adapter, options);
}

/**
 * Longer than a load balancer keeps an idle connection, so that it is never us who close one in the moment in which it is
 * used again; and headers, whose time begins with the wait, get longer still.
 */
function keepIdleConnections(app: NestExpressApplication, { keepAliveTimeoutMs }: Settings): void {
  const server: Server = app.getHttpServer();
  server.keepAliveTimeout = keepAliveTimeoutMs;
  server.headersTimeout = Math.max(60_000, keepAliveTimeoutMs + 5000);
}

/** Before the application's own listener, so that it sees each request first. */
function observeRequests(app: NestExpressApplication, { trustProxy, logRequests, logLevel }: Settings): void {
  const express = app.getHttpAdapter().getInstance() as unknown as { get(setting: string): unknown };
  const trusts = trustProxy === undefined ? undefined : (express.get('trust proxy fn') as TrustsPeer);
  const followsRequests = logRequests || logLevel === 'debug' || logLevel === 'trace';
  const metrics = app.get(HttpMetrics, { strict: false });
  const tracing = app.get(Tracing, { strict: false });
  const observer = new RequestObserver({ trusts, logsRequests: logRequests, followsRequests, metrics, tracing });
  observer.attach(app.getHttpServer());
}

interface Route {
  readonly route?: { readonly methods: Readonly<Record<string, boolean>> };
  match(path: string): boolean;
}

/** What the router has for a path, by its own table. */
function methodsOf(app: NestExpressApplication, path: string): readonly string[] {
  const { router } = app.getHttpAdapter().getInstance() as unknown as {
    readonly router: { readonly stack: readonly Route[] };
  };
  const methods = new Set<string>();
  for (const layer of router.stack) {
    if (layer.route === undefined || !layer.match(path)) continue;
    for (const method of Object.keys(layer.route.methods)) {
      methods.add(method.toUpperCase());
      if (method === 'get') methods.add('HEAD');
    }
  }
  return [...methods].toSorted();
}

/** `EXEUNT_TRUST_PROXY`: a number of hops, or addresses and networks. */
function trustedProxies(text: string): number | string[] {
  return /^\d+$/.test(text) ? Number(text) : text.split(',').map((entry) => entry.trim());
}
